import "../app/configuration.css";

import { Button, Menu, MenuItem, MenuList, MenuPopover, MenuTrigger, Spinner, Switch } from "@fluentui/react-components";
import { AddRegular, ArrowDownloadRegular, FlashFlowRegular } from "@fluentui/react-icons";
import { Link, useNavigate } from "react-router";

import { automation, type AutomationRule } from "../api/automation";
import { failed } from "../app/activity";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Table, type Heading } from "../app/Table";
import { useChange } from "../app/useChange";
import { FileButton } from "../data/FileButton";
import { Ago } from "../time/Time";
import { WHEN } from "./model";
import { useAutomationRules } from "./useAutomation";

function Add() {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button size="small" appearance="primary" icon={<AddRegular />}>
          Add an automation rule
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {Object.entries(WHEN).map(([when, title]) => (
            <MenuItem key={when} onClick={() => void navigate(`${workspacePath(workspace, "automation", "new")}?kind=${when}`)}>
              {title}
            </MenuItem>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

function Import() {
  const workspace = useWorkspace();
  const { busy, change } = useChange(["automation-rules", workspace.id]);
  const take = async (file: { name: string; text: string }) => {
    const report = await change(`Read ${file.name}`, () => automation.import(workspace.id, [{ name: file.name, content: file.text }]));
    const said = [...(report?.problems ?? []).map((one) => `${one.message} ${one.hint ?? ""}`), ...(report?.notRunnable ?? []).map((one) => `${one.name}: ${one.message}`)];
    if (said.length) failed(file.name, new Error(said.join(" ")));
  };
  return <FileButton label="Import rules" disabled={busy} onFile={(file) => void take(file)} />;
}

function Export() {
  const workspace = useWorkspace();
  const save = async () => {
    try {
      const { content } = await automation.export(workspace.id);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 4)], { type: "application/json" }));
      link.download = "automation-rules.json";
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (error) {
      failed("The rules could not be exported", error);
    }
  };
  return (
    <Button size="small" icon={<ArrowDownloadRegular />} onClick={() => void save()}>
      Export
    </Button>
  );
}

const number = (title: string): Heading => ({ title, number: true });
const HEADINGS: readonly Heading[] = [number("Order"), "Enabled", "Name", "Does", number("Applied"), "Last", number("Errors"), "Ends"];

function Rules({ title, rules }: { title: string; rules: readonly AutomationRule[] }) {
  const workspace = useWorkspace();
  const { configure } = useRights();
  const { busy, change } = useChange(["automation-rules", workspace.id]);
  const enable = (rule: AutomationRule, enabled: boolean) =>
    void change(
      `${enabled ? "Enabled" : "Disabled"} ${rule.displayName}`,
      () => automation.setEnabled(workspace.id, rule.id, enabled),
      () => automation.setEnabled(workspace.id, rule.id, !enabled),
    );
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <Table headings={HEADINGS} label={title}>
        {rules.map((rule) => (
          <tr key={rule.id}>
            <td className="vd-number">{rule.order}</td>
            <td>
              <Switch checked={rule.enabled} disabled={!configure || busy} aria-label={`Enable ${rule.displayName}`} onChange={(_, data) => enable(rule, data.checked)} />
            </td>
            <td>
              <Link to={workspacePath(workspace, "automation", rule.id)}>{rule.displayName}</Link>
            </td>
            <td className="vd-wrap-text">
              {rule.does.join("; ")}
              {rule.notRunnable.map((one) => (
                <div key={one} className="vd-warn">
                  {one}
                </div>
              ))}
            </td>
            <td className="vd-number">{rule.timesApplied.toLocaleString("en-GB")}</td>
            <td>
              <Ago value={rule.lastAppliedTimeUtc} />
            </td>
            <td className="vd-number" title={rule.lastError ?? undefined}>
              {rule.errors.toLocaleString("en-GB")}
            </td>
            <td>{rule.state === "expired" ? <strong>Has ended</strong> : rule.expirationTimeUtc ? <Ago value={rule.expirationTimeUtc} /> : "Never"}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

export default function AutomationPage() {
  const { configure } = useRights();
  const { data, error, isPending, refetch } = useAutomationRules();
  const all = data?.value ?? [];
  const groups = [
    ...Object.entries(WHEN).map(([when, title]) => ({ title, rules: all.filter((rule) => rule.triggersOn === "Incidents" && rule.triggersWhen === when) })),
    { title: "When an alert is created", rules: all.filter((rule) => rule.triggersOn === "Alerts") },
  ];
  return (
    <div className="vd-page">
      <div className="vd-page-head vd-wrap">
        <h1>Automation</h1>
        <span className="vd-muted">What is done with incidents by itself, in this order</span>
        <span className="vd-spacer" />
        {all.length > 0 && <Export />}
        {configure && <Import />}
        {configure && <Add />}
      </div>
      {error && <ErrorView what="The automation rules could not be loaded" error={error} onRetry={() => void refetch()} />}
      {isPending && <Spinner label="Loading the automation rules" className="vd-center" />}
      {data && all.length === 0 && (
        <EmptyState icon={<FlashFlowRegular />} title="No automation rules yet">
          {configure
            ? "Add one that assigns, tags or closes incidents as they come, or import what Microsoft Sentinel exports under Automation."
            : "Ask a contributor of this workspace to add one."}
        </EmptyState>
      )}
      {groups.filter((group) => group.rules.length > 0).map((group) => (
        <Rules key={group.title} {...group} />
      ))}
    </div>
  );
}
