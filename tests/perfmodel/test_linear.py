"""Stepwise regression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.utils.estimator_checks import parametrize_with_checks

from measure.space import ConfigurationSpace, Option
from perfmodel.catalogue import make_model
from perfmodel.errors import ArchiveError, ModelError
from perfmodel.linear import StepwiseModel
from perfmodel.loading import load
from tests.contracts.models import SPACE, ModelContract, whole_table


@parametrize_with_checks([StepwiseModel()])
def test_it_is_a_scikit_learn_regressor(estimator: Any, check: Any) -> None:
    check(estimator)


class TestStepwise(ModelContract):
    """The contract of every model."""

    name = "stepwise"
    error_percent = 15.0


def two_level(n_options: int, runs: int, seed: int) -> pd.DataFrame:
    """Random configurations of two-level options."""
    levels = np.random.default_rng(seed).integers(2, size=(runs, n_options))
    return pd.DataFrame(levels, columns=[f"x{i}" for i in range(n_options)])


def found_terms(model: StepwiseModel) -> set[str]:
    """Terms that were kept, the intercept apart."""
    return {str(fitted.term) for fitted in model.terms_[1:]}


def test_true_terms_are_found_and_few_others() -> None:
    found, false = 0, 0
    truth = {"x0", "x1", "x2", "x0:x1"}
    for seed in range(10):
        frame = two_level(8, 60, seed)
        coded = 2 * frame.to_numpy() - 1
        log = 0.2 * coded[:, 0] + 0.1 * coded[:, 1] - 0.1 * coded[:, 2]
        log = log + 0.1 * coded[:, 0] * coded[:, 1]
        log = log + 0.02 * np.random.default_rng(seed).standard_normal(60)
        kept = found_terms(StepwiseModel(calibrate=False).fit(frame, np.exp(log)))
        found += truth <= kept
        false += len(kept - truth)
    assert found == 10
    assert false <= 10


def test_a_term_stands_with_those_it_contains() -> None:
    frame = two_level(3, 40, seed=0)
    coded = 2 * frame.to_numpy() - 1
    y = np.exp(coded[:, 0] * coded[:, 1])  # a pure interaction
    noise = np.random.default_rng(0).lognormal(sigma=0.01, size=40)
    assert {"x0", "x1", "x0:x1"} <= found_terms(StepwiseModel().fit(frame, y * noise))


def test_p_values_and_errors_are_those_of_statsmodels() -> None:
    frame = two_level(3, 40, seed=1)
    coded = 2.0 * frame.to_numpy() - 1
    log = 1 + 0.3 * coded[:, 0] + 0.1 * coded[:, 1] + 0.1 * coded[:, 0] * coded[:, 1]
    log = log + 0.05 * np.random.default_rng(1).standard_normal(40)
    model = StepwiseModel(terms="x0 * x1", calibrate=False).fit(frame, np.exp(log))
    assert found_terms(model) == {"x0", "x1", "x0:x1"}
    X = sm.add_constant(np.column_stack([coded[:, :2], coded[:, 0] * coded[:, 1]]))
    peer = sm.OLS(log, X).fit()
    np.testing.assert_allclose(model.coefficients_, peer.params, rtol=1e-9)
    np.testing.assert_allclose(model.standard_errors_, peer.bse, rtol=1e-9)
    assert model.p_values_["x0:x1"] == pytest.approx(peer.pvalues[3], rel=1e-6)


def test_squares_are_candidates_of_numbers_with_three_levels() -> None:
    x = np.tile([1, 2, 3, 4, 5], 8)
    y = np.exp((x - 3.0) ** 2 / 4) * np.random.default_rng(0).lognormal(
        sigma=0.01, size=40
    )
    model = StepwiseModel().fit(pd.DataFrame({"x": x}), y)
    assert "I(x**2)" in found_terms(model)


def test_an_exact_response_ends_the_search() -> None:
    frame = two_level(4, 16, seed=2)
    y = np.exp(0.5 * frame["x0"] + 0.25 * frame["x1"])
    model = StepwiseModel().fit(frame, y)
    assert found_terms(model) == {"x0", "x1"}
    np.testing.assert_allclose(model.predict(frame), y, rtol=1e-9)


def test_fewer_runs_than_candidates_are_fitted() -> None:
    frame = two_level(10, 14, seed=3)
    y = np.exp(frame["x0"] + 0.01 * np.random.default_rng(0).standard_normal(14))
    model = StepwiseModel().fit(frame, y)
    assert "x0" in found_terms(model)
    assert len(model.coefficients_) <= 11


def test_a_formula_says_the_candidates() -> None:
    frame, y = whole_table(noise=0.02)
    model = StepwiseModel(space=SPACE, terms="threads + onednn").fit(frame, y)
    assert found_terms(model) <= {"threads", "onednn"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"terms": "threads + cores"}, "no option 'cores'"),
        ({"terms": "exp(threads)"}, "formulas call nothing"),
        ({"enter": 0.2}, "enter must be above 0 and at most remove"),
    ],
)
def test_what_cannot_be_searched_is_an_error(
    params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        StepwiseModel(space=SPACE, **params).fit(*whole_table())


def test_forbidden_combinations_leave_terms_out() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {"a": {"kind": "boolean"}, "b": {"kind": "boolean"}},
            "forbid": [{"a": True, "b": True}],
        }
    )
    frame = pd.DataFrame({"a": [True, False, False] * 4, "b": [False, True, False] * 4})
    model = StepwiseModel(space=space).fit(frame, np.exp([1.0, 2.0, 3.0] * 4))
    assert "a:b" not in found_terms(model)


def test_a_saved_term_of_another_option_is_refused(tmp_path: Path) -> None:
    model = make_model("stepwise", SPACE).fit(*whole_table())
    model.space_ = ConfigurationSpace(
        [Option(name=f"other{i}", levels=o.levels) for i, o in enumerate(SPACE.options)]
    )
    model.set_params(space=None)
    with pytest.raises(ArchiveError, match="is of no option of the saved space"):
        load(model.save(tmp_path / "model"))
