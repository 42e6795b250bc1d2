"""The process that forks measured processes: ``python -m measure.workloads.forking``.

It imports TensorFlow once, makes no tensor (a runtime with threads cannot be
forked) and then forks a child for each job that its parent sends. A child dies
with it, and it ends when its parent does: the socket to the parent is then closed.

Messages are lines of JSON. A job is ``{"target": "module:function", "job": {...},
"limit_s": 60}``; its answer holds the function's value, or the wait status of the
child, and the last of what the child printed.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_TAIL_BYTES = 20_000


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Let the kernel end this process when the thread that made it ends.

    Parameters
    ----------
    parent : int
        Its process id; if it has ended already, this process ends here.
    number : int, default=SIGKILL
        The signal to be sent; 0 takes the request back.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def main(arguments: list[str]) -> None:
    """Serve jobs until the parent hangs up.

    Parameters
    ----------
    arguments : list of str
        Number of the socket, parent's process id, modules to import first.
    """
    descriptor, parent = int(arguments[0]), int(arguments[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent)
    link = socket.socket(fileno=descriptor)
    for name in arguments[2:]:
        module = importlib.import_module(name)
        getattr(module, "warm_imports", lambda: None)()
    # From here on the parent's thread may end; its process is watched by the socket.
    die_with_parent(parent, 0)
    gc.collect()
    gc.freeze()
    _send(link, {"ready": True})
    buffer = b""
    while True:
        while b"\n" not in buffer:
            received = link.recv(1 << 16)
            if not received:
                return
            buffer += received
        line, _, buffer = buffer.partition(b"\n")
        _send(link, _answer(link, json.loads(line)))


def _answer(link: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    """Fork a child for one job and wait for it, but no longer than its limit."""
    output = os.memfd_create("output")
    reader, writer = os.pipe()
    zygote = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reader)
        link.close()
        _child(zygote, request, writer, output)
    os.close(writer)
    value, late = _collect(link, reader, child, float(request["limit_s"]))
    os.close(reader)
    _, status = os.waitpid(child, 0)
    size = os.lseek(output, 0, os.SEEK_END)
    printed = os.pread(output, size, 0)
    os.close(output)
    sys.stderr.buffer.write(printed)
    sys.stderr.buffer.flush()
    answer: dict[str, Any] = {"status": status, "late": late}
    answer["printed"] = printed[-_TAIL_BYTES:].decode(errors="replace")
    if value and not late:
        # Half an answer is that of a child that died in writing it.
        with contextlib.suppress(ValueError):
            answer.update(json.loads(value))
    return answer


def _collect(
    link: socket.socket, reader: int, child: int, limit_s: float
) -> tuple[bytes, bool]:
    """Return what the child sends, and whether it had to be ended."""
    end = time.monotonic() + limit_s
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    poll.register(link, select.POLLIN)
    value = b""
    while True:
        events = dict(poll.poll(max(0.0, end - time.monotonic()) * 1000))
        if link.fileno() in events:
            # The parent sends nothing while it waits: it hung up.
            os.kill(child, signal.SIGKILL)
            os._exit(1)
        if reader in events:
            received = os.read(reader, 1 << 16)
            if not received:
                return value, False
            value += received
        elif time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            return value, True


def _child(zygote: int, request: dict[str, Any], writer: int, output: int) -> NoReturn:
    """Do one job in a process of its own and send what came of it."""
    code = 1
    try:
        die_with_parent(zygote)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        answer: dict[str, Any]
        try:
            module, _, function = request["target"].partition(":")
            work = getattr(importlib.import_module(module), function)
            answer = {"value": work(request["job"])}
        except Exception as error:
            traceback.print_exc()
            message = " ".join(str(error).split())
            answer = {"error": f"{type(error).__name__}: {message}"}
        sys.stdout.flush()
        sys.stderr.flush()
        data = json.dumps(answer).encode()
        while data:
            data = data[os.write(writer, data) :]
        code = 0
    finally:
        os._exit(code)


def _send(link: socket.socket, message: dict[str, Any]) -> None:
    link.sendall(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        main(sys.argv[1:])
    os._exit(0)
