"""What several commands share: reading words, opening stores."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from measure.store import SqliteStore

#: Where results go unless ``--store`` says otherwise; the only folder that is made.
DEFAULT_STORE = "results/measurements.db"
#: Of ``--model``, with the grammar of its formulas.
MODEL_HELP = (
    "What it is for. A FORMULA is made of names, `quoted names`, 1, + (and), a:b (an "
    "interaction), a*b (a + b + a:b), (a + b + c)^2 (those and all pairs) and "
    "I(a**2) (the square of a numeric option)."
)
_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--store``.

    Parameters
    ----------
    command : callable
        Takes ``store``, a path.

    Returns
    -------
    callable
        With the option.
    """
    return click.option(
        "--store",
        metavar="DB",
        default=DEFAULT_STORE,
        show_default=True,
        type=click.Path(path_type=Path),
        help="File of results.",
    )(command)


def seconds_option(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> float | None:
    """Read a length of time: ``90``, ``90s``, ``10m`` or ``1.5h``.

    Parameters
    ----------
    ctx : click.Context
        For the message.
    param : click.Parameter
        For the message.
    value : str or None
        What was given.

    Returns
    -------
    float or None
        Seconds, positive.

    Raises
    ------
    click.BadParameter
        If it is no length of time.
    """
    if value is None:
        return None
    found = re.fullmatch(r"\s*([0-9.]+)\s*(s|m|min|h|)\s*", value)
    try:
        seconds = float(found.group(1)) * _UNITS_S[found.group(2)] if found else 0.0
    except ValueError:
        seconds = 0.0
    if not seconds > 0 or not math.isfinite(seconds):
        text = f"{value!r} is no duration; write 90s, 10m or 1.5h"
        raise click.BadParameter(text, ctx, param)
    return seconds


def words_option(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Read words separated by commas.

    Parameters
    ----------
    ctx : click.Context
        For the message.
    param : click.Parameter
        For the message.
    value : str or None
        What was given.

    Returns
    -------
    tuple of str or None
        At least one, none empty.

    Raises
    ------
    click.BadParameter
        If a word is empty.
    """
    if value is None:
        return None
    words = tuple(word.strip() for word in value.split(","))
    if not all(words):
        text = f"{value!r} has an empty word between commas"
        raise click.BadParameter(text, ctx, param)
    return words


def pairs_of(entries: Sequence[str], flag: str) -> dict[str, str]:
    """Return what ``NAME=TEXT`` entries say.

    Parameters
    ----------
    entries : sequence of str
        As given on the command line.
    flag : str
        For the message.

    Returns
    -------
    dict of str to str
        Name to text.

    Raises
    ------
    click.UsageError
        If an entry is none, or a name stands twice.

    Examples
    --------
    >>> pairs_of(["threads=2", "isa=avx2"], "--set")
    {'threads': '2', 'isa': 'avx2'}
    """
    found: dict[str, str] = {}
    for entry in entries:
        name, equals, text = entry.partition("=")
        name, text = name.strip(), text.strip()
        if not equals or not name or not text:
            raise click.UsageError(f"{flag} {entry}: write NAME=VALUE")
        if name in found:
            raise click.UsageError(f"{flag} {entry}: {name} is given twice")
        found[name] = text
    return found


def check_store(path: Path) -> None:
    """Refuse a store that could not be written, before anything is measured.

    Parameters
    ----------
    path : pathlib.Path
        The store; nothing is made.
    """
    from measure.errors import StoreError
    from measure.store import SqliteStore

    if path.exists() and (path.is_dir() or path.stat().st_size):
        SqliteStore(path).close()
    elif not path.parent.is_dir() and not _may_be_made(path.parent):
        raise StoreError(f"{path}: there is no folder {path.parent}; make it first")


def log_of(store: Path) -> Path:
    """Return where measured and building processes print to.

    Parameters
    ----------
    store : pathlib.Path
        The store.

    Returns
    -------
    pathlib.Path
        The file beside it that ends in ``.log``.
    """
    # A store may be called anything; its log must not be the store.
    named_so = store.suffix == ".log"
    return store.with_name(f"{store.name if named_so else store.stem}.log")


def open_store(path: Path) -> SqliteStore:
    """Open a store to write to it; the folder ``results`` is made if need be.

    Parameters
    ----------
    path : pathlib.Path
        The store.

    Returns
    -------
    SqliteStore
        To be closed.
    """
    from measure.store import SqliteStore

    if _may_be_made(path.parent):
        path.parent.mkdir(exist_ok=True)
    return SqliteStore(path)


def _may_be_made(folder: Path) -> bool:
    return folder == Path(DEFAULT_STORE).parent


def duration(seconds: float) -> str:
    """Return a length of time as people read it.

    Parameters
    ----------
    seconds : float
        Any length.

    Returns
    -------
    str
        With one or two units.

    Examples
    --------
    >>> duration(4.2), duration(95), duration(7320)
    ('4.2 s', '1 min 35 s', '2 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
