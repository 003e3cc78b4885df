"""`vedette ingest`, on a directory and through the server that holds it."""

from __future__ import annotations

import base64
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from tests.api.conftest import serving
from vedette.cli.main import app


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


@pytest.mark.req("P-046")
def test_a_token_made_by_a_command_opens_the_doors(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as running:
        through = run("ingest", "token", "shipper", "--data", str(data))
        identity, key = run("ingest", "shared-key", "--data", str(data)).split()
        sent = httpx.post(
            f"{running.server.url}/ingest/Cli_CL",
            json={"n": 1},
            headers={"Authorization": f"Bearer {through}"},
            timeout=60,
        )
        assert sent.json() == {"accepted": 1, "unreadable": 0}
        assert identity == running.application.workspace("default").id
        assert len(base64.b64decode(key)) == 64
    # nothing that was accepted is lost when the server ends, and a command without one sees it
    assert '"n":1' in run("query", "Cli_CL | project n", "--data", str(data), "--format", "json").replace(" ", "")
    direct = run("ingest", "token", "shipper", "--days", "1", "--data", str(data))
    assert direct.startswith("vdt_")
    assert direct != through
