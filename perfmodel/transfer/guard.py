"""The guard: a source is used only where held-out target runs show that it helps.

Below five target runs nothing is held out: a shift of the source is taken unjudged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perfmodel.folds import by_group, split_folds
from perfmodel.transfer.candidates import ALONE, Candidate
from perfmodel.transfer.choice import Choice
from perfmodel.transfer.inputs import Inputs

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.transfer.base import TransferModel

__all__ = [
    "blend_weights",
    "choose",
    "fit_transfer",
    "guard_folds",
    "paired_t",
    "relative_error",
]

Floats = NDArray[np.float64]

LEAVE_ALONE_ABOVE = 1.3  # paired t: what "better than target alone" has to exceed
LEAVE_ALONE_ABOVE_FEW = 1.6  # the same for fewer than VERY_FEW runs
VERY_FEW = 8
LEAVE_ONE_OUT_TO = 10
FOLDS = 5
DEAL_AGAIN_TO = 40  # runs up to which chance in the dealing of folds is averaged out
DEALINGS = 3
ERROR_FLOOR = 0.02  # relative; smaller errors are as good as none to the logarithm
FEWEST_RUNS = 5
MOST_HELD_OUT = 150  # of more runs, as many decide: each costs a fit
LEAST_ERROR = 1e-3  # relative; below it candidates count as equally good
MOST_T = 100.0
MOST_ERROR = 3.0  # relative; one wild prediction must not decide alone


def guard_folds(
    n: int, seed: int, groups: NDArray[np.int64] | None = None
) -> list[NDArray[np.intp]]:
    """Rows that each fold holds out: one each up to ten runs, else five folds.

    Parameters
    ----------
    n : int
        Number of runs.
    seed : int
        Seed of the dealing.
    groups : ndarray of int of shape (n,), optional
        Runs with equal numbers share a measurement and come into one fold.

    Returns
    -------
    list of ndarray
        Disjoint, all rows together.
    """
    return split_folds(n, _n_folds(n), np.random.default_rng(seed), groups)


def _n_folds(n: int) -> int:
    return n if n <= LEAVE_ONE_OUT_TO else FOLDS


def relative_error(prediction: Floats, log_y: Floats) -> Floats:
    """Relative error of log predictions, capped.

    Parameters
    ----------
    prediction, log_y : ndarray of shape (n,)
        Log response, predicted and true.

    Returns
    -------
    ndarray of shape (n,)
        ``|predicted / true - 1|``, 3 at most.
    """
    difference = np.clip(prediction - log_y, -50.0, 2.0)
    return np.minimum(np.abs(np.expm1(difference)), MOST_ERROR)


def choose(
    inputs: Inputs,
    log_y: Floats,
    candidates: Mapping[str, Candidate],
    seed: int = 0,
    groups: NDArray[np.int64] | None = None,
) -> Choice:
    """Decide between the target alone and what its sources offer.

    Every candidate is fitted anew in every fold. Target alone is left only if the t
    statistic of the gain of some candidate exceeds 1.3 (1.6 with fewer than eight
    runs, whose errors scatter more); then all candidates are blended, each weighted by
    its held-out error to the power of minus half the number of runs. With fewer than
    five runs none can be held out: the shift is taken, and not judged.

    Parameters
    ----------
    inputs : Inputs
        Target runs with source values, shape (n, ..).
    log_y : ndarray of shape (n,)
        Their log responses.
    candidates : mapping of str to callable
        As `candidates_for` lists them; ``alone`` among them.
    seed : int, default=0
        Seed of the folds.
    groups : ndarray of int of shape (n,), optional
        Runs with equal numbers share a measurement and are held out together.

    Returns
    -------
    Choice
        With the held-out predictions, from which intervals follow.
    """
    n = len(log_y)
    names = list(candidates)
    if n < FEWEST_RUNS and len(names) > 1:
        return Choice.unjudged(
            "shift",
            "not judged: fewer than five runs, too few to hold any out; a shift of the "
            "source is taken on trust",
            "transfer",
        )
    rows = np.arange(n)
    if n > MOST_HELD_OUT:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.permutation(n)[:MOST_HELD_OUT])
        inputs, log_y, n = inputs[rows], log_y[rows], MOST_HELD_OUT
        groups = None if groups is None else groups[rows]
    held_out, held_out_sd = _held_out(inputs, log_y, candidates, seed, groups)
    dealings = [held_out]
    if LEAVE_ONE_OUT_TO < n <= DEAL_AGAIN_TO:
        for again in range(1, DEALINGS):
            more, _ = _held_out(inputs, log_y, candidates, seed + again, groups)
            dealings.append(more)
    errors = {
        name: by_group(
            np.mean([relative_error(d[name], log_y) for d in dealings], axis=0), groups
        )
        for name in names
    }
    percent = {name: 100 * float(np.mean(e)) for name, e in errors.items()}
    t = {
        name: gain_statistic(errors[ALONE], errors[name])
        for name in names
        if name != ALONE
    }
    best = max(t, key=lambda name: t[name], default=None)
    if best is None:
        return Choice(
            method=ALONE,
            weights={ALONE: 1.0},
            statistic=math.nan,
            decision=ALONE,
            reason="there is no source",
            errors=percent,
            held_out=held_out,
            held_out_sd=held_out_sd,
            rows=rows,
        )
    shown = f"t = {t[best]:.2f} over {n} held-out configurations"
    least = LEAVE_ALONE_ABOVE if n >= VERY_FEW else LEAVE_ALONE_ABOVE_FEW
    if not t[best] > least:
        return Choice(
            method=ALONE,
            weights={ALONE: 1.0},
            statistic=t[best],
            decision=ALONE,
            reason=(
                f"no transfer is surely better than the target alone (best: {best}, "
                f"{shown}; more than {least} is needed)"
            ),
            errors=percent,
            held_out=held_out,
            held_out_sd=held_out_sd,
            rows=rows,
        )
    weights = blend_weights(percent, n)
    taken = "" if len(weights) == 1 else f"{_spelled(weights)}, because "
    return Choice(
        method=_named(weights),
        weights=weights,
        statistic=t[best],
        decision="transfer",
        reason=(
            f"{taken}{best} errs less than the target alone ({shown}): by "
            f"{percent[best]:.3g} % against {percent[ALONE]:.3g} %"
        ),
        errors=percent,
        held_out=held_out,
        held_out_sd=held_out_sd,
        rows=rows,
    )


def _held_out(
    inputs: Inputs,
    log_y: Floats,
    candidates: Mapping[str, Candidate],
    seed: int,
    groups: NDArray[np.int64] | None,
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Predict each run by candidates that were fitted without its fold."""
    n = len(log_y)
    mean = {name: np.empty(n) for name in candidates}
    sd = {name: np.empty(n) for name in candidates}
    for fold in guard_folds(n, seed, groups):
        learn = np.setdiff1d(np.arange(n), fold)
        for name, candidate in candidates.items():
            fitted = candidate(inputs[learn], log_y[learn])
            mean[name][fold] = fitted.mean(inputs[fold])
            sd[name][fold] = fitted.sd(inputs[fold])
    return mean, sd


def gain_statistic(alone: Floats, candidate: Floats) -> float:
    """Mean of two paired t statistics: of the errors, and of their logarithms.

    Errors are skew: one run at the edge can hide what all others say, and the logarithm
    alone would not see that run.

    Parameters
    ----------
    alone, candidate : ndarray of shape (n,)
        Relative errors of the same held-out runs.

    Returns
    -------
    float
        Positive where the candidate errs less.

    Examples
    --------
    >>> alone = np.array([0.2, 0.3, 0.1, 0.4])
    >>> gain_statistic(alone, alone / 4) > 1.3
    True
    """
    logs = np.log(alone + ERROR_FLOOR) - np.log(candidate + ERROR_FLOOR)
    return 0.5 * (paired_t(alone - candidate) + paired_t(logs))


def paired_t(gain: Floats) -> float:
    """Paired t statistic of a gain, within 100.

    Parameters
    ----------
    gain : ndarray of shape (n,)
        Differences.

    Returns
    -------
    float
        Mean over its standard error.
    """
    mean, spread = float(np.mean(gain)), float(np.std(gain, ddof=1))
    if spread == 0:
        return math.copysign(MOST_T, mean) if mean else 0.0
    t = mean / (spread / math.sqrt(len(gain)))
    return min(max(t, -MOST_T), MOST_T)


def blend_weights(percent: Mapping[str, float], n: int) -> dict[str, float]:
    """Weights that fall with the held-out error, the faster the more runs there are.

    Parameters
    ----------
    percent : mapping of str to float
        Held-out error of each candidate.
    n : int
        Number of runs.

    Returns
    -------
    dict of str to float
        Adding up to 1; candidates below one per cent of the weight are left out.

    Examples
    --------
    >>> blend_weights({"alone": 40.0, "delta": 10.0}, 4)["delta"] > 0.9
    True
    """
    floored = {name: max(error, 100 * LEAST_ERROR) for name, error in percent.items()}
    least = min(floored.values())
    raw = {name: (error / least) ** (-n / 2) for name, error in floored.items()}
    kept = {name: w for name, w in raw.items() if w > 0.01 * sum(raw.values())}
    return {name: weight / sum(kept.values()) for name, weight in kept.items()}


def _spelled(weights: Mapping[str, float]) -> str:
    """Say what is blended, the heaviest first."""
    order = sorted(weights, key=lambda name: -weights[name])
    return "made of " + ", ".join(
        f"{name} {100 * weights[name]:.0f} %" for name in order
    )


def _named(weights: Mapping[str, float]) -> str:
    return next(iter(weights)) if len(weights) == 1 else "blend"


def fit_transfer(
    sources: Sequence[PerformanceDataset],
    target: PerformanceDataset,
    method: str = "auto",
    seed: int = 0,
) -> TransferModel:
    """Model a target from few runs of it, and from what its sources say.

    Parameters
    ----------
    sources : sequence of PerformanceDataset
        One environment and one response each; none: the target alone.
    target : PerformanceDataset
        The runs of the target.
    method : {"auto", "alone", "scale", "shift", "delta", "feature"}, default="auto"
        What to do with the sources; ``auto`` lets the guard choose.
    seed : int, default=0
        Seed of the folds.

    Returns
    -------
    TransferModel
        With ``.report``: method, guard statistic, decision, reason.

    Raises
    ------
    ModelError
        If a response of a transfer is not positive, or the method is unknown.
    DataError
        If source and target have no option in common.
    """
    from perfmodel.failures import failed_configurations
    from perfmodel.selection import describe
    from perfmodel.transfer.base import SourceRuns, TransferModel
    from perfmodel.transfer.pairing import common_options

    options = common_options(*sources, target)
    model = TransferModel(method=method, space=options.space, seed=seed)
    runs = [
        SourceRuns(
            X=options.frame(source), y=source.y, name=describe(source.environments()[0])
        )
        for source in sources
    ]
    model.sharing(target.groups)
    model.fit(options.frame(target), target.y, runs)
    model.response_, model.unit_ = target.response, target.unit
    model.environment_ = dict(target.environments()[0])
    model.runs_ = int(target.replicates.sum())
    model.failed_ = failed_configurations(target, model.space_)
    model.choice_ = model.report.reason
    model.notes_ = (*options.notes, *target.counted)
    return model
