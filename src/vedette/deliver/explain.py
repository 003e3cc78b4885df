"""Why is there no incident? The answer for one run of a detection, destination by destination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from vedette.core.database import State
from vedette.deliver.models import DeliveryRow, DestinationDetectionRow, DestinationRow
from vedette.deliver.outbox import DeliveryState
from vedette.detect.alerts.alert import Outcome

TITLE: Final = "Incident not created"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a run stands with a destination (None: with all of them), the cause, and what to do about it.

    `arrived` is True where the incident is there; then there is nothing to do.
    """

    destination: str | None
    arrived: bool
    cause: str
    solution: str | None = None

    def __str__(self) -> str:
        place = f" in '{self.destination}'" if self.destination else ""
        return f"{'Incident created' if self.arrived else TITLE}{place}: {self.cause}"


def explain(state: State, workspace_id: str, detection_id: str, run_id: str, outcome: Outcome) -> list[Explanation]:
    """For each destination of the workspace whether the run has arrived there, and if not, why not."""
    if outcome is not Outcome.MATCHED:
        return [
            Explanation(
                None,
                False,
                f"The outcome of the run is {outcome}; only a run with the outcome MATCHED makes an incident.",
                "Verify that the detection matches: look at its query, its time range and its threshold."
                if outcome is Outcome.NOT_MATCHED
                else "Look at the error of the run and repair the detection.",
            )
        ]
    with state.session(read_only=True) as session:
        destinations = session.scalars(
            select(DestinationRow)
            .where(DestinationRow.workspace_id == workspace_id, DestinationRow.deleted_at.is_(None))
            .order_by(DestinationRow.folded_name)
        ).all()
        chosen = set(
            session.scalars(
                select(DestinationDetectionRow.destination_id).where(
                    DestinationDetectionRow.detection_id == detection_id
                )
            )
        )
        deliveries = {
            row.destination_id: row
            for row in session.scalars(
                select(DeliveryRow).where(
                    DeliveryRow.workspace_id == workspace_id,
                    DeliveryRow.detection_id == detection_id,
                    DeliveryRow.run_id == run_id,
                )
            )
        }
    if not destinations:
        return [Explanation(None, False, "The workspace has no destination.", "Add a destination.")]
    return [_one(row, row.every_detection or row.id in chosen, deliveries.get(row.id)) for row in destinations]


def _one(destination: DestinationRow, taken: bool, delivery: DeliveryRow | None) -> Explanation:
    name = destination.name
    if delivery is None:
        if not destination.enabled:
            return Explanation(name, False, "The destination is disabled.", "Enable it, and run the detection again.")
        if not taken:
            return Explanation(
                name,
                False,
                "The destination does not take this detection.",
                "Add the detection to the destination, and run it again.",
            )
        return Explanation(
            name, False, "The run was processed before the destination took it.", "Run the detection again."
        )
    error = delivery.last_error or {}
    hint = error.get("hint")
    if delivery.state == DeliveryState.DELIVERED.value:
        return Explanation(name, True, f"It has the id {delivery.remote_key}.")
    if delivery.state == DeliveryState.PENDING.value and not destination.enabled:
        return Explanation(name, False, "The delivery waits, since the destination is disabled.", "Enable it.")
    if delivery.state == DeliveryState.PENDING.value:
        count = "1 attempt" if delivery.attempts == 1 else f"{delivery.attempts} attempts"
        after = f" after {count}. {error.get('message', '')}" if delivery.last_error else "."
        return Explanation(name, False, f"The delivery is under way{after}".rstrip(), hint)
    return Explanation(name, False, str(error.get("message", "The delivery was cancelled.")), hint)
