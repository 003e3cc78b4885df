"""User agents of browsers, read by the patterns of the uap-core project."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from vedette.engine.catalog import scalar

_WANTED = ("browser", "os", "device")


@functools.lru_cache(maxsize=4096)
def _facts(user_agent: str, wanted: tuple[str, ...]) -> dict[str, object]:
    # the patterns take a while to load: only queries that use them pay
    from ua_parser import parse

    found = parse(user_agent).with_defaults()
    out: dict[str, object] = {}
    if "browser" in wanted:
        browser = found.user_agent
        out["Browser"] = {
            "Family": browser.family, "MajorVersion": browser.major or "", "MinorVersion": browser.minor or "",
            "Patch": browser.patch or "",
        }  # fmt: skip
    if "os" in wanted:
        os = found.os
        out["OperatingSystem"] = {
            "Family": os.family, "MajorVersion": os.major or "", "MinorVersion": os.minor or "",
            "Patch": os.patch or "", "PatchMinor": os.patch_minor or "",
        }  # fmt: skip
    if "device" in wanted:
        device = found.device
        out["Device"] = {"Family": device.family, "Brand": device.brand or "", "Model": device.model or ""}
    return out


def _names(look_for: object) -> tuple[str, ...]:
    names: Iterable[object] = look_for if isinstance(look_for, list) else (look_for,)
    return tuple(str(name).lower() for name in names)


def parsed_user_agent(user_agent: str, look_for: object = ("browser", "os", "device")) -> dict[str, object] | None:
    """What a user agent tells of browser, operating system and device; None where something else is asked for."""
    wanted = _names(list(look_for) if isinstance(look_for, tuple) else look_for)
    if not wanted or any(name not in _WANTED for name in wanted):
        return None
    return _facts(user_agent, wanted)


def _fault(look_for: object) -> str | None:
    other = next((name for name in _names(look_for) if name not in _WANTED), None)
    return None if other is None else f"What to look for is 'browser', 'os' or 'device', not '{other}'"


scalar(
    "parse_user_agent(user_agent: string, look_for?: string|dynamic): dynamic",
    about="The browser, operating system and device that a user agent names.",
    page="parse-user-agent-function",
    kind="row",
    checks={"look_for": _fault},
)(parsed_user_agent)
