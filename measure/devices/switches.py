"""What is switched or chosen on a board: cores, words in files, files that agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from measure.devices.actuators import PLAIN, Items, changes, standing
from measure.devices.settling import Check, chosen_word
from measure.devices.transport import Link, read_texts
from measure.levels import Level


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
        turned = [(p, t) for p, t in wanted.items() if now[p] != t]
        turned.sort(key=lambda item: item[1] == "0")
        return changes(self.link, self.prelude) + turned

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
        return [*changes(self.link, self.prelude), (self.path, self.words[level])]

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
        return [*standing(self.prelude), one]


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
        return changes(self.link, self._wanted(level))

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
