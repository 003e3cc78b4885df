"""What `vedette serve --demo` brings: a small attack campaign, the rules that see it, and the incidents that they raise.

`campaign/` has the log rows, by table (written by `tools/demo_campaign`); `rules/` has the analytics rules in the public
Azure-Sentinel layout, each with its tests beside it.
"""

from __future__ import annotations

from vedette.content.demo.material import CAMPAIGN, RULES, Material, shipped
from vedette.content.demo.preparation import prepare

__all__ = ["CAMPAIGN", "RULES", "Material", "prepare", "shipped"]
