"""The contract that every kind of destination keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from vedette.core.checks import CheckReport
from vedette.core.errors import VedetteError
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret
from vedette.deliver.detection import DetectionRun
from vedette.deliver.manifest import Manifest


class Remedy(StrEnum):
    """What helps after a failed delivery."""

    WAITING = "waiting"
    """It goes away by itself: the network, throttling, the other side's own failures."""
    CONFIGURATION = "configuration"
    """Somebody has to change something here or there: credentials, rights, names."""
    NOTHING = "nothing"
    """This delivery will never be accepted."""


class DeliveryFailure(VedetteError):
    """A delivery, or a check, that did not succeed. `retry_after`: seconds that the other side asks to wait."""

    def __init__(
        self,
        message: str,
        remedy: Remedy,
        *,
        code: str = "VDT6100",
        hint: str | None = None,
        cause: str | None = None,
        target: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, target=target, status=502)
        self.remedy = remedy
        self.cause = cause
        self.retry_after = retry_after

    def to_dict(self) -> dict[str, object]:
        described = super().to_dict()
        if self.cause is not None:
            described["cause"] = self.cause
        return described


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a delivery made at the other side. `repeated`: it had been there from an earlier attempt."""

    remote_id: str
    remote_url: str | None = None
    repeated: bool = False


class Destination(Protocol):
    """An open destination. Its methods do network calls: never call them inside a transaction."""

    def deliver(self, run: DetectionRun) -> Receipt:
        """Deliver a run that matched. Delivering the same run again makes nothing new. Raises `DeliveryFailure`."""
        ...

    def check(self, *, write: bool = False) -> CheckReport:
        """Find out whether deliveries can succeed and what is in their way; with `write`, by making a test object."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class DestinationKind(Protocol):
    """A kind of destination: one file, one line in the registry."""

    @property
    def manifest(self) -> Manifest:
        """What the kind is and which fields it needs."""
        ...

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret], outbound: Outbound) -> Destination:
        """A destination with checked values; does no network call. Addresses that people enter are reached through `outbound`."""
        ...
