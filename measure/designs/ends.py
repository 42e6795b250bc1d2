"""Which options a design holds at the ends of their levels alone."""

from __future__ import annotations

from measure.designs.base import Design
from measure.spelling import several

#: An option with so many levels is one whose curve somebody may want to see.
MANY_LEVELS = 5
_MOST_NAMED = 4


def options_at_ends(design: Design) -> tuple[str, ...]:
    """Return the options of many levels of which a design takes the ends alone.

    Parameters
    ----------
    design : Design
        Any.

    Returns
    -------
    tuple of str
        Numeric options of `MANY_LEVELS` or more, in the order of the space.

    Examples
    --------
    >>> from measure.designs.optimal import d_optimal
    >>> from measure.space import ConfigurationSpace
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2, 3, 4, 6, 8]},
    ...     "onednn": {"kind": "boolean"}}})
    >>> options_at_ends(d_optimal(space, 8, "main", iterations=5))
    ('threads',)
    """
    found = []
    for option in design.space.options:
        if option.kind != "numeric" or len(option.levels) < MANY_LEVELS:
            continue
        ends = {min(option.levels), max(option.levels)}
        if set(design.frame[option.name]) <= ends:
            found.append(option.name)
    return tuple(found)


def note_of_ends(design: Design) -> str | None:
    """Return what a reader must know of a design that sees no curve.

    Parameters
    ----------
    design : Design
        Any.

    Returns
    -------
    str or None
        None where no option is held at its ends alone.
    """
    names = options_at_ends(design)
    if not names:
        return None
    distinct = len(design.frame[list(design.space.names)].drop_duplicates())
    shown = [
        f"{name} ({len(design.space.options[name].levels)} levels)"
        for name in names[:_MOST_NAMED]
    ]
    if len(names) > _MOST_NAMED:
        shown.append(f"{len(names) - _MOST_NAMED} more")
    return (
        f"{several(distinct, 'distinct configuration')}; only the ends of "
        f"{', '.join(shown)}: for curves take --model quadratic or --design random"
    )
