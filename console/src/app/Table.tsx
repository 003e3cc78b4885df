import { useLayoutEffect, useRef, useState, type ReactNode } from "react";

/** What stands above a column; numbers stand at the right. */
export type Heading = string | { readonly title: ReactNode; readonly number: boolean };

interface Props {
  headings: readonly Heading[];
  /** A last column of buttons; its heading is there for those who do not see them. */
  actions?: boolean;
  /** What the table is called where its heading does not say it. */
  label?: string;
  /** Its rows are about to be replaced. */
  busy?: boolean;
  /** The rows. */
  children: ReactNode;
}

/** A table that scrolls sideways where there is no room for it; then keys can scroll it, too. */
export function Table({ headings, actions = false, label, busy = false, children }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const measure = () => setScrolls(element.scrollWidth > element.clientWidth);
    const observer = new ResizeObserver(measure);
    measure();
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={frame} className="vd-scroll" {...(scrolls && { tabIndex: 0, role: "region", "aria-label": label ?? "Table" })}>
      <table className={`vd-table${busy ? " vd-busy" : ""}`} aria-label={label}>
        <thead>
          <tr>
            {headings.map((heading, index) => (
              <th key={index} scope="col" className={typeof heading !== "string" && heading.number ? "vd-number" : undefined}>
                {typeof heading === "string" ? heading : heading.title}
              </th>
            ))}
            {actions && (
              <th scope="col">
                <span className="vd-visually-hidden">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
