import "../app/configuration.css";
import "../incidents/incidents.css";
import "../app/pane.css";

import { Tab, TabList } from "@fluentui/react-components";

import { useParameters } from "../app/parameters";
import { Bookmarks } from "./Bookmarks";
import { Queries } from "./Queries";

export default function HuntingPage() {
  const [parameters, setParameters] = useParameters();
  const tab = parameters.get("tab") === "queries" ? "queries" : "bookmarks";
  return (
    <div className="vd-page">
      <div className="vd-page-head vd-wrap">
        <h1>Hunting</h1>
        <span className="vd-muted">Rows that somebody kept, and queries worth asking again</span>
      </div>
      <TabList selectedValue={tab} onTabSelect={(_, data) => setParameters(() => new URLSearchParams(data.value === "queries" ? { tab: "queries" } : {}))}>
        <Tab value="bookmarks">Bookmarks</Tab>
        <Tab value="queries">Queries</Tab>
      </TabList>
      {tab === "queries" ? <Queries /> : <Bookmarks />}
    </div>
  );
}
