"""Definitive screening: three levels, main effects clear of all second-order terms."""

from __future__ import annotations

from typing import Any

import numpy as np

from measure.designs.base import Design, made, refuse_forbidden
from measure.designs.two_level import FIELD_SIZES, residues, two_levels
from measure.errors import DesignError
from measure.levels import spelled
from measure.options import Option
from measure.space import ConfigurationSpace

IntMatrix = np.ndarray[Any, np.dtype[np.int64]]
_MOST_OPTIONS = 50


def conference_matrix(order: int) -> IntMatrix | None:
    """Return a conference matrix: zero diagonal, signs elsewhere, C'C = (order - 1) I.

    Parameters
    ----------
    order : int
        An even number.

    Returns
    -------
    ndarray of int, shape (order, order), or None
        From the quadratic residues of a field of order - 1 elements, or by doubling
        a skew one; None where neither gives it.

    References
    ----------
    .. [1] Paley, "On orthogonal matrices", J. Math. Phys. 12, 1933.

    Examples
    --------
    >>> conference_matrix(4)
    array([[ 0,  1,  1,  1],
           [-1,  0, -1,  1],
           [-1,  1,  0, -1],
           [-1, -1,  1,  0]])
    """
    if order == 2:
        return np.array([[0, 1], [-1, 0]])
    q = order - 1
    if q in FIELD_SIZES:
        matrix = np.ones((order, order), dtype=np.int64)
        matrix[0, 0] = 0
        matrix[1:, 1:] = residues(q)
        if q % 4 == 3:
            matrix[1:, 0] = -1
        return matrix
    if order % 4 == 0:
        half = conference_matrix(order // 2)
        if half is not None and (half == -half.T).all():
            one = np.eye(order // 2, dtype=np.int64)
            return np.block([[half, half + one], [half - one, -half]])
    return None


def definitive_screening(space: ConfigurationSpace, *, model: str = "main") -> Design:
    """Return a definitive screening design.

    A conference matrix, its mirror image and a run in the middle [1]_: main effects are
    orthogonal to each other and to all squares and interactions of two options. Options
    with two levels take them where others stand in the middle, and there are two
    middle runs [2]_.

    Parameters
    ----------
    space : ConfigurationSpace
        At least one numeric option with three levels; of more the lowest, the highest
        and the one nearest the middle are taken, of a categorical one the first and
        the last.
    model : str, default="main"
        What the design is judged by.

    Returns
    -------
    Design
        About two runs an option, the middle runs last.

    Raises
    ------
    DesignError
        If no option has three numeric levels, or a run is forbidden.

    References
    ----------
    .. [1] Jones and Nachtsheim, "A class of three-level designs for definitive
       screening in the presence of second-order effects", J. Qual. Technol. 43, 2011.
    .. [2] Jones and Nachtsheim, "Definitive screening designs with added two-level
       categorical factors", J. Qual. Technol. 45, 2013.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     name: {"kind": "numeric", "levels": [-1, 0, 1]} for name in "abcd"}})
    >>> definitive_screening(space).frame.tail(3)
       a  b  c  d
    6  1 -1  0  1
    7  1  1 -1  0
    8  0  0  0  0
    """
    k = len(space.options)
    middles = [_middle(option) for option in space.options]
    if all(middle is None for middle in middles):
        raise DesignError(
            "definitive-screening design: no numeric option has three levels; choose "
            "--design plackett-burman"
        )
    if k > _MOST_OPTIONS:
        raise DesignError(
            f"definitive-screening design: {k} options, more than {_MOST_OPTIONS}; "
            "name fewer with --options"
        )
    order = max(4, k + k % 2)
    matrix = conference_matrix(order)
    while matrix is None:
        order += 2
        matrix = conference_matrix(order)
    signs = np.vstack([matrix, -matrix])[:, :k]
    ends, _ = two_levels(space)
    two = [j for j, middle in enumerate(middles) if middle is None]
    # Where two-level options would be in the middle: one way, and back in the mirror.
    for j in two:
        rows = np.flatnonzero(signs[:, j] == 0)
        signs[rows, j] = np.where(rows < order, 1, -1)
    last = np.zeros((2 if two else 1, k), dtype=np.int64)
    last[:, two] = np.array([[1], [-1]])[: len(last)]
    signs = np.vstack([signs, last])
    indices = np.empty(signs.shape, dtype=np.int64)
    for j, middle in enumerate(middles):
        centre = ends[j, 0] if middle is None else middle
        indices[:, j] = np.choose(signs[:, j] + 1, [ends[j, 0], centre, ends[j, 1]])
    refuse_forbidden("definitive-screening", space, indices)
    return made(
        "definitive-screening",
        space,
        indices,
        model=model,
        notes=_notes(space, middles),
    )


def _middle(option: Option) -> int | None:
    """Return the level nearest the middle of the range, if it is a third level."""
    if option.kind != "numeric" or len(option.levels) < 3:
        return None
    values = np.array([float(level) for level in option.levels])
    centre = (values.min() + values.max()) / 2
    inside = [i for i, v in enumerate(values) if v not in (values.min(), values.max())]
    return min(inside, key=lambda i: abs(values[i] - centre))


def _notes(space: ConfigurationSpace, middles: list[int | None]) -> tuple[str, ...]:
    notes = []
    used = [
        f"{o.name} {spelled(o.levels[m])}"
        for o, m in zip(space.options, middles, strict=True)
        if m is not None and len(o.levels) > 3
    ]
    if used:
        notes.append(
            "three levels of options that have more: the ends and " + "; ".join(used)
        )
    named = [
        o.name
        for o, m in zip(space.options, middles, strict=True)
        if m is None and len(o.levels) > 2
    ]
    if named:
        notes.append(
            "the first and the last level of " + ", ".join(named) + ", which have more"
        )
    uneven = []
    for option, middle in zip(space.options, middles, strict=True):
        if middle is not None:
            values = [float(level) for level in option.levels]
            centre = (min(values) + max(values)) / 2
            if abs(values[middle] - centre) > 0.1 * (max(values) - min(values)):
                uneven.append(option.name)
    if uneven:
        notes.append(
            f"the middle level of {', '.join(uneven)} is not in the middle of the range"
            ": main effects are not quite orthogonal"
        )
    return tuple(notes)
