"""`docs/destinations/others.md`: the destinations besides Microsoft Sentinel, from their manifests."""

from __future__ import annotations

from vedette.core.clock import SystemClock
from vedette.deliver.registry import default_registry

_HEAD = """<!-- Written by `make pages` from the manifests of vedette.deliver.kinds; change it there. -->

# Other destinations

[Microsoft Sentinel](microsoft-sentinel.md) has a page of its own. The destinations on this page are set up in the same way: in
the console under **Destinations**, with `vedette destinations`, or through the REST API. **Test** tells whether one works before anything
is delivered; what is a secret is kept in the secret store and never shown again.

```bash
vedette destinations add syslog Collector --set host=siem.example.com --data DIR
vedette destinations list --data DIR
```

`vedette destinations kinds` tells the fields, `vedette deliveries list --state failed` what did not arrive and why, and `vedette deliveries
retry` tries it again.

Each gets every detection run with the outcome MATCHED, or those of the detections that you choose. What cannot be delivered
waits and is repeated; what is refused for good is kept with the reason, under **Deliveries**, until you retry it.

A delivery is repeated where its outcome is unknown, after a crash for instance. ServiceNow is asked for the incident before
one is made, so there is never a second one. A webhook's `webhook-id` and an e-mail's `Message-ID` are the same at each
repetition. Slack, Microsoft Teams and syslog cannot tell a repetition: there, it is possible to see a message twice.

## Where they may be

Destinations are reached on the public internet. An address in a private network or on the server's own machine is for an administrator
of the whole installation to enter, or for everybody once the setting `VEDETTE_OUTBOUND_ALLOW` has the network, the address or the name
(`10.1.0.0/16, mail.corp.example`). Who else changes such an address gives this up. Addresses where clouds tell their machines
credentials (169.254.169.254 and the like) need the setting in any case. What a name leads to is looked at when it is connected to, and
the connection goes to just that; behind a proxy, the proxy decides.

Secrets that are kept go to no other machine than they were entered for: who changes the address enters them again, for a test, too.
"""

_NOTES = {
    "servicenow": "An incident's `correlation_id` is `vedette:` and the incident's id. Impact and urgency come from the severity: "
    "CRITICAL 1/1, HIGH 1/2, MEDIUM 2/2, LOW 2/3, INFORMATIONAL 3/3.",
    "webhook": "The document is signed as the Standard Webhooks specification says: `webhook-signature` holds `v1,` and the base64 "
    "of HMAC-SHA256 over `webhook-id.webhook-timestamp.body`, once for each key. Any library for Standard Webhooks checks it. "
    "The types of documents are `detection.matched` and `destination.test`.",
    "syslog": "Messages are in the form of RFC 5424 with the facility log audit (13); TCP uses octet counting. In CEF, "
    "`externalId` is the incident's id, `cs1` the replay link, `cs2` the run's id, `cnt` the number of matches.",
    "email": "The text is the description that Microsoft Sentinel gets, too.",
    "slack": "Make a Slack app with an incoming webhook for the channel, and enter the webhook's address.",
    "teams": "In the channel choose **Workflows**, *Post to a channel when a webhook request is received*, and enter the address "
    "that the workflow shows.",
}


def render() -> str:
    """The page."""
    parts = [_HEAD]
    for kind in default_registry(SystemClock()):
        manifest = kind.manifest
        if manifest.guide != "destinations/others.md":
            continue
        parts.append(f"## {manifest.title}\n\n{manifest.about} {_NOTES[manifest.kind]}\n\n{manifest.fields_table()}\n")
        if manifest.permissions:
            rights = "\n".join(f"* {item.name}: {item.reason}" for item in manifest.permissions)
            parts.append(f"Rights that it needs:\n\n{rights}\n")
        parts.append(f"{manifest.troubleshooting_table()}\n")
    return "\n".join(parts)
