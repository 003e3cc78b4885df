import { ChevronRightRegular } from "@fluentui/react-icons";
import type { ReactNode } from "react";
import { Link } from "react-router";

/** Where a page is: the list that it belongs to, and itself. */
export function Breadcrumb({ to, list, children }: { to: string; list: string; children: ReactNode }) {
  return (
    <nav aria-label="Breadcrumb" className="vd-breadcrumb">
      <Link to={to}>{list}</Link>
      <ChevronRightRegular aria-hidden />
      <span>{children}</span>
    </nav>
  );
}
