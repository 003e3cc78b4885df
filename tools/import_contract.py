"""The import-linter contract that reads which room may import which from the table in docs/architecture.md.

The document is the law and the linter enforces it, so the two cannot drift apart.
"""

from __future__ import annotations

import re
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ROW = re.compile(r"^\|\s*`(?P<room>[a-z_]+)/`(?P<note>[^|]*)\|[^|]*\|(?P<may>[^|]*)\|\s*$")
NOTHING = {"–", "-", ""}
ALL_ABOVE = "all above"


def read_table(text: str) -> dict[str, set[str]]:
    """Room -> every room it may import (transitively), from the Markdown table; ValueError on a name no row defines."""
    allowed: dict[str, set[str]] = {}
    for line in text.splitlines():
        row = ROW.match(line)
        if row is None or "top level" in row["note"]:
            continue
        may = row["may"].strip()
        if may in NOTHING:
            direct: set[str] = set()
        elif may == ALL_ABOVE:
            direct = set(allowed)
        else:
            direct = {name.strip().strip("`/") for name in may.split(",")}
        unknown = direct - set(allowed)
        if unknown:
            raise ValueError(
                f"the row of {row['room']}/ names {', '.join(sorted(unknown))}, which no row above it defines"
            )
        allowed[row["room"]] = direct.union(*(allowed[name] for name in direct))
    if not allowed:
        raise ValueError("no table of rooms found")
    return allowed


class RoomsContract(Contract):
    """Each package directly under the root package imports itself and the rooms its row allows, and no other."""

    table = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Compares every import between two rooms with the table."""
        root = self.session_options["root_packages"][0]
        allowed = read_table(Path(str(self.table)).read_text(encoding="utf-8"))
        rooms = {child.removeprefix(f"{root}."): child for child in graph.find_children(root)}
        packages = {name for name, module in rooms.items() if graph.find_children(module)}
        broken: list[str] = [f"{root}.{name} has no row in {self.table}" for name in sorted(packages - set(allowed))]
        for name in sorted(packages & set(allowed)):
            permitted = allowed[name] | {name}
            for module in sorted({rooms[name]} | graph.find_descendants(rooms[name])):
                for imported in sorted(graph.find_modules_directly_imported_by(module)):
                    target = imported.removeprefix(f"{root}.").partition(".")[0]
                    if imported == root or target in permitted:
                        continue
                    details = graph.get_import_details(importer=module, imported=imported)
                    place = f"line {details[0]['line_number']}" if details else "line unknown"
                    broken.append(
                        f"{module} ({place}) imports {imported}; {name}/ may import {self._names(allowed[name])}"
                    )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Prints one line for each forbidden import."""
        for line in check.metadata["broken"]:
            output.print_error(line)

    @staticmethod
    def _names(rooms: set[str]) -> str:
        return ", ".join(sorted(rooms)) or "nothing"
