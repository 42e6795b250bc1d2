"""Which options and interactions matter, by how much, and how surely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from perfmodel.anova import Component, decompose
from perfmodel.effects import (
    decide,
    dropped,
    effect_row,
    own_p_values,
    per_cent_of,
    per_cent_of_geometric_mean,
    without_residue,
)
from perfmodel.errors import ModelError
from perfmodel.facts import Facts, facts_of
from perfmodel.folds import drawn_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace
    from perfmodel.dataset import PerformanceDataset

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = ["COLUMNS", "InfluenceReport", "explain"]

COLUMNS = (
    "term",
    "order",
    "effect",
    "sign",
    "lower",
    "upper",
    "share",
    "p_adjusted",
    "reported",
)

DOMAIN_LIMIT = 65_536
"""Most configurations to predict: a larger domain is sampled."""
DRAWS = 200
REFITS = 50
CONSTANT = 1e-18
"""A prediction that varies less than this, relative to its square, is constant."""
# Draws are made on part of a large domain: enough for each pair's cells, few enough
# for a joint posterior, whose cost grows with their cube.
_DRAWN_AT_LEAST = 600
_DRAWN_AT_MOST = 2_000
_DRAWN_PER_PARAMETER = 4
_DRAWN_STEPS = 12
_CHUNK = 4_096
# Configurations times terms: what is held in memory at once.
_CELLS = 10_000_000
_SAMPLED_AT_LEAST = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceReport:
    """Main effects and interactions of one response in one environment.

    Parameters
    ----------
    frame : DataFrame
        One row a term, the largest share first, with the columns of `COLUMNS`:
        ``term`` (``a``, ``a:b``); ``order`` 1 or 2; ``effect``, largest minus smallest
        of the term's component in per cent of the geometric mean response, with its
        interval ``lower``, ``upper`` (NaN where the model has dropped the term, and
        so cannot say how large it could be); ``sign`` +1 or -1 for an effect that is
        monotone in the declared order of levels (two-level pairs: of the product),
        else 0;
        ``share`` of the variance of the log response; ``p_adjusted``, NaN where the
        model has no p-values; ``reported``.
    configurations : int
        How many configurations the effects are averages over.
    exact : bool
        Whether these are all valid configurations, or a sample.
    unexplained : float
        Share of the variance that neither main effects nor pairs describe.
    response, unit : str
        What was modelled, and its unit.
    environment : dict of str
        Where.
    notes : tuple of str
        What a reader must know, a line each.
    """

    frame: pd.DataFrame
    configurations: int
    exact: bool
    unexplained: float
    response: str = ""
    unit: str = ""
    environment: dict[str, Any]
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table.

        Returns
        -------
        DataFrame
            One row a term.
        """
        return self.frame.copy()

    @property
    def reported(self) -> pd.DataFrame:
        """The rows that the report stands by."""
        return self.frame[self.frame["reported"]].reset_index(drop=True)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the largest effects with their intervals.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            What was drawn on.
        """
        from perfmodel.plots import plot_effects

        name = f" on {self.response}" if self.response else ""
        return plot_effects(self.frame, ax=ax, xlabel=f"effect{name} (%)")

    def plot_interactions(self, ax: Axes | None = None) -> Axes:
        """Draw a map of all pairs, main effects on its diagonal.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            What was drawn on.
        """
        from perfmodel.plots import plot_interactions

        return plot_interactions(self.frame, ax=ax)


def explain(
    model: Any, data: PerformanceDataset | None = None, *, seed: int = 0
) -> InfluenceReport:
    """Say which options and interactions a model found, and how sure it is.

    The logarithm of the model's prediction is decomposed over all valid
    configurations into main effects and pairs: functional ANOVA, on domains with holes
    by the projection that `perfmodel.anova.decompose` describes. Of more than 65,536
    configurations (fewer where there are many options) it takes a seeded sample. The
    columns of a categorical option are one term. On systems that were measured in full
    this way of ranking interactions finds more of the five largest than tree gains,
    SHAP interaction values or Lasso coefficients.

    Intervals come from the model's own draws of the mean function (posterior, or
    refits to bootstrap samples), as the contrast between the levels that the estimate
    has as largest and smallest; they end at 0, for an effect has no direction. A term
    is *reported* if its share is at least 0.5 per cent or its effect surely at least 5,
    and if chance would hardly make it so large: the probability is adjusted for the
    number of terms by Holm's method (main effects) and Benjamini and Hochberg's
    (pairs) [1]_, both at 5 per cent. A model that predicts no better than the mean has
    nothing reported.

    Parameters
    ----------
    model : PerformanceModel
        A fitted model; or any fitted scikit-learn regressor that takes a frame of
        raw levels, with `data`.
    data : PerformanceDataset, optional
        The runs that the model learned from. Needed where the model cannot say what
        its options are, or cannot draw: it is then refitted to bootstrap samples.
    seed : int, default=0
        Seed of the sample and the draws.

    Returns
    -------
    InfluenceReport
        Frozen; ``.frame`` is the table.

    Raises
    ------
    ModelError
        If neither the model nor `data` says what the options are.

    References
    ----------
    .. [1] Benjamini and Hochberg, *Controlling the false discovery rate*,
       JRSS B 57(1), 1995.
    """
    facts = facts_of(model)
    space = _space_of(facts, data, type(model).__name__)
    rng = np.random.default_rng(seed)
    size, limit = space.size(), _domain_limit(len(space.options))
    exact = size <= limit
    indices = np.asarray(space.all_rows() if exact else space.sample(limit, rng))
    predictions = _predictions(model, space, indices)
    ratios = facts.log_response and bool(np.all(predictions > 0))
    parts = decompose(
        indices,
        np.log(predictions) if ratios else predictions,
        uniform=not space.forbid,
    )
    per_cent = per_cent_of_geometric_mean if ratios else per_cent_of(predictions)
    variance = float(parts.variance[0])
    if variance < CONSTANT * (1 + float(parts.mean[0]) ** 2):
        variance = 0.0
    components = without_residue([*parts.main, *parts.pairs])
    if not variance:
        components = [replace(c, values=0 * c.values) for c in components]
    deviations = _deviations(model, data, space, indices, components, ratios, seed)
    rows, doubts = [], []
    left_out = dropped(components, deviations)
    for position, component in enumerate(components):
        drawn = None if deviations is None else deviations[position]
        row, doubt = effect_row(
            space, component, variance, drawn, per_cent, left_out[position]
        )
        rows.append(row)
        doubts.append(doubt)
    decide(rows, np.array(doubts), own_p_values(facts.p_values), facts.learnable)
    notes = []
    if not ratios:
        notes.append(
            "some responses are not above 0: effects are of the response itself, in "
            "per cent of its mean size, not of its logarithm"
        )
    if not exact:
        notes.append(
            f"effects are averages over {limit} of {size} valid configurations"
        )
    if deviations is None:
        notes.append("the model cannot draw and has no data to refit to: no intervals")
    if not facts.learnable:
        notes.append(
            "no learnable signal: the model predicts no better than the mean, so no "
            "term is reported"
        )
    return InfluenceReport(
        frame=_frame(rows),
        configurations=len(indices),
        exact=exact,
        unexplained=float(parts.residual_variance[0]) / variance if variance else 0.0,
        response=data.response if data is not None else facts.response,
        unit=data.unit if data is not None else facts.unit,
        environment=_environment(facts, data),
        notes=tuple(notes),
    )


def _domain_limit(n_options: int) -> int:
    """Return how many configurations to describe: fewer if there are many pairs."""
    n_terms = n_options * (n_options + 1) // 2
    return min(DOMAIN_LIMIT, max(_SAMPLED_AT_LEAST, _CELLS // n_terms))


def _space_of(
    facts: Facts, data: PerformanceDataset | None, name: str
) -> ConfigurationSpace:
    if facts.space is not None:
        return facts.space
    if data is None:
        raise ModelError(
            f"explain: {name} does not know its options; fit it with a "
            "PerformanceDataset, or give that as data="
        )
    return data.space


def _environment(facts: Facts, data: PerformanceDataset | None) -> dict[str, Any]:
    if data is None:
        return dict(facts.environment)
    found = data.environments()
    return dict(found[0]) if len(found) == 1 else {}


def _predictions(model: Any, space: ConfigurationSpace, indices: Integers) -> Floats:
    """Return the prediction of each configuration, made in chunks."""
    chunks = [
        np.asarray(model.predict(space.decode(indices[start : start + _CHUNK])))
        for start in range(0, len(indices), _CHUNK)
    ]
    return np.concatenate(chunks).astype(float)


def _deviations(
    model: Any,
    data: PerformanceDataset | None,
    space: ConfigurationSpace,
    indices: Integers,
    components: list[Component],
    ratios: bool,
    seed: int,
) -> list[Floats] | None:
    """Return how far each component of each draw is from the draws' mean.

    One array a component, shape (n_cells, n_draws); None without draws. A cell that
    the drawn part of the domain does not hold is NaN.
    """
    rng = np.random.default_rng([seed, 1])
    levels = [len(option.levels) for option in space.options]
    parameters = sum((a - 1) * (b - 1) for a, b in combinations(levels, 2))
    wanted = int(
        np.clip(_DRAWN_PER_PARAMETER * parameters, _DRAWN_AT_LEAST, _DRAWN_AT_MOST)
    )
    part = indices
    if len(indices) > wanted:
        part = indices[np.sort(rng.choice(len(indices), wanted, replace=False))]
    frame = space.decode(part)
    if hasattr(model, "draws"):
        n_draws = REFITS if facts_of(model).draws_are_refits else DRAWS
        drawn = np.asarray(model.draws(frame, n_draws, seed), dtype=float)
    elif data is not None:
        drawn = _refits(model, data, frame, ratios, rng)
    else:
        return None
    parts = decompose(
        part,
        (drawn - drawn.mean(axis=0)).T,
        uniform=not space.forbid,
        tolerance=0.01,
        most_steps=_DRAWN_STEPS,
    )
    return [
        _on_cells(whole.cells, own)
        for whole, own in zip(components, [*parts.main, *parts.pairs])
    ]


def _refits(
    model: Any,
    data: PerformanceDataset,
    frame: pd.DataFrame,
    ratios: bool,
    rng: np.random.Generator,
) -> Floats:
    """Return (log) predictions of clones fitted to bootstrap samples of the runs."""
    from sklearn.base import clone

    inputs, response = data.X, data.y
    drawn = []
    for _ in range(REFITS):
        rows = drawn_rows(len(response), rng, data.groups)
        refitted = clone(model).fit(inputs.iloc[rows], response[rows])
        predictions = np.asarray(refitted.predict(frame), dtype=float)
        if ratios:
            predictions = np.log(np.maximum(predictions, response.min() / 10))
        drawn.append(predictions)
    return np.array(drawn)


def _on_cells(cells: Integers, component: Component) -> Floats:
    """Return a component's values in the order of `cells`, NaN where it has none."""
    place = {tuple(cell): row for row, cell in enumerate(component.cells.tolist())}
    values = np.full((len(cells), component.values.shape[1]), np.nan)
    for row, cell in enumerate(cells.tolist()):
        if tuple(cell) in place:
            values[row] = component.values[place[tuple(cell)]]
    return values


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame = frame.sort_values("share", ascending=False, kind="stable")
    return frame.reset_index(drop=True)
