"""The chance that a design finds a term."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.designs.power import simulated
from measure.designs.diagnostics import evaluate
from measure.designs.optimal import d_optimal
from measure.designs.power import held_columns, left_for_noise
from measure.designs.whole_plots import split_plot
from measure.space import ConfigurationSpace
from tests.measure.designs.test_bound import CONSTRAINED


def test_the_power_of_all_terms_is_that_of_simulated_experiments() -> None:
    design = d_optimal(CONSTRAINED, 40, "quadratic", iterations=3)
    power = evaluate(design, effect=1.2).power
    shares = simulated(design, 1.2, 4000, np.random.default_rng(0))
    assert shares == pytest.approx({term: power[term] for term in shares}, abs=0.04)
    assert len(shares) == len(design.terms) - 1
    assert 0.1 < min(shares.values()) < 0.8


def test_the_power_of_split_plots_is_that_of_simulated_experiments() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "w": {"kind": "boolean"},
                "s": {"kind": "boolean"},
                "t": {"kind": "numeric", "levels": [1, 2, 4]},
            }
        }
    )
    design = split_plot(space, 8, 4, ["w"], 1.0, "interactions", iterations=5)
    power = evaluate(design, effect=1.5).power
    shares = simulated(design, 1.5, 4000, np.random.default_rng(0))
    assert shares == pytest.approx({term: power[term] for term in shares}, abs=0.05)
    assert shares["w"] < 0.6 < shares["s"]


def test_columns_held_in_whole_plots_have_their_own_noise() -> None:
    X = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [1, -1, -1], [1, 1, 1], [1, 1, 1]])
    plots = np.array([0, 0, 5, 5, 7, 7])
    held = held_columns(X.astype(float), plots)
    assert held.tolist() == [True, True, False]
    assert left_for_noise(held, 6, plots) == (1, 2)
    alone = held_columns(X.astype(float), None)
    assert alone.all() and left_for_noise(alone, 6, None) == (3, 0)
