"""Write to a board, and read back until what was written stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from measure.devices.transport import Link, read_texts
from measure.errors import RunFailed

STABLE_S = 0.1
"""What was written must be read without a break for so long."""
LIMIT_S = 2.0
"""It has so long to get there."""
EVERY_S = 0.01
_GONE = ("ENOENT", "ENODEV", "EIO", "ENXIO")


class LevelRefused(RunFailed):
    """A level was written and does not stand.

    Parameters
    ----------
    path : str
        Of the file.
    written : str
        What was written.
    read : str
        What was read, or the error.
    final : bool, default=True
        False where the file is gone: that is not the level's fault.
    """

    def __init__(
        self, path: str, written: str, read: str, *, final: bool = True
    ) -> None:
        super().__init__(
            f"{path}: wrote {written}, read {read}; the level is not taken, and a run "
            "with it does not count",
            final=final,
        )
        self.path, self.written, self.read = path, written, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a file must tell once a level is applied.

    Parameters
    ----------
    path : str
        Of the file.
    text : str
        What it must hold; for a number, what was asked for.
    within : float, optional
        How far a number may be off; None: the text must be the same.
    limit : bool, default=False
        Whether a number may be off downwards only.
    chosen : bool, default=False
        Whether the file may list all words, the one in force in brackets.

    Examples
    --------
    >>> Check(path="/sys/f", text="1555000", within=1000.0).holds("1555500")
    True
    """

    path: str
    text: str
    within: float | None = None
    limit: bool = False
    chosen: bool = False

    def holds(self, read: str | None) -> bool:
        """Tell whether the file says what it must.

        Parameters
        ----------
        read : str or None
            What it said; None where it could not be read.

        Returns
        -------
        bool
            Whether it does.
        """
        if self.chosen:
            read = chosen_word(read)
        if read is None or self.within is None:
            return read == self.text
        if not read.isdigit():
            return False
        off = int(read) - int(self.text)
        return abs(off) <= self.within and not (self.limit and off > 0)


def chosen_word(text: str | None) -> str | None:
    """Return the word that is in force.

    Parameters
    ----------
    text : str or None
        One word, or several with one in brackets.

    Returns
    -------
    str or None
        The text itself where nothing is in brackets.

    Examples
    --------
    >>> chosen_word("noop deadline [cfq]")
    'cfq'
    """
    found = re.search(r"\[([^\]]+)\]", text or "")
    return found.group(1) if found else text


def write(
    link: Link, items: Sequence[tuple[str, str]], note: Sequence[str] = ()
) -> None:
    """Write files in order.

    Parameters
    ----------
    link : Link
        Leads to the board.
    items : sequence of tuple of str
        Paths and texts.
    note : sequence of str, optional
        Files that these move as well, to be put back like them.

    Raises
    ------
    LevelRefused
        Naming the first that is not taken.
    """
    if not items:
        return
    plain = [list(item) for item in items]
    failed = link.ask("write", items=plain, note=list(note)).get("failed")
    if failed:
        text = next(text for path, text in items if path == failed["path"])
        read = f"{failed['errno']} ({failed['error']})"
        final = failed["errno"] not in _GONE
        raise LevelRefused(failed["path"], text, read, final=final)


def settle(
    link: Link,
    checks: Sequence[Check],
    *,
    stable_s: float = STABLE_S,
    limit_s: float = LIMIT_S,
) -> None:
    """Wait until files tell what they must, and go on telling it.

    Parameters
    ----------
    link : Link
        Leads to the board, whose clock counts.
    checks : sequence of Check
        All of them.
    stable_s : float, optional
        For how long.
    limit_s : float, optional
        How long it may take to get there.

    Raises
    ------
    LevelRefused
        Naming the first that does not.
    """
    if not checks:
        return
    clock = link.clock
    start = clock.now()
    since: float | None = None
    while True:
        read = read_texts(link, [check.path for check in checks])
        bad = next((c for c in checks if not c.holds(read[c.path])), None)
        now = clock.now()
        if bad is not None:
            since = None
            if now - start >= limit_s:
                found = read[bad.path]
                told = "nothing: it is gone" if found is None else found
                final = found is not None
                raise LevelRefused(bad.path, bad.text, told, final=final)
        elif since is None:
            since = now
        elif now - since >= stable_s:
            return
        clock.sleep(EVERY_S)
