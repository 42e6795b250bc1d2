"""What can be set on a Jetson: what an option means in files, in which order.

Each actuator knows whether it is `available`, how to `read`, `apply` and `restore`.
What stood before is the agent's to know: its journal on the board outlives us.
Those of clocks are in `measure.devices.clocks`, the others in
`measure.devices.switches`; `measure.devices.probing` has their order and its reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from measure.devices.settling import Check, settle, write
from measure.devices.transport import Link, read_texts
from measure.errors import DeviceError
from measure.levels import Level

Items = list[tuple[str, str]]
MOVES, PLAIN, HIDES = range(3)
"""What sets others as well, such as a power mode, is read back before these are set;
what makes others lie, such as a rail that may be off, is set when they were read."""


class Actuator(Protocol):
    """One thing that can be set on a board."""

    name: str
    levels: tuple[Level, ...]
    unit: str
    meaning: str
    stage: int
    """`MOVES`, `PLAIN` or `HIDES`: what is written and read back before what."""
    moves: tuple[str, ...]
    """Files that change with those that it writes, and are put back like them."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it writes."""
        ...

    def read(self) -> Level | None:
        """Return the level as it is; None where it is none of the levels."""
        ...

    def writes(self, level: Level) -> Items:
        """Return what to write for a level, in order, given what stands.

        Parameters
        ----------
        level : level
            One of `levels`.

        Returns
        -------
        list of tuple of str
            Paths and texts.
        """
        ...

    def checks(self, level: Level) -> list[Check]:
        """Return what files must tell afterwards.

        Parameters
        ----------
        level : level
            One of `levels`.

        Returns
        -------
        list of Check
            All of them.
        """
        ...


def available(link: Link, actuator: Actuator) -> str:
    """Say why an actuator cannot be used; nothing if it can.

    Parameters
    ----------
    link : Link
        Leads to the board.
    actuator : Actuator
        Which.

    Returns
    -------
    str
        The reason, and what to do.
    """
    may = link.ask("access", paths=list(actuator.paths))["may_write"]
    locked = [path for path, one in zip(actuator.paths, may, strict=True) if not one]
    if locked:
        return f"{locked[0]} cannot be written: use --sudo, or connect as root"
    if len(actuator.levels) < 2:
        return f"it has one level only, {actuator.levels[0]}"
    return ""


def apply(link: Link, chosen: Sequence[tuple[Actuator, Level]]) -> None:
    """Set levels in order, and wait once in each stage until all of them stand.

    Parameters
    ----------
    link : Link
        Leads to the board.
    chosen : sequence of tuple
        Actuators and levels.

    Raises
    ------
    LevelRefused
        Naming path, written and read.
    """
    for stage in (MOVES, PLAIN, HIDES):
        some = [(one, level) for one, level in chosen if one.stage == stage]
        for one, level in some:
            write(link, one.writes(level), note=one.moves)
        settle(link, [check for one, level in some for check in one.checks(level)])


def restore(link: Link, actuators: Sequence[Actuator]) -> None:
    """Put back what actuators have set, the last first.

    Parameters
    ----------
    link : Link
        Leads to the board.
    actuators : sequence of Actuator
        In the order in which they were applied.

    Raises
    ------
    DeviceError
        Naming what could not be put back.
    """
    paths = [path for actuator in actuators for path in actuator.paths]
    if paths:
        failed = link.ask("restore", paths=paths)["failed"]
        if failed:
            raise DeviceError(
                f"{failed[0]['path']} could not be put back: {failed[0]['error']}; "
                "`python -m measure restore` tries again"
            )


def standing(items: Items) -> list[Check]:
    """Return checks that files hold what was written to them.

    Parameters
    ----------
    items : list of tuple of str
        Paths and texts.

    Returns
    -------
    list of Check
        One each.
    """
    return [Check(path=path, text=text) for path, text in items]


def changes(link: Link, items: Items) -> Items:
    """Leave out what is so already.

    Parameters
    ----------
    link : Link
        Leads to the board.
    items : list of tuple of str
        Paths and texts.

    Returns
    -------
    list of tuple of str
        Those whose file holds something else.
    """
    now = read_texts(link, [path for path, _ in items])
    return [(path, text) for path, text in items if now[path] != text]
