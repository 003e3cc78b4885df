"""Paths of Azure Resource Manager, read without regard to case: where a resource is, and of which type it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_SLASHES: Final = re.compile("/{2,}")


@dataclass(frozen=True, slots=True)
class ArmPath:
    """`/subscriptions/S[/resourceGroups/G[/providers/N/T/name…]…]`, names as they were typed.

    `parent` is the last provider chain but one (the Log Analytics workspace, for Microsoft Sentinel's resources).
    """

    subscription: str
    resource_group: str | None
    providers: tuple[ProviderPart, ...]
    text: str = ""
    """The whole path as it was asked for."""

    @property
    def last(self) -> ProviderPart | None:
        """The part that names what is asked for."""
        return self.providers[-1] if self.providers else None

    def scope(self, depth: int | None = None) -> str:
        """The path again, as typed, down to the first `depth` provider parts (None: all of them)."""
        text = f"/subscriptions/{self.subscription}"
        if self.resource_group is not None:
            text += f"/resourceGroups/{self.resource_group}"
        return text + "".join(str(part) for part in self.providers[:depth])


@dataclass(frozen=True, slots=True)
class ProviderPart:
    """`/providers/NAMESPACE/type/name/subtype/name…`; the last name is missing where a collection is meant."""

    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def is_collection(self) -> bool:
        """Whether the part names all resources of a type, not one of them."""
        return len(self.names) < len(self.types)

    def __str__(self) -> str:
        text = f"/providers/{self.namespace}"
        for index, kind in enumerate(self.types):
            text += f"/{kind}"
            if index < len(self.names):
                text += f"/{self.names[index]}"
        return text


def normalize(raw_path: str) -> str:
    """Percent-decode a path and make one slash of several: SDKs send both encoded slashes and empty segments."""
    return _SLASHES.sub("/", unquote(raw_path))


def read_path(path: str) -> ArmPath | None:
    """The parts of a normalized path, or None if it is no path of Azure Resource Manager."""
    segments = [segment for segment in path.split("/") if segment]
    if len(segments) < 2 or segments[0].lower() != "subscriptions":
        return None
    subscription, rest = segments[1], segments[2:]
    group: str | None = None
    if rest and rest[0].lower() == "resourcegroups":
        if len(rest) < 2:
            return None
        group, rest = rest[1], rest[2:]
    providers: list[ProviderPart] = []
    while rest:
        if rest[0].lower() != "providers" or len(rest) < 3:
            return None
        end = next((at for at, word in enumerate(rest[1:], 1) if word.lower() == "providers"), len(rest))
        chain = rest[2:end]
        if not chain:
            return None
        providers.append(ProviderPart(rest[1], tuple(chain[0::2]), tuple(chain[1::2])))
        rest = rest[end:]
    return ArmPath(subscription, group, tuple(providers), path)
