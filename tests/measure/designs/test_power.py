"""The chance that a design finds a term."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.designs.power import simulated
from measure.designs.diagnostics import evaluate
from measure.designs.optimal import d_optimal
from measure.designs.power import held_columns, least_favourable, left_for_noise
from measure.designs.whole_plots import split_plot
from measure.space import ConfigurationSpace
from measure.terms import Term, code_levels, model_matrix, model_terms
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


def test_the_pair_of_levels_told_apart_worst_is_found_among_many() -> None:
    levels = [f"l{i}" for i in range(8)]
    space = ConfigurationSpace.from_dict(
        {"options": {n: {"kind": "categorical", "levels": levels} for n in "ab"}}
    )
    rows = np.array([[i, j] for i in range(8) for j in range(8)])
    # All are measured four times, but those of the two last levels only once.
    often = np.where((rows >= 6).all(axis=1), 1, 4)
    term = Term.of("a", "b")
    terms = model_terms(space, "interactions").terms
    matrix = model_matrix(space, terms, np.repeat(rows, often, axis=0))
    part = matrix.slices[term]
    covariance = np.linalg.inv(matrix.X.T @ matrix.X)[part, part]
    precision = np.linalg.inv(covariance)
    found = least_favourable(space, term, precision)
    worst = np.zeros(8)
    worst[6], worst[7] = -1.0, 1.0
    contrast = code_levels(space.options["a"]).T @ worst / 8
    pattern = np.kron(contrast, contrast) / 2
    assert found @ precision @ found <= pattern @ precision @ pattern + 1e-9
