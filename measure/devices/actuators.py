"""What can be set on a Jetson: what an option means in files, in which order.

Each actuator knows whether it is `available`, how to `read`, `apply` and `restore`.
What stood before is the agent's to know: its journal on the board outlives us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from measure.devices.ladders import nearest, tolerance_hz
from measure.devices.settling import Check, chosen_word, settle, write
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


class Cores:
    """Cores online, the first included.

    Cpuquiet, which takes cores off and on by load, is put out of action before.

    Parameters
    ----------
    link : Link
        Leads to the board.
    switches : sequence of str
        The ``online`` files, in the order in which cores come.
    prelude : sequence of tuple of str
        What to write before.
    """

    name, unit, stage = "cpu_cores", "", PLAIN
    moves: tuple[str, ...] = ()
    meaning = "cores online, the first included"

    def __init__(
        self, link: Link, switches: Sequence[str], prelude: Items | None = None
    ) -> None:
        self.link, self.switches = link, tuple(switches)
        self.prelude = list(prelude or ())
        self.levels: tuple[Level, ...] = tuple(range(1, len(self.switches) + 2))

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it writes."""
        return (*(path for path, _ in self.prelude), *self.switches)

    def read(self) -> Level | None:
        """Count the cores that are online.

        Returns
        -------
        int
            The first is always.
        """
        texts = read_texts(self.link, self.switches)
        return 1 + sum(text == "1" for text in texts.values())

    def writes(self, level: Level) -> Items:
        """Bring cores online first, and take the others off then.

        Parameters
        ----------
        level : int
            How many.

        Returns
        -------
        list of tuple of str
            Only what changes.
        """
        wanted = self._wanted(level)
        now = read_texts(self.link, self.switches)
        changes = [(p, t) for p, t in wanted.items() if now[p] != t]
        changes.sort(key=lambda item: item[1] == "0")
        return _new(self.link, self.prelude) + changes

    def checks(self, level: Level) -> list[Check]:
        """Each core is where it shall be, and cpuquiet out of action.

        Parameters
        ----------
        level : int
            How many.

        Returns
        -------
        list of Check
            One a file.
        """
        wanted = [*self.prelude, *self._wanted(level).items()]
        return [Check(path=path, text=text) for path, text in wanted]

    def _wanted(self, level: Level) -> dict[str, str]:
        count = int(level) - 1
        return {
            path: "1" if number < count else "0"
            for number, path in enumerate(self.switches)
        }


class PinnedClock:
    """A clock that is held by making its minimum and its maximum the same.

    Going up the maximum is written first, going down the minimum: a kernel refuses a
    minimum above the maximum. What counts is the target against the present bounds,
    not the present clock.

    Parameters
    ----------
    link : Link
        Leads to the board.
    name : str
        Of the option.
    ladder : tuple of int
        Clocks in hertz.
    minimum, maximum, now : str
        Files.
    unit_hz : int, default=1
        Of the files.
    meaning : str, default=""
        What the option is.
    prelude : sequence of tuple of str
        What to write before.
    """

    unit, stage = "Hz", PLAIN
    moves: tuple[str, ...] = ()

    def __init__(
        self,
        link: Link,
        name: str,
        ladder: tuple[int, ...],
        *,
        minimum: str,
        maximum: str,
        now: str,
        unit_hz: int = 1,
        meaning: str = "",
        prelude: Items | None = None,
    ) -> None:
        self.link, self.name, self.meaning = link, name, meaning
        self.levels: tuple[Level, ...] = ladder
        self.ladder, self.unit_hz = ladder, unit_hz
        self.minimum, self.maximum, self.now = minimum, maximum, now
        self.prelude = list(prelude or ())

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it writes."""
        return (*(path for path, _ in self.prelude), self.maximum, self.minimum)

    def read(self) -> Level | None:
        """Return the level that the clock is at.

        Returns
        -------
        int or None
            None between two, or where it cannot be read.
        """
        return _clock(self.link, self.now, self.ladder, self.unit_hz)

    def writes(self, level: Level) -> Items:
        """Move both bounds to a level.

        Parameters
        ----------
        level : int
            Hertz.

        Returns
        -------
        list of tuple of str
            In the order that works from where the bounds are.
        """
        text = str(int(level) // self.unit_hz)
        low = read_texts(self.link, [self.minimum])[self.minimum] or ""
        both = [(self.maximum, text), (self.minimum, text)]
        if low.isdigit() and int(text) < int(low):
            both.reverse()
        return _new(self.link, self.prelude) + both

    def checks(self, level: Level) -> list[Check]:
        """Bounds and clock are at a level, within the ladder's tolerance.

        Parameters
        ----------
        level : int
            Hertz.

        Returns
        -------
        list of Check
            Three, after those of the prelude.
        """
        text = str(int(level) // self.unit_hz)
        within = tolerance_hz(self.ladder, int(level)) / self.unit_hz
        return _stand(self.prelude) + [
            Check(path=path, text=text, within=within)
            for path in (self.maximum, self.minimum, self.now)
        ]


class OverriddenClock:
    """A clock whose rate is written, and then switched to.

    Without the switch the memory clock is never below what the CPU clock asks for:
    the two could not be varied apart.

    Parameters
    ----------
    link : Link
        Leads to the board.
    name : str
        Of the option.
    ladder : tuple of int
        Clocks in hertz.
    rate, switch, now : str
        Files.
    meaning : str, default=""
        What the option is.
    prelude : sequence of tuple of str
        What to write before.
    """

    unit, stage = "Hz", PLAIN
    moves: tuple[str, ...] = ()

    def __init__(
        self,
        link: Link,
        name: str,
        ladder: tuple[int, ...],
        *,
        rate: str,
        switch: str,
        now: str,
        meaning: str = "",
        prelude: Items | None = None,
    ) -> None:
        self.link, self.name, self.meaning = link, name, meaning
        self.levels: tuple[Level, ...] = ladder
        self.ladder = ladder
        self.rate, self.switch, self.now = rate, switch, now
        self.prelude = list(prelude or ())

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it writes."""
        return (*(path for path, _ in self.prelude), self.rate, self.switch)

    def read(self) -> Level | None:
        """Return the level that the clock is at.

        Returns
        -------
        int or None
            None between two, or where it cannot be read.
        """
        return _clock(self.link, self.now, self.ladder, 1)

    def writes(self, level: Level) -> Items:
        """Write the rate, and switch to it.

        Parameters
        ----------
        level : int
            Hertz.

        Returns
        -------
        list of tuple of str
            In order.
        """
        both = [(self.rate, str(level)), (self.switch, "1")]
        return _new(self.link, self.prelude) + both

    def checks(self, level: Level) -> list[Check]:
        """The switch is on, and the clock at a level.

        Parameters
        ----------
        level : int
            Hertz.

        Returns
        -------
        list of Check
            Two, after those of the prelude.
        """
        within = tolerance_hz(self.ladder, int(level))
        return _stand(self.prelude) + [
            Check(path=self.switch, text="1"),
            Check(path=self.now, text=str(level), within=within),
        ]


class Choice:
    """A word in a file.

    Parameters
    ----------
    link : Link
        Leads to the board.
    name : str
        Of the option.
    path : str
        The file.
    words : mapping of level to str
        What it holds at each level.
    meaning : str, default=""
        What the option is.
    prelude : sequence of tuple of str
        What to write before.
    """

    unit, stage = "", PLAIN
    moves: tuple[str, ...] = ()

    def __init__(
        self,
        link: Link,
        name: str,
        path: str,
        words: Mapping[Level, str],
        meaning: str = "",
        prelude: Items | None = None,
    ) -> None:
        self.link, self.name, self.path, self.meaning = link, name, path, meaning
        self.prelude = list(prelude or ())
        self.words = dict(words)
        self.levels: tuple[Level, ...] = tuple(self.words)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it writes."""
        return (*(path for path, _ in self.prelude), self.path)

    def read(self) -> Level | None:
        """Return the level whose word the file holds.

        Returns
        -------
        level or None
            None for another word.
        """
        text = chosen_word(read_texts(self.link, [self.path])[self.path])
        return next((one for one, word in self.words.items() if word == text), None)

    def writes(self, level: Level) -> Items:
        """Write the word of a level.

        Parameters
        ----------
        level : level
            Which.

        Returns
        -------
        list of tuple of str
            One, after the prelude.
        """
        return [*_new(self.link, self.prelude), (self.path, self.words[level])]

    def checks(self, level: Level) -> list[Check]:
        """The file holds the word.

        Parameters
        ----------
        level : level
            Which.

        Returns
        -------
        list of Check
            One, after those of the prelude.
        """
        one = Check(path=self.path, text=self.words[level], chosen=True)
        return [*_stand(self.prelude), one]


class Switches:
    """Files that all stand one way or the other.

    Parameters
    ----------
    link : Link
        Leads to the board.
    name : str
        Of the option.
    items : sequence of tuple of str
        Path, text at True and text at False.
    cores : mapping of str to str, optional
        The ``online`` file of the core that a path belongs to: what belongs to a core
        that is offline has no say.
    meaning : str, default=""
        What the option is.
    stage : int, optional
        What it is set before.
    """

    unit = ""
    moves: tuple[str, ...] = ()
    levels: tuple[Level, ...] = (True, False)

    def __init__(
        self,
        link: Link,
        name: str,
        items: Sequence[tuple[str, str, str]],
        *,
        cores: Mapping[str, str] | None = None,
        meaning: str = "",
        stage: int = PLAIN,
    ) -> None:
        self.link, self.name, self.meaning, self.stage = link, name, meaning, stage
        self.items, self.cores = tuple(items), dict(cores or {})

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it writes."""
        return tuple(path for path, _, _ in self.items)

    def read(self) -> Level | None:
        """Tell how the files stand.

        Returns
        -------
        bool or None
            None where they differ.
        """
        now = read_texts(self.link, self.paths)
        for level in self.levels:
            if all(now[path] == text for path, text in self._wanted(level)):
                return level
        return None

    def writes(self, level: Level) -> Items:
        """Bring the files to one side.

        Parameters
        ----------
        level : bool
            Which.

        Returns
        -------
        list of tuple of str
            Only what changes.
        """
        return _new(self.link, self._wanted(level))

    def checks(self, level: Level) -> list[Check]:
        """Each file stands as it shall.

        Parameters
        ----------
        level : bool
            Which.

        Returns
        -------
        list of Check
            One a file.
        """
        return [Check(path=path, text=text) for path, text in self._wanted(level)]

    def _wanted(self, level: Level) -> Items:
        online = read_texts(self.link, sorted(set(self.cores.values())))
        return [
            (path, on if level else off)
            for path, on, off in self.items
            if online.get(self.cores.get(path, "")) != "0"
        ]


def _stand(items: Items) -> list[Check]:
    return [Check(path=path, text=text) for path, text in items]


def _new(link: Link, items: Items) -> Items:
    """Leave out what is so already."""
    now = read_texts(link, [path for path, _ in items])
    return [(path, text) for path, text in items if now[path] != text]


def _clock(link: Link, path: str, ladder: Sequence[int], unit_hz: int) -> int | None:
    text = read_texts(link, [path])[path] or ""
    return nearest(ladder, int(text) * unit_hz) if text.isdigit() else None
