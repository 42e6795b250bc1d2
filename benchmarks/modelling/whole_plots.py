"""Options that are dear to change: found by chance, and covered by intervals?"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from measure.designs import split_plot
from measure.space import ConfigurationSpace
from measure.terms import INTERCEPT, Term, model_terms
from perfmodel.encoding import Encoding
from perfmodel.linear import StepwiseModel
from perfmodel.split_plots import fit_in_plots
from perfmodel.stepping import term_columns
from perfmodel.strata import Plots, estimate_eta

SEEDS = 400
CASES = ((12, 0.0), (12, 1.0), (12, 4.0), (8, 4.0))
RUNS_A_PLOT, NOISE = 4, 0.02
LEVEL = 0.05
"""Of the tests; both dear options are inert, so that this share finds one by chance."""
MOST_FALSE = 0.10
SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "dear": {"kind": "boolean", "change_cost_s": 30},
            "isa": {
                "kind": "categorical",
                "levels": ["a", "b", "c"],
                "change_cost_s": 30,
            },
            "turbo": {"kind": "boolean"},
            "onednn": {"kind": "boolean"},
            "threads": {"kind": "numeric", "levels": [1, 2, 3]},
        }
    }
)


def responses(frame: pd.DataFrame, eta: float, seed: int) -> Any:
    """Return responses that one cheap option acts on, with errors of whole plots."""
    rng = np.random.default_rng(seed)
    plots = frame["whole_plot"].to_numpy()
    shared = np.sqrt(eta) * NOISE * rng.normal(size=plots.max() + 1)
    errors = NOISE * rng.normal(size=len(plots)) + shared[plots]
    return np.exp(0.1 * frame["turbo"].to_numpy(float) + errors)


def _mixed(frame: pd.DataFrame, y: Any) -> bool:
    """Tell whether statsmodels' mixed model finds the option that is inert."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    isa = pd.get_dummies(frame["isa"].astype(str), dtype=float).iloc[:, 1:]
    cheap = frame[["turbo", "onednn", "threads"]].astype(float)
    columns = pd.concat([frame[["dear"]].astype(float), isa, cheap], axis=1)
    columns.insert(0, "mean", 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = MixedLM(np.log(y), columns, groups=frame["whole_plot"]).fit()
    return bool(found.pvalues["dear"] < LEVEL)


def _tested(frame: pd.DataFrame, y: Any, plots: Plots) -> bool:
    """Tell whether the F test beside all main effects finds the option."""
    encoding = Encoding(space=SPACE)
    codes = encoding.codes(frame)
    terms = [term for term in model_terms(SPACE, "main").terms if term != INTERCEPT]
    columns = {term: term_columns(encoding, term, codes) for term in terms}
    fitted = fit_in_plots(columns, np.log(y), plots)
    return fitted.p_values[Term.of("dear")] < LEVEL


def study(seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Return one row a case: in what share of seeds an inert option is found."""
    rows = []
    for count, eta in CASES:
        frame = split_plot(SPACE, count, RUNS_A_PLOT, model="main", iterations=200)
        runs = frame.frame
        plots = Plots.of(runs["whole_plot"])
        told = {"whole plots told": plots, "not told": None}
        false = dict.fromkeys([*told, "F test", "cheap option", "statsmodels"], 0)
        estimates = []
        for seed in range(seeds):
            y = responses(runs, eta, seed)
            for name, given in told.items():
                model = StepwiseModel(
                    space=SPACE,
                    terms="main",
                    enter=LEVEL,
                    remove=LEVEL,
                    calibrate=False,
                ).fit(runs, y, plots=given)
                false[name] += "dear" in model.p_values_
                if given is not None:
                    false["cheap option"] += "onednn" in model.p_values_
            false["F test"] += _tested(runs, y, plots)
            estimates.append(estimate_eta(frame.matrix, np.log(y), plots))
            false["statsmodels"] += _mixed(runs, y)
        shares = {f"{name}, %": 100 * n / seeds for name, n in false.items()}
        rows.append(
            {
                "whole plots": count,
                "eta": eta,
                "median estimate": round(float(np.median(estimates)), 2),
                **{name: round(share, 1) for name, share in shares.items()},
                "passed": shares["whole plots told, %"] <= 100 * MOST_FALSE,
            }
        )
    return rows
