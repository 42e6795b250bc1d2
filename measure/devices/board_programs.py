"""What runs on a board: programs that are copied there and time their own calls.

A program is made on this machine for one network and workload, copied once by hash,
and started by the agent. It prints one line of JSON: the time of each call, and the
window in which it was under load, on the clock that the agent's samples carry.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from measure.configuration import Configuration
from measure.constraints import Forbidden
from measure.devices.base import OptionOffer, Told
from measure.devices.transport import Link, Reply
from measure.errors import RunFailed
from measure.levels import Level
from measure.options import Option
from measure.workloads.command import OUTSIDE

WARM_UP_CAP_S, TIME_LIMIT_S = 2.0, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What a program on a board said of its calls.

    Parameters
    ----------
    calls_s : tuple of float
        Seconds of each call in the window; where there are very many, evenly
        spaced ones.
    warm_up_s : tuple of float
        Seconds of each call before it was steady.
    window : (float, float), optional
        Begin of its first and end of its last measured call, on the board's clock.
    window_calls : int
        Calls in the window: energy is theirs.
    cpu_time_s : float, optional
        CPU seconds of all threads for one call.
    batch_size : int, default=1
        Items in a call.
    flags : tuple of str
        What speaks against trusting it.
    read_back : mapping of str to level or None
        What was observed of the program's own options.
    read_back_reason : mapping of str to str
        How, or why not.
    """

    calls_s: tuple[float, ...]
    warm_up_s: tuple[float, ...] = ()
    window: tuple[float, float] | None = None
    window_calls: int = 0
    cpu_time_s: float | None = None
    batch_size: int = 1
    flags: tuple[str, ...] = ()
    read_back: Mapping[str, Level | None] = field(default_factory=dict)
    read_back_reason: Mapping[str, str] = field(default_factory=dict)


class BoardProgram(Protocol):
    """What runs on a board for one network and workload."""

    def prepare(
        self, configurations: Iterable[Configuration], progress: Told | None = None
    ) -> None:
        """Build on this machine what configurations need; here, that is nothing.

        Parameters
        ----------
        configurations : iterable of Configuration
            What will be measured.
        progress : callable, optional
            Told how far it is.
        """
        return None

    def artefact(self, configuration: Mapping[str, Level]) -> str:
        """Return the hash of what is built for a configuration.

        Parameters
        ----------
        configuration : mapping of str to level
            What will be measured.

        Returns
        -------
        str
            Empty where nothing is built.
        """
        return ""

    def copy(self, link: Link) -> None:
        """Copy to a board what is not there: model, inputs, the program itself.

        Parameters
        ----------
        link : Link
            Leads to the board; what was copied by it is not asked for again.
        """
        ...

    def argv(
        self,
        configuration: Mapping[str, Level],
        *,
        seconds: float,
        window_s: float,
        lead_s: float,
        min_calls: int,
        quick: bool,
        warm_up_cap_s: float = WARM_UP_CAP_S,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> list[str]:
        """Return the words that start it on the board.

        Parameters
        ----------
        configuration : mapping of str to level
            Options that are none of the program's are left out.
        seconds : float
            Measuring time.
        window_s : float
            How long it is under load at least, while measured.
        lead_s : float
            How long it is under load before and after the window.
        min_calls : int
            Calls that are measured at least.
        quick : bool
            One call to warm up, and no test of whether it is warm.
        warm_up_cap_s : float, optional
            Measuring begins after this time, steady or not.
        time_limit_s : float, optional
            What takes longer is ended by whoever started it.

        Returns
        -------
        list of str
            For the agent's request ``run``.
        """
        ...

    def calls(self, reply: Reply) -> Calls:
        """Return what a run gave.

        Parameters
        ----------
        reply : dict
            The agent's reply to ``run``.

        Returns
        -------
        Calls
            At least one.

        Raises
        ------
        RunFailed
            If it gave none, with what the program said.
        """
        ...


class BoardPrograms(Protocol):
    """All that can be run on a board."""

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the workloads that fit each network, the default first."""
        ...

    def offers(self, cores: int) -> Mapping[str, OptionOffer]:
        """Return the options that are the program's, not the board's.

        Parameters
        ----------
        cores : int
            How many the board has.

        Returns
        -------
        mapping of str to OptionOffer
            Such as ``threads`` and ``batch_size``.
        """
        ...

    @property
    def usual(self) -> tuple[str, ...]:
        """Those of its options that a sweep varies which names none."""
        ...

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        """Return which combinations of some options cannot be.

        Parameters
        ----------
        options : sequence of Option
            Of a space.

        Returns
        -------
        tuple of Forbidden
            Perhaps none.
        """
        ...

    def program(self, network: str, workload: str) -> BoardProgram:
        """Return what runs a network on a workload; the same one each time.

        Parameters
        ----------
        network, workload : str
            Of `networks`.

        Returns
        -------
        BoardProgram
            Not copied yet.

        Raises
        ------
        WorkloadError
            If the two do not fit.
        """
        ...

    def version(self, link: Link) -> tuple[str, Mapping[str, str]]:
        """Return what runs networks on a board.

        Parameters
        ----------
        link : Link
            Leads to the board.

        Returns
        -------
        str
            The runtime with its minor version, for `Environment.version`.
        mapping of str to str
            What else must match, for its fingerprint.

        Raises
        ------
        DeviceError
            If the board has nothing that runs networks, with what to install.
        """
        ...

    def close(self) -> None:
        """End all processes of its own."""
        ...


def calls_of(reply: Reply) -> Calls:
    """Read what a program on a board printed.

    Parameters
    ----------
    reply : dict
        The agent's reply to ``run``.

    Returns
    -------
    Calls
        At least one.

    Raises
    ------
    RunFailed
        If there is none. A program that was killed from outside may live when it is
        tried again; one that crashed, or took too long, would do so again.

    Examples
    --------
    >>> said = '{"calls_s": [0.5, 0.25], "window": [7.0, 7.75], "batch_size": 8}'
    >>> calls = calls_of({"rc": 0, "late": False, "stdout": said, "stderr": ""})
    >>> calls.calls_s, calls.window_calls, calls.batch_size
    ((0.5, 0.25), 2, 8)
    >>> calls_of({"rc": -9, "late": False, "stdout": "", "stderr": ""})
    Traceback (most recent call last):
    measure.errors.RunFailed: the program was ended by SIGKILL
    """
    if reply["late"]:
        took = reply.get("stop_s", 0.0) - reply.get("start_s", 0.0)
        raise RunFailed(
            f"the program was ended after {took:.3g} s, its time limit", final=True
        )
    found = last_document(reply["stdout"])
    if "failed" in found:
        raise RunFailed(str(found["failed"]), final=bool(found.get("final", True)))
    if reply["rc"] != 0 or not found.get("calls_s"):
        raise _ended(int(reply["rc"]), reply["stderr"] or reply["stdout"])
    calls = tuple(float(value) for value in found["calls_s"])
    window = found.get("window")
    return Calls(
        calls_s=calls,
        warm_up_s=tuple(float(value) for value in found.get("warm_up_s", ())),
        window=None if window is None else (float(window[0]), float(window[1])),
        window_calls=int(found.get("window_calls", len(calls))),
        cpu_time_s=found.get("cpu_time_s"),
        batch_size=int(found.get("batch_size", 1)),
        flags=tuple(found.get("flags", ())),
        read_back=dict(found.get("read_back", {})),
        read_back_reason=dict(found.get("read_back_reason", {})),
    )


def last_document(text: str) -> dict[str, Any]:
    """Return the last line of a program's output that is a JSON object.

    Parameters
    ----------
    text : str
        All that it printed: libraries print too.

    Returns
    -------
    dict
        Empty if there is none.

    Examples
    --------
    >>> last_document('Loading\\n{"calls_s": [0.5]}\\nbye')
    {'calls_s': [0.5]}
    """
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return {}


def _ended(code: int, said: str) -> RunFailed:
    """Return why a program gave no calls."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = f": {lines[-1][:300]}" if lines else ""
    if code >= 0:
        what = f"ended with exit code {code}" if code else "told of no calls"
        return RunFailed(f"the program {what}{words}", final=True)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return RunFailed(
        f"the program was ended by {name}{words}",
        final=-code not in OUTSIDE,
    )
