"""Which tables files of one folder make that are of no known kind."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.collect.test_files import NOW
from vedette.collect.files.loader import FileLoader
from vedette.core.clock import VirtualClock
from vedette.store.logstore import LogStore

WEATHER = "TimeGenerated,Weather,City\n2026-03-01T10:00:00Z,sun,Porto\n"
COLDER = "TimeGenerated,Weather,City,Celsius\n2026-03-02T10:00:00Z,snow,Porto,-2\n"
DOORS = '{"TimeGenerated":"2026-03-01T10:00:00Z","Door":"north","Card":12}\n'
DOORS_TOO = '{"TimeGenerated":"2026-03-01T11:00:00Z","Door":"south","Alarm":true}\n'
HUNT = (
    '{"Timestamp":"2026-03-01T10:00:00Z","DeviceName":"n","ActionType":"ProcessCreated","FileName":"a.exe",'
    '"ProcessCommandLine":"a","DeviceId":"1","InitiatingProcessFileName":"x"}\n'
)
# files of a folder `sent`, and the tables with how many rows each has
CASES: dict[str, tuple[dict[str, str], dict[str, int]]] = {
    "parts of one export by day": ({"2026-03-01.csv": WEATHER, "2026-03-02.csv": COLDER}, {"sent": 2}),
    "one file": ({"weather.csv": WEATHER}, {"sent": 1}),
    "files of one kind": ({"porto.csv": WEATHER, "lisbon.csv": COLDER}, {"sent": 2}),
    "two kinds": ({"weather.csv": WEATHER, "doors.jsonl": DOORS}, {"weather": 1, "doors": 1}),
    "two kinds by day": (
        {"weather_2026-03-01.csv": WEATHER, "weather_2026-03-02.csv": COLDER, "doors-1.jsonl": DOORS, "2.doors.json": DOORS_TOO},
        {"weather": 2, "doors": 1, "sent": 1},
    ),
    "records of one name that have little in common": ({"doors1.jsonl": DOORS, "doors2.jsonl": DOORS_TOO}, {"sent": 2}),
    "names that tables cannot have": ({"the weather (1).csv": WEATHER, "doors.jsonl": DOORS}, {"the_weather": 1, "doors": 1}),
    "beside a known kind": ({"hunt.json": HUNT, "weather.csv": WEATHER}, {"DeviceProcessEvents": 1, "sent": 1}),
    "no name of its own": ({"2026.csv": WEATHER, "doors.jsonl": DOORS}, {"sent": 1, "doors": 1}),
}  # fmt: skip


def counts(store: LogStore) -> dict[str, int]:
    return {one.name: one.rows for one in store.tables()}


@pytest.mark.parametrize(("files", "expected"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("packed", [False, True])
def test_the_tables_of_a_folder(tmp_path: Path, files: dict[str, str], expected: dict[str, int], packed: bool) -> None:
    folder = tmp_path / "sent"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    path = folder
    if packed:
        path = tmp_path / "sent.zip"
        with zipfile.ZipFile(path, "w") as made:
            for name in files:
                made.write(folder / name, f"sent/{name}")
    with LogStore(None, VirtualClock(NOW)) as store:
        report = FileLoader(store, VirtualClock(NOW)).load([path])
        assert counts(store) == expected
        assert {file.table for file in report.files} == set(expected)


@pytest.mark.parametrize("folder", ["Mixed_CL", "SigninLogs", "there"])
def test_a_folder_that_is_named_after_a_table_is_that_table(tmp_path: Path, folder: str) -> None:
    files = tmp_path / folder
    files.mkdir()
    with LogStore(None, VirtualClock(NOW)) as store:
        loader = FileLoader(store, VirtualClock(NOW))
        if folder == "there":
            (files / "one.csv").write_text(WEATHER.replace("sun", "rain"))
            loader.load([files])
        (files / "weather.csv").write_text(WEATHER)
        (files / "doors.jsonl").write_text(DOORS)
        loader.load([files])
        assert set(counts(store)) == {folder}


def test_columns_of_parquet_tell_kinds_apart(tmp_path: Path) -> None:
    folder = tmp_path / "sent"
    folder.mkdir()
    for name, column in (("weather", "Weather"), ("doors", "Door")):
        pq.write_table(pa.table({"TimeGenerated": ["2026-03-01T10:00:00Z"], column: ["x"]}), folder / f"{name}.parquet")
    with LogStore(None, VirtualClock(NOW)) as store:
        FileLoader(store, VirtualClock(NOW)).load([folder])
        assert counts(store) == {"weather": 1, "doors": 1}
