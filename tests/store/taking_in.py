"""A process that takes rows in from several threads and may be killed at any moment: ``taking_in.py FOLDER ROUND``.

Each acknowledged batch is a line on standard output, written after `accept` has returned.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from pathlib import Path

import orjson
import pyarrow as pa

from vedette.collect.http.beside import BodyReader
from vedette.collect.http.door import DoorRequest
from vedette.collect.http.registry import doors
from vedette.core.clock import SystemClock
from vedette.kql.types import Type
from vedette.store.columnar import Column, columnar
from vedette.store.intake import Intake, IntakeLimits
from vedette.store.logstore import LogStore
from vedette.store.rowlines import TableLines, lines_of
from vedette.store.spool import SpoolLimits


def main(folder: Path, round_: int) -> None:
    """Send until killed."""
    limits = IntakeLimits(SpoolLimits(segment_bytes=200_000), move_rows=2000, linger=0.01)
    logs = LogStore(folder / "logs.duckdb", SystemClock())
    intake = Intake(logs, folder / "spool", SystemClock(), limits)

    def send(sender: int) -> None:
        number = 0
        while True:
            batch = f"{round_}-{sender}-{number}"
            table = f"Crash{number % 3}_CL"
            # the id of a record that this sender has sent before: it must not come twice either
            ids = [f"{round_}-{sender}-{number // 2}"] if number % 5 == 4 else None
            rows = [{"batch": batch, "n": n, "text": "x" * 50} for n in range(1 if ids else 1 + number % 40)]
            if ids:
                rows = [{"batch": ids[0] + "-id", "n": 0}]
                table = "CrashIds_CL"
            intake.accept(table, rows, source="crash", record_ids=ids)
            os.write(1, f"{table} {rows[0]['batch']} {len(rows)}\n".encode())
            number += 1

    def send_columns() -> None:
        for number in itertools.count():
            batch, size = f"{round_}-columns-{number}", 1 + number % 500
            rows = {
                "TimeGenerated": Column(Type.DATETIME, pa.array([638_000_000_000_000_000 + n for n in range(size)])),
                "batch": Column(Type.STRING, pa.repeat(batch, size)),
                "n": Column(Type.LONG, pa.array(range(size))),
            }
            intake.accept_columns("CrashColumns_CL", columnar(rows), source="crash")
            os.write(1, f"CrashColumns_CL {batch} {size}\n".encode())

    def send_together() -> None:
        """Rows of several tables as one request has them: all of these tables have them, or none."""
        for number in itertools.count():
            batch = f"{round_}-together-{number}"
            tables = [f"CrashTogether{place}_CL" for place in range(3)]
            rows = [{"batch": batch, "n": n, "text": "x" * (number % 90)} for n in range(1 + number % 30)]
            intake.accept_together([TableLines(table, lines_of(table, rows)) for table in tables], source="crash")
            for table in tables:
                os.write(1, f"{table} {batch} {len(rows)}\n".encode())

    reader = BodyReader()
    door = next(one for one in doors() if one.name == "json")
    request = DoorRequest("POST", "/ingest/SigninLogs", {"table": "SigninLogs"}, {}, {}, "192.0.2.1")

    def send_bodies() -> None:
        """So long that the processes beside this one read them and make columns of them."""
        for number in itertools.count():
            batch, size = f"{round_}-body-{number}", 2_000 + number % 3
            body = orjson.dumps([{"CorrelationId": batch, "DurationMs": n, "UserAgent": "x" * 50} for n in range(size)])
            for rows in reader.read(door, request, body, None).rows:
                intake.accept_lines(rows.table, rows.lines, source="crash", record_ids=rows.record_ids)
            os.write(1, f"SigninLogs {batch} {size}\n".encode())

    if round_ % 4 == 3:  # they are there from the first body on
        assert reader.helper.start(30)
        assert logs._many._helper.start(30)
    threading.Thread(target=send_bodies, daemon=True).start()
    threading.Thread(target=send_columns, daemon=True).start()
    threading.Thread(target=send_together, daemon=True).start()
    for sender in range(3):
        threading.Thread(target=send, args=(sender,), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
