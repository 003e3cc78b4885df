"""Azure's SDK is imported by one thread, whoever begins."""

from __future__ import annotations

import subprocess
import sys

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
