import { Subtitle2, Text } from "@fluentui/react-components";
import type { ReactNode } from "react";

interface Props {
  icon?: ReactNode;
  title: string;
  /** What to do next. */
  children?: ReactNode;
  actions?: ReactNode;
}

export function EmptyState({ icon, title, children, actions }: Props) {
  return (
    <div className="vd-empty" role="status">
      {icon && <div className="vd-empty-icon">{icon}</div>}
      <Subtitle2 as="h2">{title}</Subtitle2>
      {children && <Text as="p">{children}</Text>}
      {actions && <div className="vd-row vd-wrap">{actions}</div>}
    </div>
  );
}
