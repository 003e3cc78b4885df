"""Builds the data file of the known tables' schemas from two JSON files of facts.

    python tools/build_schemas.py SCHEMAS.json.gz KINDS.json.gz [OUT.gz]

The first maps table to {column: KQL type} in the documented order; the second maps table to what it is. What a parser function
returns is not a table and is left out. The output is one line per table, `Table<TAB>tColumn<TAB>tColumn…`, where `t` is the
one-letter code of the column's type; the same input makes the same bytes.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from vedette.store.catalog import DATA_FILE, TYPE_CODES

CODES = {str(kind): code for code, kind in TYPE_CODES.items()}


def build(schemas: dict[str, dict[str, str]], kinds: dict[str, str]) -> bytes:
    """The uncompressed content of the data file."""
    lines = []
    for table in sorted(schemas):
        if kinds.get(table, "").startswith("parser_function_output"):
            continue
        columns = [CODES[kind] + column for column, kind in schemas[table].items()]
        lines.append("\t".join([table, *columns]))
    return "\n".join(lines).encode()


def main(arguments: list[str]) -> int:
    """Writes the data file; 0, or 2 where the arguments are not right."""
    if len(arguments) not in (2, 3):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    schemas, kinds = (json.loads(gzip.decompress(Path(path).read_bytes())) for path in arguments[:2])
    out = Path(arguments[2]) if len(arguments) == 3 else DATA_FILE
    out.parent.mkdir(parents=True, exist_ok=True)
    content = build(schemas, kinds)
    tables = content.count(b"\n") + 1
    out.write_bytes(gzip.compress(content, 9, mtime=0))
    sys.stdout.write(f"{out}: {tables} tables, {out.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
