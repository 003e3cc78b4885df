"""Builds the data file of the ASIM schemas from two JSON files of facts.

    python tools/build_asim.py ASIM_SCHEMAS.json.gz FUNCTIONS.json.gz [OUT.gz]

The first maps a schema to its columns with their types, the second is a list of functions with name, parameters and columns.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "src" / "vedette" / "store" / "data" / "asim.gz"
PREFIX = "_Im_"


def build(schemas: dict[str, dict[str, str]], functions: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    """For each schema its columns, the parameters of its unifying parsers, and the names that it goes by there."""
    found: dict[str, dict[str, object]] = {}
    for function in functions:
        name, columns = str(function["name"]), function.get("columns")
        if not name.startswith(PREFIX) or not columns or function.get("body"):
            continue
        short = name.removeprefix(PREFIX)
        schema = next((one for one in schemas if one.lower() == short.lower()), None)
        schema = schema or next(one for one, held in schemas.items() if held == columns)
        parameters = str(function["params"]).strip()[1:-1]
        entry = found.setdefault(schema, {"columns": schemas[schema], "parameters": parameters, "names": []})
        names = entry["names"]
        assert isinstance(names, list)
        names.append(short)
    return found


def main() -> None:
    """Writes the file."""
    schemas, functions = (json.loads(gzip.decompress(Path(path).read_bytes())) for path in sys.argv[1:3])
    out = Path(sys.argv[3]) if len(sys.argv) > 3 else OUT
    text = json.dumps(build(schemas, functions), sort_keys=True, separators=(",", ":"))
    out.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
