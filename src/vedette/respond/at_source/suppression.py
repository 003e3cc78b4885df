"""Suppressing alerts at their source, by hand: rules by which Defender for Cloud dismisses new alerts of a type by itself.

Source: the REST API of Defender for Cloud, Alerts Suppression Rules 2019-01-01-preview.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from vedette.clients.defender_for_cloud import CloudAlert
from vedette.core.audit import Audit
from vedette.core.clock import Clock
from vedette.core.errors import InvalidInput, NotFound
from vedette.core.ids import derived_id
from vedette.core.roles import Permission, Principal
from vedette.incidents.fields import iso
from vedette.incidents.service import IncidentService
from vedette.incidents.vocabulary import ActivityKind
from vedette.respond.at_source.alerts import SourceAlert
from vedette.respond.at_source.service import PRODUCT, Accounts, SourceAccount, SourceAlerts, find_alerts

REASONS: Final = ("FalsePositive", "Noise", "Other")
MAX_COMMENT: Final = 1000
_FIELD: Final = re.compile(r"entities(\.[A-Za-z]{1,40}){2}")


class Suppression:
    """The suppression rules at the sources of one workspace's alerts."""

    def __init__(
        self, workspace_id: str, clock: Clock, incidents: IncidentService, sources: SourceAlerts, accounts: Accounts,
        audit: Audit,
    ) -> None:  # fmt: skip
        self._workspace_id, self._clock, self._incidents = workspace_id, clock, incidents
        self._sources, self._accounts, self._audit = sources, accounts, audit

    def suppress(
        self, reference: int | str, principal: Principal, *, source_id: str | None = None, reason: str = "FalsePositive",
        comment: str = "", expires_at: datetime | None = None, entities: Mapping[str, Sequence[str]] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Have new alerts of the same type as one of an incident's dismissed at the source; returns the rule.

        With `entities` (`entities.ip.address` and the like, each with values) only those that have one of the values of each. Asking
        for the same again replaces the rule. `AzureFailure` says why the source refuses.
        """
        principal.require(self._workspace_id, Permission.RULES_WRITE)
        properties = _properties(reason, comment, expires_at, entities or {}, self._clock.now())
        chosen = self._chosen(reference, source_id)
        account, alert = self._located(chosen)
        scope = properties.get("suppressionAlertsScope", {})
        properties["alertType"] = alert.type
        name = f"vedette-{derived_id(self._workspace_id, alert.type, repr(scope))[:18]}"
        with account.open() as client:
            made = client.suppress(name, properties)
        until = f" until {iso(expires_at)[:10]}" if expires_at else ""
        title = f"New alerts are suppressed in {PRODUCT}{until}: {alert.title}"
        number = int(self._incidents.summary(reference)["number"])
        self._incidents.note(
            number, ActivityKind.ACTION, title, detail=comment or None, about=chosen.source_id, principal=principal
        )
        self._audit.record(
            principal, "source-suppressions/create", name, self._workspace_id,
            {"incident": number, "subscription": account.subscription_id, "alertType": alert.type, "reason": reason},
        )  # fmt: skip
        return _view(made, account)

    def list(self, principal: Principal) -> list[dict[str, Any]]:
        """The suppression rules of every subscription that a connector reaches."""
        principal.require(self._workspace_id, Permission.RULES_READ)
        found = []
        for account in self._accounts():
            with account.open() as client:
                found += [_view(one, account) for one in client.suppression_rules()]
        return found

    def delete(self, principal: Principal, subscription_id: str, name: str) -> None:
        """Delete a rule; new alerts are active again."""
        principal.require(self._workspace_id, Permission.RULES_WRITE)
        account = next(
            (one for one in self._accounts() if one.subscription_id.lower() == subscription_id.lower()), None
        )
        if account is None:
            raise NotFound(
                f"No connector {PRODUCT} that is enabled reaches the subscription {subscription_id}.",
                target=subscription_id,
            )
        with account.open() as client:
            client.unsuppress(name)
        self._audit.record(
            principal, "source-suppressions/delete", name, self._workspace_id, {"subscription": account.subscription_id}
        )

    def _chosen(self, reference: int | str, source_id: str | None) -> SourceAlert:
        found = self._sources.alerts(reference)
        if not found:
            raise InvalidInput(f"None of the incident's alerts comes from {PRODUCT}.", target=str(reference))
        if source_id is None:
            if len(found) > 1:
                raise InvalidInput(
                    f"The incident has {len(found)} alerts from {PRODUCT}.", target="sourceId",
                    hint=f"Name one: {', '.join(one.source_id for one in found[:5])}.",
                )  # fmt: skip
            return found[0]
        for one in found:
            if source_id.casefold() in (known.casefold() for known in (*one.names, one.alert_id)):
                return one
        raise NotFound(f"The incident has no alert '{source_id}' from {PRODUCT}.", target="sourceId")

    def _located(self, chosen: SourceAlert) -> tuple[SourceAccount, CloudAlert]:
        for account in self._accounts():
            if chosen.subscription_id not in (None, account.subscription_id.lower()):
                continue
            with account.open() as client:
                names = {one.casefold() for one in chosen.names}
                if located := find_alerts(client, names, first=True):
                    return account, next(iter(located.values()))
        raise NotFound(
            f"The alert '{chosen.source_id}' is in no subscription that a connector {PRODUCT} reaches.", target=chosen.source_id,
            hint=f"Add a connector for its subscription, or look whether {PRODUCT} still has it: it keeps alerts for 90 days.",
        )  # fmt: skip


def _properties(
    reason: str, comment: str, expires_at: datetime | None, entities: Mapping[str, Sequence[str]], now: datetime
) -> dict[str, Any]:
    known = next((one for one in REASONS if one.casefold() == reason.strip().casefold()), None)
    if known is None:
        raise InvalidInput(f"'{reason}' is no reason.", target="reason", hint=f"One of {', '.join(REASONS)}.")
    if len(comment) > MAX_COMMENT:
        raise InvalidInput(f"A comment has at most {MAX_COMMENT:,} characters.", target="comment")
    properties: dict[str, Any] = {"reason": known, "state": "Enabled"}
    if comment.strip():
        properties["comment"] = comment.strip()
    if expires_at is not None:
        if expires_at.tzinfo is None:
            expires_at = expires_at.replace(tzinfo=UTC)
        if expires_at <= now:
            raise InvalidInput("The end of the suppression is in the past.", target="expiresOn")
        properties["expirationDateUtc"] = iso(expires_at)
    conditions = []
    for field, values in sorted(entities.items()):
        if _FIELD.fullmatch(field) is None:
            raise InvalidInput(
                f"'{field}' is no property of an entity.", target="entities", hint="Such as entities.ip.address, entities.host.hostName."
            )  # fmt: skip
        if not values or not all(isinstance(one, str) and one.strip() for one in values) or len(values) > 100:
            raise InvalidInput(f"'{field}' needs 1 to 100 values.", target="entities")
        conditions.append({"field": field, "in": sorted(set(values))})
    if conditions:
        properties["suppressionAlertsScope"] = {"allOf": conditions}
    return properties


def _view(rule: Mapping[str, Any], account: SourceAccount) -> dict[str, Any]:
    about = rule.get("properties")
    about = about if isinstance(about, Mapping) else {}
    scope = about.get("suppressionAlertsScope")
    return {
        "name": rule.get("name"), "subscriptionId": account.subscription_id, "connector": account.connector,
        "alertType": about.get("alertType"), "reason": about.get("reason"), "state": about.get("state"),
        "comment": about.get("comment"), "expiresTimeUtc": about.get("expirationDateUtc"),
        "entities": (scope or {}).get("allOf", []) if isinstance(scope, Mapping) else [],
    }  # fmt: skip
