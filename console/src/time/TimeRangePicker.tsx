import {
  Button,
  Field,
  Input,
  Popover,
  PopoverSurface,
  PopoverTrigger,
  Radio,
  RadioGroup,
} from "@fluentui/react-components";
import { CalendarClockRegular } from "@fluentui/react-icons";
import { useState } from "react";

import { setPreference, usePreferences, type Zone } from "../app/preferences";
import { fromInput, toInput, zoneName } from "./format";
import { durationSeconds, PRESETS, rangeLabel, type TimeRange } from "./range";

interface Props {
  range: TimeRange;
  onChange: (range: TimeRange) => void;
}

/** Start and end that the form begins with: the range as it is now. */
function bounds(range: TimeRange, zone: Zone, now: number): { start: string; end: string } {
  if (range.kind === "absolute") return { start: toInput(range.start, zone), end: toInput(range.end, zone) };
  const seconds = range.kind === "relative" ? (durationSeconds(range.duration) ?? 86_400) : 86_400;
  return {
    start: toInput(new Date(now - seconds * 1000).toISOString(), zone),
    end: toInput(new Date(now).toISOString(), zone),
  };
}

function AbsoluteForm({ range, onChange }: Props) {
  const { zone } = usePreferences();
  const [entered, setEntered] = useState(() => bounds(range, zone, Date.now()));
  const start = fromInput(entered.start, zone);
  const end = fromInput(entered.end, zone);
  const problem = !start || !end ? "Enter both times." : start >= end ? "The start must be before the end." : null;
  const switchZone = (next: Zone) => {
    // The same instants on the other clock.
    setEntered({ start: start ? toInput(start, next) : "", end: end ? toInput(end, next) : "" });
    setPreference("zone", next);
  };
  return (
    <form
      className="vd-range-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (start && end && !problem) onChange({ kind: "absolute", start, end });
      }}
    >
      <div className="vd-label">Between</div>
      <Field label="Start" size="small">
        <Input
          size="small"
          type="datetime-local"
          step={1}
          value={entered.start}
          onChange={(_, data) => setEntered({ ...entered, start: data.value })}
        />
      </Field>
      <Field label="End" size="small" validationMessage={problem}>
        <Input
          size="small"
          type="datetime-local"
          step={1}
          value={entered.end}
          onChange={(_, data) => setEntered({ ...entered, end: data.value })}
        />
      </Field>
      <RadioGroup
        layout="horizontal"
        aria-label="Clock"
        value={zone}
        onChange={(_, data) => switchZone(data.value === "local" ? "local" : "utc")}
      >
        <Radio value="utc" label="UTC" />
        <Radio value="local" label={zoneName("local")} />
      </RadioGroup>
      <Button type="submit" appearance="primary" size="small" disabled={problem !== null}>
        Apply
      </Button>
    </form>
  );
}

export function TimeRangePicker({ range, onChange }: Props) {
  const { zone } = usePreferences();
  const [open, setOpen] = useState(false);
  const choose = (next: TimeRange) => {
    setOpen(false);
    onChange(next);
  };
  const label = rangeLabel(range, zone);
  return (
    <Popover open={open} onOpenChange={(_, data) => setOpen(data.open)} trapFocus positioning="below-start">
      <PopoverTrigger disableButtonEnhancement>
        <Button size="small" icon={<CalendarClockRegular />} aria-label={`Time range: ${label}`}>
          {label}
          {range.kind === "absolute" && <span className="vd-muted">&nbsp;{zone === "utc" ? "UTC" : "local"}</span>}
        </Button>
      </PopoverTrigger>
      <PopoverSurface aria-label="Time range">
        <div className="vd-range">
          <div className="vd-range-presets" role="group" aria-label="Relative ranges">
            {PRESETS.map((preset) => (
              <Button
                key={preset.duration}
                size="small"
                appearance={range.kind === "relative" && range.duration === preset.duration ? "primary" : "subtle"}
                onClick={() => choose({ kind: "relative", duration: preset.duration })}
              >
                {preset.label}
              </Button>
            ))}
            <Button
              size="small"
              appearance={range.kind === "query" ? "primary" : "subtle"}
              onClick={() => choose({ kind: "query" })}
            >
              Set in query
            </Button>
          </div>
          <AbsoluteForm range={range} onChange={choose} />
        </div>
      </PopoverSurface>
    </Popover>
  );
}
