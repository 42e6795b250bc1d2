"""Functional ANOVA of values on a set of configurations, main effects and pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One term's part of a function, on each combination of levels that occurs.

    Parameters
    ----------
    options : tuple of int
        Positions of the term's options: one for a main effect, two for a pair.
    cells : ndarray of int, shape (n_cells, n_options)
        The level indices that occur on the domain.
    weights : ndarray, shape (n_cells,)
        Share of the domain's configurations in each cell; sums to one.
    values : ndarray, shape (n_cells, n_functions)
        The component in each cell, for each of the functions decomposed together.
    """

    options: tuple[int, ...]
    cells: Integers
    weights: Floats
    values: Floats

    @property
    def variance(self) -> Floats:
        """Variance of the component over the domain, one for each function."""
        return np.asarray(self.weights @ self.values**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """A function as mean, main effects, pairs, and what is of higher order.

    Parameters
    ----------
    mean : ndarray, shape (n_functions,)
        Mean over the domain.
    variance : ndarray, shape (n_functions,)
        Variance over the domain.
    main : tuple of Component
        One for each option, in order.
    pairs : tuple of Component
        One for each pair of options, in the order of `itertools.combinations`.
    residual_variance : ndarray, shape (n_functions,)
        Variance of what neither main effects nor pairs describe.
    """

    mean: Floats
    variance: Floats
    main: tuple[Component, ...]
    pairs: tuple[Component, ...]
    residual_variance: Floats


def decompose(
    indices: Integers,
    values: Floats,
    pairs: Sequence[tuple[int, int]] | None = None,
    *,
    uniform: bool = False,
    tolerance: float = 1e-10,
    most_steps: int = 200,
) -> Decomposition:
    """Decompose functions on a domain into main effects and pairs.

    Every configuration of `indices` has the same weight. The components are the
    least-squares projection on functions of one option with mean zero and functions
    of two options that are orthogonal to all functions of either one [1]_. On a full
    product of levels these are the classical components, differences of conditional
    means; where combinations are forbidden or the domain is a sample, the projection
    does not credit one option with what another does. Of collinear components the
    smallest are taken.

    Parameters
    ----------
    indices : ndarray of int, shape (n_configurations, n_options)
        The domain, as level indices.
    values : ndarray, shape (n_configurations,) or (n_configurations, n_functions)
        One or more functions on the domain.
    pairs : sequence of pair of int, optional
        The pairs to describe; all by default.
    uniform : bool, default=False
        Whether the configurations are a sample of a full product, so that components
        are to be orthogonal on the product, where all cells weigh the same.
    tolerance : float, default=1e-10
        Relative size of the gradient at which the projection ends.
    most_steps : int, default=200
        Steps after which it ends in any case: collinear components converge slowly.

    Returns
    -------
    Decomposition
        Components, with a trailing axis over the functions.

    References
    ----------
    .. [1] Hooker, *Generalized functional ANOVA diagnostics for high-dimensional
       functions of dependent variables*, JCGS 16(3), 2007.

    Examples
    --------
    >>> domain = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> parts = decompose(domain, np.array([0.0, 2.0, 4.0, 10.0]))
    >>> [part.values.ravel().round(9).tolist() for part in parts.main + parts.pairs]
    [[-3.0, 3.0], [-2.0, 2.0], [1.0, -1.0, -1.0, 1.0]]
    """
    functions = values[:, None] if values.ndim == 1 else values
    mean = functions.mean(axis=0)
    n_options = indices.shape[1]
    if pairs is None:
        pairs = list(combinations(range(n_options), 2))
    terms = [*((option,) for option in range(n_options)), *pairs]
    blocks = [_constant(len(indices))]
    blocks += [_block(indices, term, uniform) for term in terms]
    found, residual = _project(blocks, functions - mean, tolerance, most_steps)
    constant, *components = found
    return Decomposition(
        mean=mean + constant.values[0],
        variance=functions.var(axis=0),
        main=tuple(components[:n_options]),
        pairs=tuple(components[n_options:]),
        residual_variance=np.mean(residual**2, axis=0),
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """One term: the cell of each row, and what its component is orthogonal to."""

    options: tuple[int, ...]
    cells: Integers
    cell_of_row: Integers
    weights: Floats
    lower_order: Floats  # orthonormal, shape (n_cells, n_lower)


def _constant(n_rows: int) -> _Block:
    """Return the term of no option: a sample's mean is not quite the product's."""
    return _Block(
        options=(),
        cells=np.empty((1, 0), dtype=np.int64),
        cell_of_row=np.zeros(n_rows, dtype=np.int64),
        weights=np.ones(1),
        lower_order=np.empty((1, 0)),
    )


def _block(indices: Integers, options: tuple[int, ...], uniform: bool) -> _Block:
    columns = indices[:, list(options)]
    n_levels = columns.max(axis=0) + 1
    codes, cell_of_row, counts = np.unique(
        np.ravel_multi_index(tuple(columns.T), tuple(n_levels)),
        return_inverse=True,
        return_counts=True,
    )
    cells = np.column_stack(np.unravel_index(codes, tuple(n_levels)))
    weights = counts / len(indices)
    if uniform:
        weights = np.full(len(cells), 1 / len(cells))
    root = np.sqrt(weights)
    if len(options) == 1:
        lower = root[:, None]
    else:
        indicators = [
            cells[:, [position]] == np.unique(cells[:, position])
            for position in range(len(options))
        ]
        left, size, _ = np.linalg.svd(
            root[:, None] * np.hstack(indicators), full_matrices=False
        )
        lower = left[:, size > size[0] * 1e-10]
    return _Block(options, cells, cell_of_row.ravel(), weights, lower)


def _project(
    blocks: list[_Block], values: Floats, tolerance: float, most_steps: int
) -> tuple[tuple[Component, ...], Floats]:
    """Project on the blocks' functions by conjugate gradients; return what is left."""
    from scipy.sparse import csr_matrix

    n_rows, n_functions = values.shape
    sizes = [len(block.weights) for block in blocks]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    columns = np.column_stack(
        [start + block.cell_of_row for start, block in zip(starts, blocks)]
    )
    # In units of sqrt(weight) each block's columns are orthonormal, so the problem
    # is well scaled and on a full product of levels solved by the first step.
    root = np.sqrt(np.concatenate([block.weights for block in blocks]))
    matrix = csr_matrix(
        (
            (1 / root)[columns].ravel(),
            columns.ravel(),
            np.arange(n_rows + 1) * len(blocks),
        ),
        shape=(n_rows, int(starts[-1])),
    )
    transposed = matrix.T.tocsr()

    def admissible(coordinates: Floats) -> Floats:
        """Take out of each block what belongs to terms of lower order."""
        parts = []
        for block, start, size in zip(blocks, starts, sizes):
            part = coordinates[start : start + size]
            parts.append(part - block.lower_order @ (block.lower_order.T @ part))
        return np.vstack(parts)

    solution = np.zeros((int(starts[-1]), n_functions))
    residual = values.copy()
    gradient = admissible(transposed @ residual) / n_rows
    direction = gradient
    size_now = np.sum(gradient**2, axis=0)
    enough = tolerance**2 * np.maximum(np.mean(values**2, axis=0), 1e-300)
    for _ in range(most_steps):
        active = size_now > enough
        if not active.any():
            break
        change = matrix @ direction
        curvature = np.mean(change**2, axis=0)
        step = np.where(
            active, size_now / np.where(curvature > 0, curvature, np.inf), 0.0
        )
        solution += step * direction
        residual -= step * change
        gradient = admissible(transposed @ residual) / n_rows
        size_next = np.sum(gradient**2, axis=0)
        ratio = np.where(active, size_next / np.where(active, size_now, 1.0), 0.0)
        direction = gradient + ratio * direction
        size_now = size_next
    components = tuple(
        Component(
            options=block.options,
            cells=block.cells,
            weights=block.weights,
            values=solution[start : start + size] / np.sqrt(block.weights)[:, None],
        )
        for block, start, size in zip(blocks, starts, sizes)
    )
    return components, residual
