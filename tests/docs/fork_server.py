"""The command `vedette` without the cost of starting Python: a process that has imported it forks for every call.

`python -m tests.docs.fork_server SOCKET` serves until its standard input ends. `CLIENT` is a program, started as `vedette`,
that hands its arguments, directory, environment and standard streams over and ends as the fork does.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback

CLIENT = """\
#!{python} -SE
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
call = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(call).to_bytes(8, "big")], [0, 1, 2])
server.sendall(call)
answers = server.makefile()
process = int(answers.readline())
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, frame: os.kill(process, number))
sys.exit(int(answers.readline()))
"""
ROOMS = (
    "cli.querying",
    "cli.rules",
    "cli.loading",
    "api.direct",
    "api.application",
    "api.server",
    "store.logstore",
    "engine.query",
)
"""What most commands import."""


def serve(address: str) -> None:
    """Answers calls at a Unix socket, each in a fork, until standard input ends."""
    for room in ROOMS:
        importlib.import_module(f"vedette.{room}")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who follow
    while True:
        readable, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in readable:
            return
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _follow(client)
        client.close()


def _follow(client: socket.socket) -> None:
    """Forks for a call and tells the client how that ended; a client that is killed takes its fork with it. Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(client, 8, 3)
    call = b""
    while len(call) < int.from_bytes(head, "big"):
        call += client.recv(1 << 16)
    alive, held = os.pipe()  # ends when the fork does
    process = os.fork()
    if process == 0:
        client.close()
        _run(call, streams)
    for stream in (*streams, held):
        os.close(stream)
    client.sendall(f"{process}\n".encode())
    if client in select.select([client, alive], [], [])[0]:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with contextlib.suppress(OSError):
        client.sendall(f"{code if code >= 0 else 128 - code}\n".encode())
    os._exit(0)


def _run(call: bytes, streams: list[int]) -> None:
    """What the fork does: becomes the command, never returns."""
    code = 1
    try:
        arguments, directory, environment = json.loads(call)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        # the objects of the server know its own streams: whether they can seek, whether a person reads them
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = arguments
        main = importlib.import_module("vedette.cli.main").main
        code = main() or 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
