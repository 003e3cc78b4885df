"""Azurite, Microsoft's emulator of Azure Storage: one process for a module, over TLS, with nothing on disk."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from vedette.core.tls import LocalAuthority

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
ACCOUNT = "devstoreaccount1"
KEY = base64.b64encode(b"a key of a test of Vedette, which is no secret at all: 64 bytes.").decode()


@dataclass(frozen=True)
class Azurite:
    """A running emulator."""

    url: str
    ca_file: Path

    def service(self) -> BlobServiceClient:
        """Azure's client, with the account's key."""
        return BlobServiceClient(
            f"{self.url}/{ACCOUNT}", credential={"account_name": ACCOUNT, "account_key": KEY},
            connection_verify=str(self.ca_file),
        )  # fmt: skip


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Started once; skipped where npm has not installed it (`make setup-dev` does)."""
    node = shutil.which("node")
    if node is None or not PROGRAM.is_file():
        pytest.skip("Azurite is not installed (make setup-dev installs it where npm is present)")
    folder = tmp_path_factory.mktemp("azurite")
    files = LocalAuthority.create().issue(folder)
    command = [
        node, str(PROGRAM), "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry",
        "--skipApiVersionCheck", "--oauth", "basic", "--cert", str(files.chain_file), "--key", str(files.key_file),
    ]  # fmt: skip
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
        env={"PATH": str(Path(node).parent), "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
    )  # fmt: skip
    late = threading.Timer(60, running.kill)  # it ends without having said where it listens: the test says what it said
    late.start()
    try:
        assert running.stdout is not None
        said = []
        for line in running.stdout:
            said.append(line)
            found = re.search(r"successfully listen\w+ (?:on|at) (https://127\.0\.0\.1:\d+)", line)
            if found is not None:
                break
        else:
            pytest.fail(f"Azurite did not start: {''.join(said)}")
        late.cancel()
        # what it says of each request must not fill the pipe
        threading.Thread(target=running.stdout.read, daemon=True).start()
        yield Azurite(found[1], files.authority_file)
    finally:
        late.cancel()
        running.terminate()
        running.wait(60)
