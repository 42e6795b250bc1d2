"""How good a design is by its own criterion, and how good any could be."""

from __future__ import annotations

import numpy as np
import pytest

from measure.designs.criterion_bound import bound_of_criterion
from measure.designs.diagnostics import evaluate
from measure.designs.linear_bound import least_trace
from measure.designs.optimal import d_optimal
from measure.space import ConfigurationSpace
from measure.terms import model_matrix, model_terms
from tests.measure.designs.test_bound import CONSTRAINED, GRID


@pytest.mark.parametrize("criterion", ["a", "i"])
def test_a_long_design_comes_within_a_per_cent_of_its_bound(criterion: str) -> None:
    design = d_optimal(CONSTRAINED, 90, "quadratic", criterion=criterion, iterations=20)
    report = evaluate(design)
    own = report.by_criterion
    assert own is not None and own.kind == "proved"
    assert own.bound <= own.value * (1 + 1e-9) and own.gap < 0.02
    if criterion == "i":
        assert own.value == pytest.approx(report.i_variance)
    else:
        assert own.value * 90 == pytest.approx(1 / report.a_efficiency)
    assert report.to_dict()["by_criterion"]["gap"] == own.gap
    assert "at least (proved)" in str(own)


def test_a_searched_least_variance_agrees_with_the_proved_one() -> None:
    design = d_optimal(GRID, 40, "quadratic", criterion="a", iterations=5)
    target = np.eye(design.matrix.shape[1])
    proved = least_trace(GRID, design.terms, target, design.indices)
    searched = least_trace(GRID, design.terms, target, design.indices, enumerated=0)
    assert proved is not None and searched is not None
    assert (proved.kind, searched.kind) == ("proved", "estimated")
    assert searched.value == pytest.approx(proved.value, rel=0.002)
    assert "searched from" in searched.reason


def test_fixed_runs_bound_what_the_others_can_do() -> None:
    poor = CONSTRAINED.decode(np.repeat(CONSTRAINED.all_rows()[:1], 10, axis=0))
    free = d_optimal(CONSTRAINED, 30, "main", criterion="a", iterations=20)
    kept = d_optimal(CONSTRAINED, 30, "main", criterion="a", iterations=20, fixed=poor)
    wide, narrow = bound_of_criterion(free), bound_of_criterion(kept)
    assert wide is not None and narrow is not None
    assert narrow.bound > 1.1 * wide.bound
    assert narrow.bound <= narrow.value < narrow.bound * 1.05
    everything = d_optimal(
        CONSTRAINED, 30, "main", criterion="a", fixed=free.frame, iterations=1
    )
    assert bound_of_criterion(everything) is None


def test_a_bayesian_design_is_bounded_with_its_prior() -> None:
    few = d_optimal(CONSTRAINED, 12, criterion="bayes-d", iterations=20, prior=0.5)
    own = evaluate(few).by_criterion
    assert own is not None and own.kind == "proved"
    assert 0.5 * own.bound < own.value < own.bound
    assert "at most (proved)" in str(own)
    terms = model_terms(CONSTRAINED, "interactions").terms
    matrix = model_matrix(CONSTRAINED, terms, few.indices)
    K = np.full(matrix.X.shape[1], 4.0)
    for term in terms:
        if term.order < 2:
            K[matrix.slices[term]] = 1e-6
    _, log_det = np.linalg.slogdet(matrix.X.T @ matrix.X + np.diag(K))
    assert own.value == pytest.approx(np.exp(log_det / len(K)) / 12)
    many = d_optimal(CONSTRAINED, 150, criterion="bayes-d", iterations=5)
    own = evaluate(many).by_criterion
    assert own is not None and own.gap < 0.03


def test_orthogonal_columns_are_the_best_for_all_criteria() -> None:
    free = ConfigurationSpace(CONSTRAINED.options)
    main = d_optimal(free, 90, "main", criterion="a", iterations=20)
    own = bound_of_criterion(main)
    assert own is not None and own.kind == "proved"
    assert own.bound == pytest.approx(1 / 90) and own.gap < 0.005
    two = ConfigurationSpace.from_dict(
        {"options": {f"x{i}": {"kind": "boolean"} for i in range(40)}}
    )
    wide = bound_of_criterion(d_optimal(two, 48, "main", criterion="i", iterations=1))
    assert wide is not None and wide.kind == "proved"
    assert wide.bound == pytest.approx(41 / 48) and wide.gap < 0.15
    # Over uneven levels predictions are not orthogonal: there it is searched.
    uneven = bound_of_criterion(
        d_optimal(free, 90, "main", criterion="i", iterations=9)
    )
    assert uneven is not None and uneven.gap < 0.01


def test_d_optimal_designs_have_no_other_criterion() -> None:
    assert evaluate(d_optimal(GRID, 12, "main", iterations=2)).by_criterion is None
