"""How a host reaches the agent on a board: a process here, over SSH, or in process.

A beat every few seconds tells the agent that the host is alive; if it stops, the board
is put back as it was. A link that breaks is a failure from outside.
"""

from __future__ import annotations

import json
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, Protocol

from measure.devices import board_agent, links
from measure.devices.address import AGENT, Address
from measure.errors import DeviceError, RunFailed

Reply = dict[str, Any]
ANSWER_LIMIT_S = 15.0
"""An agent that does not answer for so long is lost."""
START_LIMIT_S = 30.0
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Waits before each attempt to connect again, give or take a fifth."""


class LinkLost(RunFailed):
    """The connection to a board broke: a failure from outside, to be tried again.

    Parameters
    ----------
    reason : str
        Which board, and what was seen last.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason, final=False)


class Clock(Protocol):
    """Seconds and waiting, on whatever clock the board has."""

    def now(self) -> float:
        """Return seconds, from an arbitrary moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait.

        Parameters
        ----------
        seconds : float
            How long.
        """
        ...


class Link(Protocol):
    """What speaks with an agent."""

    clock: Clock

    def ask(self, do: str, *, limit_s: float = ANSWER_LIMIT_S, **words: Any) -> Reply:
        """Return the agent's answer to a request.

        Parameters
        ----------
        do : str
            What to do.
        limit_s : float, optional
            How long to wait for the answer; a program that is run has so long.
        **words : object
            The rest of the request.

        Returns
        -------
        dict
            Plain data.
        """
        ...

    def close(self) -> None:
        """End the agent, which puts back what is set."""
        ...


class HostClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Return seconds, from an arbitrary moment.

        Returns
        -------
        float
            Monotonic.
        """
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Parameters
        ----------
        seconds : float
            How long.
        """
        time.sleep(seconds)


class _WatchingClock:
    """A clock on which an agent in process takes its samples while we wait."""

    def __init__(self, inner: Clock, agent: Any) -> None:
        self._inner, self._agent = inner, agent

    def now(self) -> float:
        return self._inner.now()

    def sleep(self, seconds: float) -> None:
        until = self.now() + seconds
        while self._agent.due_s is not None and self._agent.due_s < until:
            self._inner.sleep(max(0.0, self._agent.due_s - self.now()))
            self._agent.tick()
        self._inner.sleep(max(0.0, until - self.now()))


class InProcessLink:
    """An agent in this process, on files and a clock that are passed in.

    Parameters
    ----------
    files : object
        Such as `measure.simulator.tree.BoardTree`.
    clock : Clock, optional
        Whatever moves the files; this machine's by default.
    programs : callable, optional
        Answers the request ``run``, given it and the clock on which samples are
        taken meanwhile; without it programs cannot be run.
    """

    def __init__(
        self,
        files: Any,
        clock: Clock | None = None,
        *,
        programs: Callable[[Reply, Clock], Reply] | None = None,
    ) -> None:
        self._programs = programs
        inner: Clock = HostClock() if clock is None else clock
        self.agent = board_agent.Agent(files, board_agent.MemoryJournal(), inner)
        self.clock: Clock = _WatchingClock(inner, self.agent)

    def ask(self, do: str, *, limit_s: float = ANSWER_LIMIT_S, **words: Any) -> Reply:
        """Return the agent's answer.

        Parameters
        ----------
        do : str
            What to do.
        limit_s : float, optional
            Not needed: it answers at once.
        **words : object
            The rest of the request.

        Returns
        -------
        dict
            Plain data.

        Raises
        ------
        DeviceError
            If it refuses.
        """
        request = _request(do, words, limit_s)
        if do == "run" and self._programs is not None:
            return _accepted(self._programs(request, self.clock), do)
        return _accepted(self.agent.handle(request), do)

    def close(self) -> None:
        """Put back what is set."""
        self.agent.handle({"do": "restore"})


def _request(do: str, words: dict[str, Any], limit_s: float) -> Reply:
    return {"do": do, **words, **({"limit_s": limit_s} if do == "run" else {})}


def _accepted(reply: Reply, do: str) -> Reply:
    if "refused" in reply:
        raise DeviceError(f"the agent on the board refused to {do}: {reply['refused']}")
    return reply


class AgentLink:
    """An agent in a process of its own, here or on a board.

    Parameters
    ----------
    address : Address
        Where it is.
    beat_limit_s : float, optional
        After so long without a word it puts the board back.
    sleep : callable, optional
        Waits between attempts to connect again.

    Raises
    ------
    DeviceError
        If there is no way to the board, or it refuses.
    """

    def __init__(
        self,
        address: Address,
        *,
        beat_limit_s: float = board_agent.BEAT_LIMIT_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address, self.beat_limit_s = address, beat_limit_s
        self.clock: Clock = HostClock()
        self.hello: Reply = {}
        self.restored: Reply = {}
        self._sleep = sleep
        self._ids = 0
        self._sending = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control = ""
        self._stop = threading.Event()
        self.connect()

    @property
    def pid(self) -> int:
        """The process that leads to the agent; 0 if there is none."""
        return self._process.pid if self._process is not None else 0

    def connect(self) -> None:
        """Start the agent, and restore what an earlier one left set.

        Raises
        ------
        DeviceError
            If that fails, with what the program said.
        """
        self._control = tempfile.mkdtemp(prefix="measure-") if self.address.ssh else ""
        words = self.address.command("" if sys.platform == "win32" else self._control)
        self._answers: queue.Queue[Reply | None] = queue.Queue()
        self._said: list[str] = []
        self._stop = threading.Event()
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Ctrl-C is the host's to handle: the agent must outlive it.
                start_new_session=True,
            )
        except OSError as error:
            self._forget_control()
            raise DeviceError(
                f"{self.address}: {words[0]} cannot be started ({error.strerror}); "
                "install it"
            ) from error
        self._process = process
        threads = [
            threading.Thread(target=self._read, args=(process, self._answers)),
            threading.Thread(target=_collect, args=(process.stderr, self._said)),
            threading.Thread(target=self._beat, args=(self._stop,)),
        ]
        for thread in threads:
            thread.daemon = True
            thread.start()
        self._threads = threads
        hello = {"root": self.address.sysfs_root, "beat_limit_s": self.beat_limit_s}
        line = json.dumps(hello).encode() + b"\n"
        try:
            if self.address.ssh:
                line = AGENT.read_bytes() + line
            self._send(line)
            reply = self._answer(None, START_LIMIT_S)
        except LinkLost as error:
            self._end()
            raise DeviceError(self._why(error.reason)) from None
        if "refused" in reply:
            self._end()
            raise DeviceError(f"{self.address}: {reply['refused']}")
        self.hello = reply
        try:
            links.remember(self.address)
            # What an earlier agent left set is not to be built upon.
            self.restored = self.ask("restore")
        except BaseException:
            self._end()
            raise

    def reconnect(self, back_off_s: Iterable[float] = BACK_OFF_S) -> None:
        """Connect again, waiting longer from attempt to attempt.

        Parameters
        ----------
        back_off_s : iterable of float, optional
            The waits.

        Raises
        ------
        DeviceError
            Of the last attempt.
        """
        self._end()
        last = DeviceError(f"{self.address}: no attempt was made to connect again")
        for wait in back_off_s:
            self._sleep(wait * random.uniform(0.8, 1.2))
            try:
                self.connect()
                return
            except DeviceError as error:
                last = error
        raise last

    def ask(self, do: str, *, limit_s: float = ANSWER_LIMIT_S, **words: Any) -> Reply:
        """Return the agent's answer.

        Parameters
        ----------
        do : str
            What to do.
        limit_s : float, optional
            How long to wait for the answer; a program that is run has so long, and
            its answer some time more.
        **words : object
            The rest of the request.

        Returns
        -------
        dict
            Plain data.

        Raises
        ------
        LinkLost
            If the agent is gone, or silent.
        DeviceError
            If it refuses.
        """
        self._ids += 1
        request = {"id": self._ids, **_request(do, words, limit_s)}
        self._send(json.dumps(request).encode() + b"\n")
        wait_s = limit_s + (ANSWER_LIMIT_S if do == "run" else 0.0)
        return _accepted(self._answer(self._ids, wait_s), do)

    def close(self) -> None:
        """Put back what is set, and end the agent; more than once is once."""
        if self._process is None:
            return
        try:
            done = not self.ask("restore")["failed"]
        except LinkLost:
            done = self._restored_anew()
        except DeviceError:
            done = False
        self._end()
        if done:
            links.forget(self.address)

    def _restored_anew(self) -> bool:
        """Put back by another agent what a lost one left set."""
        try:
            self.reconnect(BACK_OFF_S[:3])
        except (RunFailed, DeviceError):
            return False
        return not self.restored["failed"]

    def _send(self, data: bytes) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise LinkLost(f"{self.address}: the link is closed")
        try:
            with self._sending:
                process.stdin.write(data)
                process.stdin.flush()
        except (OSError, ValueError) as error:
            raise self._lost("the agent is gone") from error

    def _answer(self, number: int | None, limit_s: float) -> Reply:
        until = time.monotonic() + limit_s
        while True:
            left = until - time.monotonic()
            try:
                reply = self._answers.get(timeout=max(0.0, left))
            except queue.Empty:
                raise self._lost(f"no answer for {limit_s:g} s") from None
            if reply is None:
                self._answers.put(None)
                raise self._lost("the link broke")
            if reply.get("id") == number:
                return reply

    def _lost(self, what: str) -> LinkLost:
        if self._process is not None and what != "the link broke":
            # Its last words may still be on the way.
            self._threads[1].join(0.2)
        said = f" ({self._said[-1]})" if self._said else ""
        return LinkLost(f"link to {self.address} lost: {what}{said}")

    def _why(self, reason: str) -> str:
        """Say why there is no agent, and what to do about it."""
        self._threads[1].join(1.0)
        said = "; ".join(self._said[-2:])
        hints = {
            "Host key verification failed": "the host key is not known or has "
            "changed: check it, and connect with ssh once by hand",
            "Permission denied": "set up a key: ssh-copy-id, or IdentityFile in "
            "your ssh_config",
            "a password is required": "allow it without a password in sudoers, or "
            "connect as root",
            "python3": "install python3 on the board",
            "Could not resolve": "check the name of the board",
        }
        for mark, hint in hints.items():
            if mark in said:
                return f"{self.address}: {said}; {hint}"
        return f"{self.address}: {said or reason}; is the board on, and reachable?"

    def _read(
        self,
        process: subprocess.Popen[bytes],
        answers: queue.Queue[Reply | None],
    ) -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                # A login shell may greet before the agent speaks.
                try:
                    reply = json.loads(line)
                except ValueError:
                    continue
                if isinstance(reply, dict) and reply.get("id", None) != "beat":
                    answers.put(reply)
        except (OSError, ValueError):
            pass
        answers.put(None)

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(self.beat_limit_s / 4.0):
            try:
                self._send(b'{"do": "beat", "id": "beat"}\n')
            except RunFailed:
                return

    def _end(self) -> None:
        """End the process; a sound agent has put the board back when it is gone."""
        process, self._process = self._process, None
        self._stop.set()
        if process is not None:
            _hang_up(process)
            for thread in self._threads:
                thread.join(2.0)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        self._forget_control()

    def _forget_control(self) -> None:
        if self._control:
            shutil.rmtree(self._control, ignore_errors=True)
            self._control = ""


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        try:
            process.stdin.close()
        except OSError:
            pass
    try:
        process.wait(board_agent.RESTORE_LIMIT_S + 5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _collect(stream: IO[bytes] | None, lines: list[str]) -> None:
    """Keep the last lines that a program says."""
    assert stream is not None
    try:
        for line in stream:
            text = line.decode("utf-8", "replace").strip()
            if text:
                lines.append(text)
            del lines[:-20]
    except (OSError, ValueError):
        pass


def read_texts(link: Link, paths: Sequence[str]) -> dict[str, str | None]:
    """Return what files on a board hold.

    Parameters
    ----------
    link : Link
        Leads to the board.
    paths : sequence of str
        Which; all are read at once.

    Returns
    -------
    dict of str to str or None
        Without the white space and NUL around; None where it cannot be read.
    """
    if not paths:
        return {}
    files = link.ask("read", paths=list(paths))["files"]
    return {
        path: entry["text"].strip("\0 \t\r\n") if "text" in entry else None
        for path, entry in zip(paths, files, strict=True)
    }


def find(link: Link, *patterns: str) -> list[str]:
    """Return the paths on a board that match patterns.

    Parameters
    ----------
    link : Link
        Leads to the board.
    *patterns : str
        ``*`` is within a name, ``#`` a number.

    Returns
    -------
    list of str
        In order of the patterns, each once.
    """
    found = link.ask("find", patterns=list(patterns))["paths"]
    return list(dict.fromkeys(path for paths in found for path in paths))
