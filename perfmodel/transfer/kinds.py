"""Which shift is enough between two environments, and which options it leaves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.encoding import Encoding
from perfmodel.folds import split_folds
from perfmodel.multiplicity import holm
from perfmodel.transfer.guard import LEAVE_ALONE_ABOVE, paired_t
from perfmodel.transfer.similarity import sd_interval
from perfmodel.transfer.verdicts import FEWEST_RUNS, Verdict, against, too_few

__all__ = ["judge_shift", "options_left", "shift_residuals"]

Floats = NDArray[np.float64]

SHIFT_ENOUGH = 0.10  # relative residual up to which a shift is all that is needed ...
SHIFT_EXPLAINS = 0.5  # ... if that is no more than this part of the target's spread
LARGE = 0.4  # log units from which a factor is plainer than per cent
FOLDS = 10
SIGNIFICANT = 0.05
KINDS = ("scale", "linear", "monotone")

Line = Callable[[Floats, Floats, Floats], Floats]


def judge_shift(
    source: Floats,
    target: Floats,
    codes: Floats | None = None,
    encoding: Encoding | None = None,
    seed: int = 0,
) -> Verdict:
    """Judge whether a shift of the source is all that the target needs.

    Parameters
    ----------
    source, target : ndarray of shape (n,)
        Log responses of the same configurations.
    codes : ndarray of shape (n, n_options), optional
        The configurations, to say which options are left in the residual.
    encoding : Encoding, optional
        Of their space.
    seed : int, default=0
        Seed of the folds.

    Returns
    -------
    Verdict
        Its kind is the simplest shift that none is surely better than in held-out
        error, or ``none``; the estimate is the standard deviation of the held-out log
        residual, against 0.1, or half the target's own where that is less.
    """
    n = len(source)
    if n < FOLDS // 2:
        return too_few("none", n)
    residuals = shift_residuals(source, target, seed)
    kind = KINDS[0]
    for other in KINDS[1:]:
        gain = np.abs(residuals[kind]) - np.abs(residuals[other])
        if paired_t(gain) > LEAVE_ALONE_ABOVE:
            kind = other
    left = sd_interval(residuals[kind])
    own = float(np.std(target, ddof=1))
    margin = min(SHIFT_ENOUGH, SHIFT_EXPLAINS * own) if own > 0 else SHIFT_ENOUGH
    explained = 1 - (left.estimate / own) ** 2 if own > 0 else 0.0
    details: dict[str, Any] = {
        "margin": margin,
        "explained": max(explained, 0.0),
        "residuals": {
            name: float(np.std(values, ddof=1)) for name, values in residuals.items()
        },
    }
    if codes is not None and encoding is not None and n >= FEWEST_RUNS:
        details["options_left"] = options_left(residuals[kind], codes, encoding)
    if n < FEWEST_RUNS:
        few = too_few(kind, n, left)
        return Verdict(
            verdict=few.verdict,
            kind=kind,
            estimate=few.estimate,
            lower=few.lower,
            upper=few.upper,
            runs_needed=few.runs_needed,
            reason=few.reason,
            details=details,
        )
    if not left.estimate > 0:
        return Verdict(
            verdict="yes",
            kind=kind,
            estimate=0.0,
            reason=f"a {kind} shift leaves nothing",
            details=details,
        )
    size = (
        f"{100 * left.estimate:.2g} %"
        if left.estimate < LARGE
        else f"a factor of {math.exp(left.estimate):.1f} up or down"
    )
    percent = (
        f"{size}, and explains {100 * max(explained, 0):.0f} % of the target's variance"
    )
    found = against(
        kind,
        left,
        margin,
        math.log,
        (
            f"a {kind} shift leaves {percent}",
            f"the best shift ({kind}) still leaves {percent}",
        ),
        details,
        high_is_yes=False,
    )
    if found.verdict != "no":
        return found
    return Verdict(
        verdict="no",
        kind="none",
        estimate=found.estimate,
        lower=found.lower,
        upper=found.upper,
        reason=found.reason,
        details=details,
    )


def shift_residuals(source: Floats, target: Floats, seed: int = 0) -> dict[str, Floats]:
    """Held-out log residuals of each kind of shift.

    Parameters
    ----------
    source, target : ndarray of shape (n,)
        Log responses of the same configurations.
    seed : int, default=0
        Seed of the folds.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        ``scale``: a factor; ``linear``: a line in the response's unit, fitted for least
        relative error; ``monotone``: any increasing function.
    """
    n = len(source)
    lines: dict[str, Line] = {"scale": _scale, "linear": _linear, "monotone": _monotone}
    out = {name: np.empty(n) for name in KINDS}
    for fold in split_folds(n, FOLDS, np.random.default_rng(seed)):
        learn = np.setdiff1d(np.arange(n), fold)
        for name, line in lines.items():
            told = line(source[learn], target[learn], source[fold])
            out[name][fold] = target[fold] - told
    return out


def _scale(source: Floats, target: Floats, new: Floats) -> Floats:
    return np.asarray(new + float(np.mean(target - source)))


def _linear(source: Floats, target: Floats, new: Floats) -> Floats:
    """Least squares of the relative error, kept within half to twice what was seen."""
    x, y = np.exp(source - source.mean()), np.exp(target - target.mean())
    A = np.column_stack([np.ones(len(x)), x]) / y[:, None]
    line = np.linalg.lstsq(A, np.ones(len(x)), rcond=None)[0]
    told = line[0] + line[1] * np.exp(new - source.mean())
    told = np.clip(told, y.min() / 2, y.max() * 2)
    return np.asarray(np.log(told) + target.mean())


def _monotone(source: Floats, target: Floats, new: Floats) -> Floats:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip").fit(source, target)
    return np.asarray(fitted.predict(new))


def options_left(
    residual: Floats, codes: Floats, encoding: Encoding
) -> list[dict[str, Any]]:
    """Options that explain what a shift leaves, by F tests with Holm's adjustment.

    Parameters
    ----------
    residual : ndarray of shape (n,)
        Log residuals.
    codes : ndarray of shape (n, n_options)
        The configurations.
    encoding : Encoding
        Of their space.

    Returns
    -------
    list of dict
        option, share of the residual's variance, p_adjusted: those below 0.05, the
        largest share first.
    """
    from scipy import special

    n = len(residual)
    centred = residual - residual.mean()
    total = float(centred @ centred)
    shares, tails = [], []
    for place, option in enumerate(encoding.space.options):
        values = codes[:, place]
        if option.kind == "numeric" and len(np.unique(values)) > 3:
            scaled = (values - values.mean()) / np.std(values)
            columns = np.column_stack([scaled, scaled**2])
        else:
            levels = np.unique(values)[1:]
            columns = (values[:, None] == levels).astype(float)
        columns = columns - columns.mean(axis=0)
        df = columns.shape[1]
        if df == 0 or n - df - 1 < 1 or total == 0:
            shares.append(0.0)
            tails.append(math.nan)
            continue
        told = columns @ np.linalg.lstsq(columns, centred, rcond=None)[0]
        share = min(float(told @ told) / total, 1.0)
        f = share / df / max((1 - share) / (n - df - 1), 1e-300)
        shares.append(share)
        tails.append(float(special.fdtrc(df, n - df - 1, f)))
    adjusted = holm(np.array(tails))
    found = [
        {"option": name, "share": share, "p_adjusted": float(p)}
        for name, share, p in zip(encoding.space.names, shares, adjusted)
        if p < SIGNIFICANT
    ]
    return sorted(found, key=lambda row: -row["share"])
