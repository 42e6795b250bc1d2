"""What the runs of the last sweep brought, beside those that were there before."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.designs.optimal import singular_terms
from measure.terms import model_matrix, model_terms
from perfmodel.errors import PerfmodelError
from perfmodel.fitting import fit
from perfmodel.influence import explain
from perfmodel.validation import CrossValidation, mape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perfmodel.dataset import PerformanceDataset
    from perfmodel.influence import InfluenceReport

    Integers = NDArray[np.int64]

__all__ = ["Added", "bought", "designs_before_and_after", "last_sweep"]

_SAMPLE = 4_000
#: Models that the runs are judged by, the larger first.
_MODELS = ("interactions", "main")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """How well two sets of runs can tell the terms of one model.

    Parameters
    ----------
    model : str
        ``interactions``, or ``main`` where all runs together cannot tell those.
    terms : int
        Terms of all main effects and pairs that can be told at all.
    estimable_before, estimable_after : int
        How many of them the runs before, and all runs, can tell.
    gained : tuple of str
        Those that only all runs can.
    d_efficiency_before, d_efficiency_after : float
        det(X'X)^(1/p) / n of `model`; 0 where a term cannot be told.
    variance_before, variance_after : float or None
        Mean variance of a prediction of `model` over the configurations, in variances
        of a run; None where a term cannot be told.
    """

    model: str
    terms: int
    estimable_before: int
    estimable_after: int
    gained: tuple[str, ...]
    d_efficiency_before: float
    d_efficiency_after: float
    variance_before: float | None
    variance_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What the last sweep bought.

    Parameters
    ----------
    sweep_id : str
        The sweep.
    runs_before, runs_added : int
        Finite responses.
    error_before, error_after : tuple of float
        Cross-validated error in per cent, its 95 % interval, of the same kind of model,
        not corrected for having been chosen.
    error_foretold : float
        Error in per cent of the model before on the configurations that were added.
    width_before, width_after : float or None
        Median width of the 95 % intervals of effects, in per cent of the response, of
        the terms that both models have one of.
    design : Planned
        What the configurations can tell, whatever was measured.
    """

    sweep_id: str
    runs_before: int
    runs_added: int
    error_before: tuple[float, float, float]
    error_after: tuple[float, float, float]
    error_foretold: float
    width_before: float | None
    width_after: float | None
    design: Planned

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON.

        Returns
        -------
        dict
            Keys as the fields, those of `design` beneath it.
        """
        return asdict(self)

    def lines(self) -> list[str]:
        """Say it in words.

        Returns
        -------
        list of str
            The first names the sweep; one line a measure.
        """
        before, after, design = self.error_before, self.error_after, self.design
        found = [
            f"what the {self.runs_added} runs of the last sweep added to the "
            f"{self.runs_before} before:",
            f"error on unseen runs: {_interval(before)} before, {_interval(after)} "
            "now; the added configurations were foretold to "
            f"{self.error_foretold:.1f} %",
        ]
        if self.width_before is not None and self.width_after is not None:
            found.append(
                f"intervals of effects: median width {self.width_before:.1f} points "
                f"before, {self.width_after:.1f} now"
            )
        words = (
            f"main effects and pairs that can be told: {design.estimable_before} of "
            f"{design.terms} before, {design.estimable_after} now"
        )
        if design.gained:
            more = len(design.gained) - 6
            words += f", among them {', '.join(design.gained[:6])}"
            words += f" and {more} more" if more > 0 else ""
        found.append(words)
        if design.variance_after is not None:
            was = design.variance_before
            of = "main effects" + (" and pairs" if design.model != "main" else "")
            found.append(
                f"mean variance of a prediction by {of}: "
                f"{'unbounded' if was is None else f'{was:.2f}'} before, "
                f"{design.variance_after:.2f} of a run's now; D-efficiency "
                f"{design.d_efficiency_before:.3f} before, "
                f"{design.d_efficiency_after:.3f} now"
            )
        return found


def _interval(error: tuple[float, float, float]) -> str:
    return f"{error[0]:.1f} % ({error[1]:.1f} to {error[2]:.1f})"


def last_sweep(data: PerformanceDataset) -> str | None:
    """Find the sweep that was begun last, where there are several.

    Parameters
    ----------
    data : PerformanceDataset
        With a column ``sweep_id``, and ``started_at`` if it has one.

    Returns
    -------
    str or None
        None where there are fewer than two.
    """
    if "sweep_id" not in data.meta:
        return None
    frame = data.frame[data.frame["sweep_id"].notna()]
    sweeps = frame["sweep_id"].astype(str)
    if sweeps.nunique() < 2:
        return None
    if "started_at" in data.meta:
        begun = frame["started_at"].astype(str).groupby(sweeps).min()
        return str(begun.idxmax())
    return str(sweeps.iloc[-1])


def bought(
    model: Any,
    data: PerformanceDataset,
    influence: InfluenceReport,
    seed: int = 0,
) -> Added | None:
    """Say what the last sweep brought, for the model that was fitted to all runs.

    Parameters
    ----------
    model : PerformanceModel
        Fitted to all runs.
    data : PerformanceDataset
        Them.
    influence : InfluenceReport
        What it found.
    seed : int, default=0
        Of the model that is fitted to the runs before.

    Returns
    -------
    Added or None
        None where there is one sweep, or no model can be had of the runs before.
    """
    sweep = last_sweep(data)
    validation = getattr(model, "cross_validation_", None)
    if sweep is None or validation is None:
        return None
    is_new = (data.frame["sweep_id"].astype(str) == sweep).to_numpy()
    earlier, added = data.take(~is_new), data.take(is_new)
    try:
        before = fit(replace(earlier, notes=()), model=model.name, seed=seed)
        found = explain(before, seed=seed)
        foretold = mape(added.y, before.predict(added.X))
    except PerfmodelError:
        return None
    widths = _widths(found, influence)
    earlier_error = before.cross_validation_
    assert earlier_error is not None
    return Added(
        sweep_id=sweep,
        runs_before=int(earlier.replicates.sum()),
        runs_added=int(added.replicates.sum()),
        error_before=_of_this_model(earlier_error),
        error_after=_of_this_model(validation),
        error_foretold=foretold,
        width_before=widths[0],
        width_after=widths[1],
        design=designs_before_and_after(earlier, data),
    )


def _of_this_model(validation: CrossValidation) -> tuple[float, float, float]:
    """Return the error of a model as if nothing had been chosen.

    What a choice of several adds to it is not in the error of the model before, which
    is alone.
    """
    bias = validation.selection_bias_percent
    return (
        validation.error_percent - bias,
        validation.lower - bias,
        validation.upper - bias,
    )


def _widths(
    before: InfluenceReport, after: InfluenceReport
) -> tuple[float | None, float | None]:
    """Return the median widths of intervals that both have."""
    frames = [report.frame.set_index("term") for report in (before, after)]
    widths = [frame["upper"] - frame["lower"] for frame in frames]
    both = widths[0].dropna().index.intersection(widths[1].dropna().index)
    if not len(both):
        return None, None
    return float(widths[0][both].median()), float(widths[1][both].median())


def designs_before_and_after(
    earlier: PerformanceDataset, data: PerformanceDataset
) -> Planned:
    """Say what two sets of configurations can tell of main effects and pairs.

    Parameters
    ----------
    earlier, data : PerformanceDataset
        Of one environment; `data` holds the runs of `earlier` too.

    Returns
    -------
    Planned
        Of their configurations alone.
    """
    space = data.space
    rows = [space.encode(one.X) for one in (earlier, data)]
    pairs = model_terms(space, _MODELS[0])
    lost = [singular_terms(space, pairs, those) for those in rows]
    name = _MODELS[0] if not lost[1] else _MODELS[1]
    terms = model_terms(space, name).terms
    size = space.size()
    rng = np.random.default_rng(0)
    domain = space.all_rows() if size <= _SAMPLE else space.sample(_SAMPLE, rng)
    everywhere = model_matrix(space, terms, np.asarray(domain)).X
    efficiencies: list[float] = []
    variances: list[float | None] = []
    for those in rows:
        X = model_matrix(space, terms, those).X
        n, p = X.shape
        if np.linalg.matrix_rank(X) < p:
            efficiencies.append(0.0)
            variances.append(None)
            continue
        information = X.T @ X
        efficiencies.append(float(np.exp(np.linalg.slogdet(information)[1] / p) / n))
        spread = np.linalg.solve(information, everywhere.T)
        variances.append(float(np.mean(np.sum(everywhere.T * spread, axis=0))))
    count = len(pairs.terms) - 1
    gained = [term for term in lost[0] if term not in lost[1]]
    return Planned(
        model=name,
        terms=count,
        estimable_before=count - sum(term != "1" for term in lost[0]),
        estimable_after=count - sum(term != "1" for term in lost[1]),
        gained=tuple(gained),
        d_efficiency_before=efficiencies[0],
        d_efficiency_after=efficiencies[1],
        variance_before=variances[0],
        variance_after=variances[1],
    )
