"""What callers and the log are told of work that ends with the server."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import serving
from vedette.store import logstore
from vedette.store.loading import Loader
from vedette.store.reading import chunks

LINES = 300


def _told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(one.levelname, one.getMessage()) for one in caplog.records if one.levelno >= logging.WARNING]


def test_an_export_is_cut_off_in_one_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ends: list[Exception] = []
    begun = threading.Event()

    def read(client: httpx.Client) -> None:
        text = "range x from 1 to 900000000 step 1 | extend y = strcat('a', x)"
        try:
            with client.stream("POST", "/workspaces/default/export", json={"query": text, "format": "csv"}) as answer:
                for _ in answer.iter_raw():
                    begun.set()
        except httpx.HTTPError as error:
            ends.append(error)

    with serving(tmp_path / "data") as running, running.client() as client:
        reading = threading.Thread(target=read, args=(client,))
        reading.start()
        assert begun.wait(60)
        running.server.stop()
        reading.join(60)
    assert [type(one) for one in ends] == [httpx.RemoteProtocolError], "who reads it must not take it for whole"
    told = _told(caplog)
    assert [level for level, _ in told] == ["WARNING"], told
    assert told[0][1].startswith("the answer to POST /api/v1/workspaces/default/export is not whole: ")


@pytest.mark.parametrize("sent", [False, True], ids=["by its path", "as a body"])
def test_a_load_ends_undone_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    check, slowly, answers = Loader._check_cancelled, threading.Event(), []
    monkeypatch.setattr(chunks, "SIZE", 1)
    monkeypatch.setattr("vedette.store.reading.streams.READ_SIZE", 64)
    monkeypatch.setattr(logstore, "_WRITTEN_FOR", 0.3)

    def slow(loader: Loader) -> None:
        slowly.set()
        time.sleep(0.1)
        check(loader)

    monkeypatch.setattr(Loader, "_check_cancelled", slow)
    file = tmp_path / "SigninLogs" / "many.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps({"CorrelationId": str(number)}) + "\n" for number in range(LINES)))

    def load(client: httpx.Client) -> None:
        if sent:
            query = {"name": file.name, "table": "SigninLogs"}
            answers.append(client.post("/workspaces/default/load", params=query, content=file.read_bytes()))
        else:
            answers.append(client.post("/workspaces/default/local/load", json={"paths": [str(file)]}))

    with serving(tmp_path / "data") as running, running.client() as client:
        loading = threading.Thread(target=load, args=(client,))
        loading.start()
        assert slowly.wait(60)
        running.server.stop()
        loading.join(60)
    assert _told(caplog) == []
    (answer,) = answers
    if sent:
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "VDT0613")
    else:
        assert [one["outcome"] for one in answer.json()["files"]] == ["cancelled"]
        assert answer.json()["notes"][-1].startswith("The server ends.")
    monkeypatch.setattr(Loader, "_check_cancelled", check)
    with serving(tmp_path / "data") as running, running.client() as client:
        assert client.post("/workspaces/default/query", json={"query": "SigninLogs | count"}).json()["rows"] == [[0]]
        load(client)
        found = client.post("/workspaces/default/query", json={"query": "SigninLogs | count"})
        assert found.json()["rows"] == [[LINES]]


def test_who_sends_one_request_after_the_other_knows_of_each_what_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is closed while a request comes says neither that it was taken nor that it was not."""
    monkeypatch.setattr("vedette.api.server._LAST_REQUESTS", 10.0)  # on a busy machine, too: it ends when all have gone
    answers: list[int] = []
    ends: list[httpx.HTTPError] = []
    last: list[str | None] = []

    def send(number: int, url: str, token: str) -> None:
        closing = None
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
            try:
                while True:
                    answer = client.post("/ingest/Sent_CL", json=[{"sender": number}])
                    answers.append(answer.status_code)
                    closing = answer.headers.get("connection")
                    time.sleep(0.003 * number)
            except httpx.HTTPError as error:
                ends.append(error)
                last.append(closing)

    with serving(tmp_path / "data") as running:
        record = running.application.directory.server()
        assert record is not None
        senders = [
            threading.Thread(target=send, args=(number, running.server.url, record.token)) for number in range(16)
        ]
        for one in senders:
            one.start()
        time.sleep(1)
        running.server.stop()
        for one in senders:
            one.join(20)
    assert [type(one) for one in ends] == [httpx.ConnectError] * len(senders)
    assert last == ["close"] * len(senders)
    assert set(answers) == {200}
    with serving(tmp_path / "data") as running, running.client() as client:
        found = client.post("/workspaces/default/query", json={"query": "Sent_CL | count"})
        assert found.json()["rows"] == [[len(answers)]]
