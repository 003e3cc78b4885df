"""The manifest of a kind of destination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vedette.core.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Form):
    """Everything that is known of a kind of destination without opening one."""

    kind: str

    def to_dict(self) -> dict[str, Any]:
        """The manifest as forms read it."""
        return {"kind": self.kind, **Form.to_dict(self)}
