"""Azure's SDK is imported by one thread, whoever begins."""

from __future__ import annotations

import subprocess
import sys
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from vedette.core import azure_sdk

PROGRAM = """
import sys, threading
from vedette.core.azure_sdk import sdk
failed = []
start = threading.Barrier(4)
def use(further):
    try:
        start.wait()
        sdk(*further)
        from azure.core import PipelineClient
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest
        from azure.identity import ClientSecretCredential
    except BaseException as error:
        failed.append(repr(error))
threads = [threading.Thread(target=use, args=(further,)) for further in ((), (), ("azure.storage.blob",), ())]
[one.start() for one in threads]
[one.join() for one in threads]
print(failed)
"""


def test_threads_that_need_it_at_once_do_not_wait_for_each_other() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_who_comes_while_it_is_imported_waits_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    halfway, further, through = Event(), Event(), Event()

    def slow(name: str) -> None:
        names.append(name)
        if len(names) == 2:
            halfway.set()
            assert further.wait(60)

    def late() -> None:
        azure_sdk.sdk()
        through.set()

    monkeypatch.setattr(azure_sdk, "_imported", set())
    monkeypatch.setattr(azure_sdk, "importlib", SimpleNamespace(import_module=slow))
    threads = [Thread(target=azure_sdk.sdk), Thread(target=late)]
    threads[0].start()
    assert halfway.wait(60)
    threads[1].start()
    assert not through.wait(0.2)
    further.set()
    for thread in threads:
        thread.join(60)
    assert through.is_set()
    assert len(set(names)) > 5
