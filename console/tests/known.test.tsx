import { FluentProvider, webLightTheme } from "@fluentui/react-components";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { api } from "../src/api/client";
import type { Incident } from "../src/api/types";
import type { Enrichment, Fact } from "../src/api/work";
import { createQueryClient } from "../src/app/App";
import { KnownOfEntities } from "../src/incidents/KnownOfEntities";

const rights = vi.hoisted(() => ({ editIncidents: true }));
vi.mock(import("../src/app/session"), async (original) => ({
  ...(await original()),
  useWorkspace: () => ({ id: "demo", name: "demo" }) as never,
  useRights: () => rights as never,
}));

const incident = { number: 7, etag: "e", entities: [{ id: "a", type: "Account", name: "ann@contoso.com", properties: {} }] } as unknown as Incident;
const vip = { entityId: "a", title: "On the watchlist VIPUsers", properties: { Tier: "0", Roles: ["Admin", "Auditor"] } };
const fact = (number: number): Fact => ({ entityId: null, title: `Incident ${number}`, properties: {} });
const found: Enrichment = {
  state: "Current",
  enrichedTimeUtc: "2026-03-01T12:00:00Z",
  value: [
    { id: "watchlists", title: "On watchlists", facts: [vip], more: false, reason: null },
    { id: "earlier-incidents", title: "Earlier incidents", facts: [5, 4, 3, 2].map(fact), more: true, reason: null },
    { id: "location", title: "Where addresses are", facts: [], more: false, reason: "No database is supplied." },
  ],
};

function show() {
  return render(
    <FluentProvider theme={webLightTheme}>
      <QueryClientProvider client={createQueryClient()}>
        <KnownOfEntities incident={incident} />
      </QueryClientProvider>
    </FluentProvider>,
  );
}

describe("what is known of the entities", () => {
  beforeEach(() => {
    rights.editIncidents = true;
    vi.restoreAllMocks();
  });

  it("is told with the entity, its properties, and why others could not tell", async () => {
    vi.spyOn(api, "enrichment").mockResolvedValue(found);
    const user = userEvent.setup();
    const { container } = show();
    const title = await screen.findByText(/On the watchlist VIPUsers/);
    expect(title.textContent).toBe("On the watchlist VIPUsers · ann@contoso.com");
    await user.click(title);
    expect(screen.getByText("Admin, Auditor")).toBeTruthy();
    expect(screen.getByRole("heading", { name: "Earlier incidents (4+)" })).toBeTruthy();
    expect(screen.queryByText("Incident 2")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Show 1 more" }));
    expect(screen.getByText("Incident 2")).toBeTruthy();
    expect(screen.getByText("Where addresses are: No database is supplied.")).toBeTruthy();
    expect((await axe.run(container)).violations).toEqual([]);
  });

  it("is asked for again while it is being looked up", async () => {
    const asked = vi.spyOn(api, "enrichment");
    asked.mockResolvedValueOnce({ state: "Waiting", enrichedTimeUtc: null, value: [] }).mockResolvedValue(found);
    show();
    await screen.findByText("It is being looked up.");
    await waitFor(() => expect(screen.getByText(/On the watchlist VIPUsers/)).toBeTruthy());
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it("is looked up again by who may edit incidents", async () => {
    vi.spyOn(api, "enrichment").mockResolvedValue({ ...found, value: [] });
    const again = vi.spyOn(api, "enrich").mockResolvedValue(found);
    const user = userEvent.setup();
    const { unmount } = show();
    await screen.findByText("Nothing is known of them.");
    const section = screen.getByRole("region", { name: "Known of the entities" });
    await user.click(within(section).getByRole("button", { name: "Look up again" }));
    await screen.findByText(/On the watchlist VIPUsers/);
    expect(again).toHaveBeenCalledWith("demo", 7);
    unmount();
    rights.editIncidents = false;
    show();
    const button = await screen.findByRole<HTMLButtonElement>("button", { name: "Look up again" });
    expect(button.disabled).toBe(true);
  });
});
