import { Subtitle2, Text } from "@fluentui/react-components";
import type { ReactNode } from "react";

interface Props {
  icon?: ReactNode;
  title: string;
  /** The state is the whole page. */
  page?: boolean;
  /** What to do next. */
  children?: ReactNode;
  actions?: ReactNode;
}

export function EmptyState({ icon, title, page = false, children, actions }: Props) {
  return (
    <div className="vd-empty" role="status">
      {icon && <div className="vd-empty-icon">{icon}</div>}
      <Subtitle2 as={page ? "h1" : "h2"}>{title}</Subtitle2>
      {children && <Text as="p">{children}</Text>}
      {actions && <div className="vd-row vd-wrap">{actions}</div>}
    </div>
  );
}
