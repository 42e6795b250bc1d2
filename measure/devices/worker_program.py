"""What the worker runs on a board: it is copied there, and started with a job."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from measure.devices.board_programs import (
    TIME_LIMIT_S,
    WARM_UP_CAP_S,
    BoardProgram,
    Calls,
    calls_of,
    last_document,
)
from measure.devices.copying import copy_bytes, worker
from measure.errors import DeviceError

if TYPE_CHECKING:
    from measure.devices.transport import Link, Reply
    from measure.levels import Level

VERSIONS_LIMIT_S = 120.0
"""A board at its lowest clocks takes so long to import TensorFlow."""


class WorkerProgram(BoardProgram):
    """A program that is the worker with a job.

    Parameters
    ----------
    python : str, default=""
        What runs it on the board; what runs the agent by default.
    """

    def __init__(self, python: str = "") -> None:
        self._python, self._worker = python, ""

    @abstractmethod
    def job(self, configuration: Mapping[str, Level]) -> dict[str, Any]:
        """Return what the worker has to know of a configuration.

        Parameters
        ----------
        configuration : mapping of str to level
            Options that are none of the program's are left out.

        Returns
        -------
        dict
            Plain data: ``kind``, and what that needs.

        Raises
        ------
        DeviceError
            If something of it is not on the board.
        """

    def copy(self, link: Link) -> None:
        """Copy the worker to a board.

        Parameters
        ----------
        link : Link
            Leads to the board; what was copied is not asked for again.
        """
        if not self._worker:
            self._python = self._python or python_of(link)
            self._worker = copy_bytes(link, worker())

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
        seconds, window_s, lead_s : float
            Measuring time, load in the window, load around it.
        min_calls : int
            Calls that are measured at least.
        quick : bool
            No test of whether it is warm.
        warm_up_cap_s, time_limit_s : float, optional
            Limits.

        Returns
        -------
        list of str
            For the agent's request ``run``.

        Raises
        ------
        DeviceError
            If it was not copied.
        """
        if not self._worker:
            raise DeviceError("the program is not on the board; call copy first")
        job = {
            **self.job(configuration),
            "seconds": seconds,
            "window_s": window_s,
            "lead_s": lead_s,
            "min_calls": min_calls,
            "quick": quick,
            "warm_up_cap_s": warm_up_cap_s,
            "limit_s": time_limit_s,
        }
        return worker_argv(self._python, self._worker, job)

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
        return calls_of(reply)


def worker_argv(python: str, worker: str, job: Mapping[str, Any]) -> list[str]:
    """Return the words that start the worker.

    Parameters
    ----------
    python : str
        What runs it.
    worker : str
        Where it is.
    job : mapping
        Plain data.

    Returns
    -------
    list of str
        To be run without a shell.
    """
    return [python, worker, json.dumps(job)]


def python_of(link: Link) -> str:
    """Return what runs the agent on a board.

    Parameters
    ----------
    link : Link
        Leads to the board.

    Returns
    -------
    str
        The path of a Python.
    """
    return str(link.ask("status")["executable"])


def runtimes_of(
    link: Link, there: str, backends: Iterable[str], python: str = ""
) -> tuple[str, Mapping[str, str]]:
    """Return what runs networks on a board, by each backend that a sweep may use.

    Each is asked in a process of its own: importing one may end it.

    Parameters
    ----------
    link : Link
        Leads to the board.
    there : str
        Where the worker is on it.
    backends : iterable of str
        Of ``tflite`` and ``graph``.
    python : str, optional
        What runs it; by default what runs the agent.

    Returns
    -------
    str
        The first runtime that is there, with its minor version.
    mapping of str to str
        Each backend's runtime with its version, and Python's.

    Raises
    ------
    DeviceError
        If the board has none, with what to install.
    """
    python, label = python or python_of(link), ""
    found: dict[str, str] = {}
    reasons = []
    for backend in backends:
        argv = worker_argv(python, there, {"kind": "versions", "backend": backend})
        reply = link.ask("run", argv=argv, limit_s=VERSIONS_LIMIT_S)
        told = last_document(reply["stdout"])
        if "runtime" not in told:
            said = (reply["stderr"] or reply["stdout"]).strip().splitlines()
            reasons.append(
                str(told.get("failed") or "; ".join(said[-1:]) or "it said nothing")
            )
            continue
        runtime, version = str(told["runtime"]), str(told["version"])
        label = label or f"{runtime}-{'.'.join(version.split('.')[:2])}"
        found |= {backend: f"{runtime} {version}", "python": str(told["python"])}
    if not found:
        raise DeviceError(
            f"what runs networks on the board is not known: {'; '.join(reasons)}"
        )
    return label, found
