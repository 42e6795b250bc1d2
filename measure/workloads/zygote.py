"""Fork measured processes from one that has imported TensorFlow already.

A fresh process spends seconds in ``import tensorflow``; a child forked from a
prepared process [1]_ spends none and is as fresh in all that matters: it has made
no tensor, no thread pool and no session yet.

References
----------
.. [1] The name is Android's: the process that all applications are forked from.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from measure.errors import DeviceError, RunFailed

START_LIMIT_S = 180.0
"""A machine that takes longer to import TensorFlow is not ready to measure."""
GRACE_S = 15.0
"""What a zygote may take beyond its child's time limit before it counts as dead."""
OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
"""Signals that come from outside: what died by one may live when tried again."""


class Zygote:
    """A prepared process that forks a child for each job.

    Parameters
    ----------
    log : pathlib.Path
        File that everything it and its children print is appended to.
    environment : mapping of str to str or None, optional
        Variables that count before the first import, such as
        ``TF_ENABLE_ONEDNN_OPTS``; None takes one away. All others may be set by the
        child.
    modules : sequence of str, optional
        What to import before forking.

    Examples
    --------
    >>> import os, pathlib
    >>> with Zygote(log=pathlib.Path(os.devnull)) as zygote:
    ...     zygote.call("operator:length_hint", "abc", limit_s=10.0)["value"]
    3
    """

    def __init__(
        self,
        *,
        log: Path,
        environment: Mapping[str, str | None] | None = None,
        modules: Sequence[str] = (),
    ) -> None:
        self.log = log
        self.environment = dict(environment or {})
        self.modules = tuple(modules)
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        """Process id while it lives, for those who watch it."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Begin to import, without waiting for the end of it.

        Raises
        ------
        DeviceError
            If the log cannot be written or no process started.
        """
        if self._process is not None:
            return
        mine, its = socket.socketpair()
        command = [sys.executable, "-m", "measure.workloads.forking"]
        command += [str(its.fileno()), str(os.getpid()), *self.modules]
        try:
            with its, self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    command,
                    env=_environment(self.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[its.fileno()],
                    # Ctrl-C is the parent's to handle, and so one signal ends all.
                    start_new_session=True,
                )
        except OSError as error:
            mine.close()
            raise DeviceError(
                f"host: no measured process can be started: {error}; check that "
                f"{self.log} can be written"
            ) from error
        self._link = mine

    def wait(self) -> None:
        """Start it if need be and return when it can fork.

        Raises
        ------
        DeviceError
            If what it imports cannot be imported; the log says why.
        """
        self.start()
        if self._ready:
            return
        try:
            answer = self._receive(START_LIMIT_S)
        except TimeoutError:
            answer = None
        if answer is None:
            self.kill()
            raise DeviceError(
                f"host: importing {', '.join(self.modules) or 'nothing'} in a new "
                f"process failed; {self.log} ends with: {_last_line(self.log)}"
            )
        self._ready = True

    def call(self, target: str, job: Any, *, limit_s: float) -> dict[str, Any]:
        """Run a function in a forked child.

        Parameters
        ----------
        target : str
            ``module:function``; it takes the job and returns plain data.
        job : object
            Plain data.
        limit_s : float
            The child is ended after this time.

        Returns
        -------
        dict
            ``value``: what the function returned; ``printed``: the end of what the
            child printed.

        Raises
        ------
        RunFailed
            If the child died, raised, took too long, or the zygote itself died.
        """
        self.wait()
        assert self._link is not None
        request = json.dumps({"target": target, "job": job, "limit_s": limit_s})
        answer = None
        try:
            self._link.sendall(request.encode() + b"\n")
            answer = self._receive(limit_s + GRACE_S)
        except TimeoutError:
            self.kill()
            raise RunFailed(
                f"the measuring process did not answer within {limit_s + GRACE_S:g} s",
                final=False,
            ) from None
        except OSError:
            pass
        except BaseException:
            self.kill()
            raise
        if answer is None:
            self.kill()
            raise RunFailed(
                f"the process that forks measured processes died; see {self.log}",
                final=False,
            )
        if "value" not in answer:
            raise _failure(answer, limit_s)
        return answer

    def _receive(self, limit_s: float) -> dict[str, Any] | None:
        """Return the next message, or None at the end of the stream."""
        assert self._link is not None
        end = time.monotonic() + limit_s
        parts: list[bytes] = []
        while not (parts and parts[-1].endswith(b"\n")):
            self._link.settimeout(max(0.001, end - time.monotonic()))
            try:
                received = self._link.recv(1 << 20)
            except ConnectionError:
                return None
            if not received:
                return None
            parts.append(received)
        message: dict[str, Any] = json.loads(b"".join(parts))
        return message

    def kill(self) -> None:
        """End it and its child at once."""
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.wait()
            self._process = None
        self._ready = False

    close = kill

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()


def _environment(more: Mapping[str, str | None]) -> dict[str, str]:
    """Return the variables of the new process, our own packages importable."""
    wanted = {**os.environ, **more}
    found = {name: value for name, value in wanted.items() if value is not None}
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *found.get("PYTHONPATH", "").split(os.pathsep)]
    found["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return found


def _failure(answer: Mapping[str, Any], limit_s: float) -> RunFailed:
    """Return why a child gave no value."""
    if answer["late"]:
        return RunFailed(f"took longer than the limit of {limit_s:g} s", final=True)
    if "error" in answer:
        return RunFailed(answer["error"], final=True)
    code = os.waitstatus_to_exitcode(answer["status"])
    lines = [line.strip() for line in answer["printed"].splitlines() if line.strip()]
    said = f": {lines[-1][:300]}" if lines else ""
    if code >= 0:
        return RunFailed(f"ended with exit code {code}{said}", final=True)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return RunFailed(f"ended by {name}{said}", final=-code not in OUTSIDE)


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return "nothing"
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")
