"""What is wanted of a configuration: directions and bounds, as users write them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.levels import Level, number, spelled
from measure.options import Option
from measure.spelling import did_you_mean
from perfmodel.errors import SelectionError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace

__all__ = ["Constraint", "MAXIMISED", "direction", "parse_constraint"]

MAXIMISED = ("accuracy", "throughput_hz")
"""Responses of which more is better; of all others less is."""

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
    "!=": operator.ne,
}
_PATTERN = re.compile(r"\s*(.+?)\s*(<=|>=|==|!=|<|>|=)\s*(.+?)\s*")


def direction(word: str, names: Iterable[str]) -> tuple[str, bool]:
    """Return which response a word means, and whether it is maximised.

    Parameters
    ----------
    word : str
        A response, with ``-`` before it to minimise or ``+`` to maximise it; without,
        `MAXIMISED` decides.
    names : iterable of str
        The responses there are.

    Returns
    -------
    name : str
        The response.
    maximise : bool
        Whether more is better.

    Raises
    ------
    SelectionError
        If there is no such response.

    Examples
    --------
    >>> direction("throughput_hz", ["throughput_hz"])
    ('throughput_hz', True)
    >>> direction("-throughput_hz", ["throughput_hz"])
    ('throughput_hz', False)
    """
    names = list(names)
    word = word.strip()
    if word in names:
        return word, word in MAXIMISED
    if word[:1] in ("-", "+") and word[1:] in names:
        return word[1:], word[0] == "+"
    raise SelectionError(
        f"no response {word!r}; choose one of {', '.join(names)}"
        f"{did_you_mean(word.lstrip('+-'), names)}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A bound on a response, or a level that an option must have.

    Parameters
    ----------
    name : str
        The response or option.
    relation : {"<=", ">=", "<", ">", "=", "!="}
        How the value stands to the bound.
    bound : level
        A number for responses and numeric options, else a level.
    is_option : bool
        Whether `name` is an option.
    """

    name: str
    relation: str
    bound: Level
    is_option: bool

    def __str__(self) -> str:
        return f"{self.name}{self.relation}{spelled(self.bound)}"

    def holds(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which rows surely keep the constraint.

        Parameters
        ----------
        frame : DataFrame
            A column of that name; for responses also ``NAME_lower`` and
            ``NAME_upper``, NaN where measured.

        Returns
        -------
        ndarray of bool, shape (n_rows,)
            Of predicted rows, whether the interval's worse end keeps it.
        """
        values = frame[self.name]
        if not self.is_option:
            worse = "upper" if self.relation.startswith("<") else "lower"
            end = f"{self.name}_{worse}"
            if end in frame:
                values = frame[end].fillna(values)
        return self.compare(values)

    def compare(self, values: pd.Series[Any]) -> NDArray[np.bool_]:
        """Return which values keep the constraint.

        Parameters
        ----------
        values : Series
            Responses or levels.

        Returns
        -------
        ndarray of bool, shape (n_values,)
            True where it is kept.
        """
        return np.asarray(_COMPARE[self.relation](values, self.bound), dtype=bool)


def parse_constraint(
    text: str, responses: Sequence[str], space: ConfigurationSpace
) -> Constraint:
    """Read a constraint.

    Parameters
    ----------
    text : str
        Such as ``latency_s<=0.05``, ``batch_size=1`` or ``backend!=xla``.
    responses : sequence of str
        The responses there are.
    space : ConfigurationSpace
        The options there are.

    Returns
    -------
    Constraint
        With its bound checked.

    Raises
    ------
    SelectionError
        If it cannot be read, or names what is not there.

    Examples
    --------
    >>> from measure.space import ConfigurationSpace
    >>> space = ConfigurationSpace([Option(name="threads", levels=(1, 2, 4))])
    >>> print(parse_constraint("latency_s <= 5e-2", ["latency_s"], space))
    latency_s<=0.05
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise SelectionError(
            f"constraint {text!r} cannot be read; write NAME<=NUMBER, NAME>=NUMBER or "
            "OPTION=LEVEL, in SI units, such as 'latency_s<=0.05'"
        )
    name, relation, bound = match.groups()
    relation = "=" if relation == "==" else relation
    if name in responses:
        value = number(bound)
        if value is None or relation in ("=", "!="):
            raise SelectionError(
                f"constraint {text!r}: a response is bounded by <=, >=, < or > and a "
                "number in SI units, such as 'latency_s<=0.05'"
            )
        return Constraint(name=name, relation=relation, bound=value, is_option=False)
    if name not in space.names:
        raise SelectionError(
            f"constraint {text!r}: no response or option {name!r}; responses are "
            f"{', '.join(responses)}; options are {', '.join(space.names)}"
        )
    option: Option = space.options[name]
    ordered = relation not in ("=", "!=")
    if ordered and option.kind != "numeric":
        raise SelectionError(
            f"constraint {text!r}: {name} is not numeric; write {name}=LEVEL or "
            f"{name}!=LEVEL"
        )
    level = number(bound) if ordered else option.check(bound)
    if level is None:
        raise SelectionError(f"constraint {text!r}: {bound!r} is not a number")
    return Constraint(name=name, relation=relation, bound=level, is_option=True)
