import { Link, useLocation } from "react-router";

import { EmptyState } from "./EmptyState";

export default function NotFound() {
  const { pathname } = useLocation();
  return (
    <EmptyState page title="There is no such page" actions={<Link to="/">Go to incidents</Link>}>
      Nothing is at {pathname}.
    </EmptyState>
  );
}
