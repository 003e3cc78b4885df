/** The palette and the help. Only one overlay is open at a time. */

import { Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Input } from "@fluentui/react-components";
import { SearchRegular } from "@fluentui/react-icons";
import { useMemo, useState, type KeyboardEvent } from "react";
import { useNavigate } from "react-router";

import { useAllCommands, type Command } from "./commands";
import { useWorkspace, workspacePath } from "./session";
import { Store, useStore } from "./store";

type Overlay = "palette" | "help";

const overlay = new Store<Overlay | null>(null);

export function openOverlay(which: Overlay): void {
  overlay.set(which);
}

function close(): void {
  overlay.set(null);
}

function Keys({ command }: { command: Command }) {
  return (
    <span className="vd-keys">
      {command.keys?.map((key) => (
        <kbd key={key}>{key === " " ? "Space" : key}</kbd>
      ))}
    </span>
  );
}

/** Every word must occur; commands whose title begins with the text come first. */
export function matchCommands(commands: readonly Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands.filter((command) => {
    if (command.keysOnly || command.enabled === false) return false;
    const haystack = `${command.title} ${command.group}`.toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
  const first = words[0];
  if (!first) return found;
  const rank = (command: Command) => (command.title.toLowerCase().startsWith(first) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b));
}

function Palette() {
  const navigate = useNavigate();
  const workspace = useWorkspace();
  const commands = useAllCommands();
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const shown = useMemo(() => {
    const number = /^#?(\d+)$/.exec(text.trim())?.[1];
    const direct: Command[] = [];
    if (number) {
      direct.push({
        id: "incident",
        title: `Open incident ${number}`,
        group: "Incidents",
        run: () => void navigate(workspacePath(workspace, "incidents", number)),
      });
    } else if (text.trim()) {
      direct.push({
        id: "find",
        title: `Find incidents with "${text.trim()}"`,
        group: "Incidents",
        run: () => void navigate(`${workspacePath(workspace, "incidents")}?status=any&q=${encodeURIComponent(text.trim())}`),
      });
    }
    const matching = matchCommands(commands, text);
    return number ? [...direct, ...matching] : [...matching, ...direct];
  }, [commands, text, navigate, workspace]);
  const at = Math.min(active, shown.length - 1);
  const run = (command: Command | undefined) => {
    if (!command) return;
    close();
    // The command may move the focus: the overlay gives it back first.
    setTimeout(command.run);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setActive(Math.min(at + 1, shown.length - 1));
    else if (event.key === "ArrowUp") setActive(Math.max(at - 1, 0));
    else if (event.key === "Enter") run(shown[at]);
    else return;
    event.preventDefault();
  };
  return (
    <DialogSurface className="vd-palette" aria-label="Command palette">
      <Input
        autoFocus
        className="vd-palette-input"
        contentBefore={<SearchRegular />}
        placeholder="Type a command, an incident number or words to find"
        aria-label="Command"
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={shown[at] ? `palette-${shown[at].id}` : undefined}
        value={text}
        onChange={(_, data) => {
          setText(data.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="palette-list" role="listbox" aria-label="Commands" className="vd-palette-list">
        {shown.map((command, index) => (
          <li
            key={command.id}
            id={`palette-${command.id}`}
            role="option"
            aria-selected={index === at}
            ref={index === at ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
            onMouseMove={() => setActive(index)}
            onClick={() => run(command)}
          >
            <span>{command.title}</span>
            <span className="vd-muted">{command.group}</span>
            <Keys command={command} />
          </li>
        ))}
      </ul>
    </DialogSurface>
  );
}

function Help() {
  const commands = useAllCommands().filter((command) => command.keys?.length);
  const groups = [...new Set(commands.map((command) => command.group))];
  return (
    <DialogSurface className="vd-help">
      <DialogBody>
        <DialogTitle>Keyboard shortcuts</DialogTitle>
        <DialogContent>
          <div className="vd-help-groups">
            {groups.map((group) => (
              <section key={group}>
                <h3>{group}</h3>
                <dl>
                  {commands
                    .filter((command) => command.group === group)
                    .map((command) => (
                      <div key={command.id}>
                        <dt>
                          <Keys command={command} />
                        </dt>
                        <dd>{command.title}</dd>
                      </div>
                    ))}
                </dl>
              </section>
            ))}
          </div>
        </DialogContent>
        <DialogActions>
          <Button autoFocus onClick={close}>
            Close
          </Button>
        </DialogActions>
      </DialogBody>
    </DialogSurface>
  );
}

export function Overlays() {
  const which = useStore(overlay);
  return (
    <Dialog open={which !== null} onOpenChange={(_, data) => !data.open && close()}>
      {which === "help" ? <Help /> : <Palette />}
    </Dialog>
  );
}
