import {
  AddCircleRegular,
  AlertUrgentRegular,
  CommentRegular,
  EditRegular,
  InfoRegular,
  SendRegular,
  type FluentIcon,
} from "@fluentui/react-icons";

import type { TimelineItem } from "../api/types";
import { usePreferences } from "../app/preferences";
import { formatSpan, formatTime, toMillis } from "../time/format";

const ICONS: Readonly<Record<string, FluentIcon>> = {
  alert: AlertUrgentRegular,
  created: AddCircleRegular,
  change: EditRegular,
  comment: CommentRegular,
  delivery: SendRegular,
};

/** Pauses longer than this are shown between entries. */
const PAUSE_SECONDS = 3600;

interface Props {
  items: readonly TimelineItem[];
  /** The selected alert: shown the same way here and in the list of alerts. */
  alertId: string | null;
  onAlert: (id: string) => void;
}

export function Timeline({ items, alertId, onAlert }: Props) {
  const { zone } = usePreferences();
  if (!items.length) return <p className="vd-muted">Nothing has happened yet.</p>;
  return (
    <ol className="vd-timeline">
      {items.map((item, index) => {
        const Icon = ICONS[item.kind] ?? InfoRegular;
        const text = formatTime(item.time, zone);
        const thisDay = text.slice(0, 10);
        const before = items[index - 1];
        const newDay = !before || thisDay !== formatTime(before.time, zone).slice(0, 10);
        const millis = toMillis(item.time);
        const former = before ? toMillis(before.time) : null;
        const pause = former !== null && millis !== null ? (millis - former) / 1000 : 0;
        const { alertId: id } = item;
        return (
          <li key={item.id} className={`vd-timeline-${item.kind}${id && id === alertId ? " vd-timeline-active" : ""}`}>
            {newDay && <div className="vd-timeline-day">{thisDay}</div>}
            {!newDay && pause >= PAUSE_SECONDS && <div className="vd-timeline-pause">{formatSpan(pause)} later</div>}
            <div className="vd-timeline-item">
              <time dateTime={item.time} title={formatTime(item.time, zone, "full")}>
                {text.slice(11)}
              </time>
              <Icon aria-label={item.kind} className="vd-timeline-icon" />
              <div>
                {id ? (
                  <button type="button" className="vd-link" onClick={() => onAlert(id)}>
                    {item.title}
                  </button>
                ) : (
                  <span>{item.title}</span>
                )}
                {item.actor && <span className="vd-muted"> · {item.actor.name}</span>}
                {item.detail && <div className="vd-muted vd-pre">{item.detail}</div>}
              </div>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
