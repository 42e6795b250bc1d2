"""What a search reads: a space and a model as arrays for `measure.designs.exchange`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from measure.space import ConfigurationSpace
from measure.terms import FloatArray, IntArray, Term, code_levels

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

POOL_SIZE = 4096  # valid rows kept to draw from


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """The model matrix of a space as products of one table a option.

    Parameters
    ----------
    tables : ndarray, shape (k, levels, columns)
        Coded values of an option's levels; column 0 is all ones.
    n_levels : ndarray of int, shape (k,)
        Levels of each option.
    factors : ndarray of int, shape (p, k)
        Which column of each option's table a model column multiplies, in the order
        of `measure.terms.model_matrix`.
    clause : ndarray of bool, shape (m, k, levels)
        Which levels a forbidden combination matches.
    """

    tables: FloatArray
    n_levels: IntArray
    factors: IntArray
    clause: BoolArray


def code(space: ConfigurationSpace, terms: tuple[Term, ...]) -> Coding:
    """Return the coding of a model on a space.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : tuple of Term
        The model.

    Returns
    -------
    Coding
        Tables and the columns made from them.
    """
    position = {name: i for i, name in enumerate(space.names)}
    n_levels = np.array([len(option.levels) for option in space.options])
    columns: list[list[FloatArray]] = [[np.ones(size)] for size in n_levels]
    known: dict[tuple[int, int], list[int]] = {}
    factors: list[list[int]] = []
    for term in terms:
        powers: dict[int, int] = {}
        for factor in term.factors:
            i = position[factor.option]
            powers[i] = powers.get(i, 0) + factor.power
        rows = [[0] * len(position)]
        for i, power in powers.items():
            if (i, power) not in known:
                table = code_levels(space.options[i], power)
                first = len(columns[i])
                known[i, power] = list(range(first, first + table.shape[1]))
                columns[i] += list(table.T)
            rows = [
                [*row[:i], column, *row[i + 1 :]]
                for row in rows
                for column in known[i, power]
            ]
        factors += rows
    width = max(len(column) for column in columns)
    tables = np.zeros((len(columns), int(n_levels.max()), width))
    for i, values in enumerate(columns):
        tables[i, : n_levels[i], : len(values)] = np.array(values).T
    clause = np.ones((len(space.forbid), len(columns), int(n_levels.max())), dtype=bool)
    for m, item in enumerate(space.forbid):
        for condition in item.conditions:
            i = position[condition.option]
            mask = condition.mask(space.options[i])
            clause[m, i, : len(mask)] &= mask
    return Coding(
        tables=tables,
        n_levels=n_levels.astype(np.int64),
        factors=np.array(factors, dtype=np.int64).reshape(-1, len(columns)),
        clause=clause,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Which model columns hold an option, grouped by the column of its table.

    Parameters
    ----------
    members : ndarray of int, shape (s,)
        Model columns, option after option.
    group : ndarray of int, shape (k, columns)
        Where the members of each table column (without the ones) start.
    n_columns : ndarray of int, shape (k,)
        Columns of each option's table, the ones not counted.
    other_start : ndarray of int, shape (s + 1,)
        Where the other factors of a member start.
    other_option, other_column : ndarray of int
        Option and table column of each other factor.
    """

    members: IntArray
    group: IntArray
    n_columns: IntArray
    other_start: IntArray
    other_option: IntArray
    other_column: IntArray


def find_members(factors: IntArray, width: int) -> Members:
    """Return the members of each option.

    Parameters
    ----------
    factors : ndarray of int, shape (p, k)
        As in `Coding`.
    width : int
        Columns of the widest table, the ones counted.

    Returns
    -------
    Members
        For the compiled loops.
    """
    k = factors.shape[1]
    members: list[int] = []
    group = np.zeros((k, width), dtype=np.int64)
    n_columns = factors.max(axis=0)
    start, options, columns = [0], [], []
    for i in range(k):
        for column in range(1, int(n_columns[i]) + 1):
            group[i, column - 1] = len(members)
            for j in np.flatnonzero(factors[:, i] == column):
                members.append(int(j))
                others = [q for q in np.flatnonzero(factors[j]) if q != i]
                options += others
                columns += [factors[j, q] for q in others]
                start.append(len(options))
        group[i, int(n_columns[i]) :] = len(members)
    return Members(
        members=np.array(members, dtype=np.int64),
        group=group,
        n_columns=n_columns.astype(np.int64),
        other_start=np.array(start, dtype=np.int64),
        other_option=np.array(options, dtype=np.int64),
        other_column=np.array(columns, dtype=np.int64),
    )


def draw_pool(space: ConfigurationSpace, rng: np.random.Generator) -> IntArray:
    """Return valid rows to draw from, where drawing each option alone may fail.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray of int, shape (n, n_options)
        No rows where nothing is forbidden.
    """
    if not space.forbid:
        return np.empty((0, len(space.options)), dtype=np.int64)
    return space.sample(min(POOL_SIZE, space.size()), rng)
