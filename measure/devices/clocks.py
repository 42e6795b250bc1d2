"""Clocks of a board: held between two equal bounds, or by an override."""

from __future__ import annotations

from collections.abc import Sequence

from measure.devices.actuators import PLAIN, Items, changes, standing
from measure.devices.ladders import nearest, tolerance_hz
from measure.devices.settling import Check
from measure.devices.transport import Link, read_texts
from measure.levels import Level


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
        return changes(self.link, self.prelude) + both

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
        return standing(self.prelude) + [
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
        return changes(self.link, self.prelude) + both

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
        return standing(self.prelude) + [
            Check(path=self.switch, text="1"),
            Check(path=self.now, text=str(level), within=within),
        ]


def _clock(link: Link, path: str, ladder: Sequence[int], unit_hz: int) -> int | None:
    text = read_texts(link, [path])[path] or ""
    return nearest(ladder, int(text) * unit_hz) if text.isdigit() else None
