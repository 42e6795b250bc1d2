"""Influence reports: effects, signs, intervals and the decision to report."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from measure.space import ConfigurationSpace
from perfmodel import influence
from perfmodel.errors import ModelError
from perfmodel.influence import COLUMNS, explain
from tests import known_answers
from tests.known_answers import ExactModel


@pytest.mark.parametrize(
    "make",
    [
        known_answers.additive,
        known_answers.interacting,
        known_answers.ishigami,
        known_answers.third_order,
    ],
)
def test_effects_and_shares_are_the_known_ones(make) -> None:
    answer = make()
    report = explain(ExactModel(answer, doubt=0.01))
    found = report.frame.set_index("term")
    truth = answer.truth().set_index("term")
    np.testing.assert_allclose(found.loc[truth.index, "effect"], truth["effect"])
    np.testing.assert_allclose(found.loc[truth.index, "share"], truth["share"])
    inert = found.drop(index=truth.index)
    assert (inert[["effect", "share", "lower"]] == 0).all(axis=None)
    assert not inert["reported"].any()
    assert found.loc[truth.index, "reported"].all()


def test_the_frame_has_the_fixed_columns_with_the_largest_share_first() -> None:
    frame = explain(ExactModel(known_answers.interacting())).to_frame()
    assert tuple(frame) == COLUMNS
    assert frame["share"].is_monotonic_decreasing
    n_options = 6
    assert len(frame) == n_options + n_options * (n_options - 1) // 2
    assert frame["p_adjusted"].isna().all()


def test_a_sign_is_of_a_monotone_effect_in_declared_order() -> None:
    sign = explain(ExactModel(known_answers.additive())).frame.set_index("term")["sign"]
    assert sign["fast"] == -1
    assert sign["frequency"] == -1
    assert sign["backend"] == 0


def test_the_sign_of_a_two_level_pair_is_that_of_the_product() -> None:
    report = explain(ExactModel(known_answers.interacting()))
    sign = report.frame.set_index("term")["sign"]
    assert sign["a:b"] == 1
    assert sign["a:c"] == 0, "an option with four levels has no sign in a pair"


def test_what_stays_unexplained_is_of_third_order() -> None:
    report = explain(ExactModel(known_answers.third_order()))
    shares = report.frame["share"].sum()
    assert report.unexplained == pytest.approx(0.01 / 0.11)
    assert shares + report.unexplained == pytest.approx(1)


def test_intervals_hold_the_effect_and_never_go_below_zero() -> None:
    frame = explain(ExactModel(known_answers.interacting(), doubt=0.3)).frame
    assert (frame["lower"] <= frame["effect"]).all()
    assert (frame["effect"] <= frame["upper"]).all()
    assert (frame["lower"] >= 0).all()


def test_an_effect_that_noise_would_give_is_not_reported() -> None:
    sure = explain(ExactModel(known_answers.interacting(), doubt=0.01))
    unsure = explain(ExactModel(known_answers.interacting(), doubt=3.0))
    assert sure.reported["order"].tolist().count(2) == 3
    assert unsure.reported.empty


def test_a_large_domain_is_sampled_and_the_report_says_so(monkeypatch) -> None:
    limit = 2_000
    monkeypatch.setattr(influence, "DOMAIN_LIMIT", limit)
    answer = known_answers.ishigami(n_levels=15)
    assert answer.space.size() > limit
    report = explain(ExactModel(answer, doubt=0.01))
    assert not report.exact and report.configurations == limit
    assert str(limit) in report.notes[0]
    found = report.frame.set_index("term")
    truth = answer.truth().set_index("term")
    np.testing.assert_allclose(
        found.loc[truth.index, "share"], truth["share"], atol=0.02
    )
    assert set(report.reported["term"]) == set(truth.index)


def test_the_same_seed_gives_the_same_report() -> None:
    model = ExactModel(known_answers.interacting(), doubt=0.1)
    pd.testing.assert_frame_equal(explain(model).frame, explain(model, seed=0).frame)
    other = explain(model, seed=1).frame
    assert not other["upper"].equals(explain(model).frame["upper"])


def test_effects_are_averages_over_valid_configurations_only() -> None:
    answer = known_answers.interacting()
    document = answer.space.to_dict()
    document["forbid"] = [{"d": "r", "c": {"min": 4}}]
    model = ExactModel(answer)
    model.space_ = ConfigurationSpace.from_dict(document)
    report = explain(model)
    assert report.configurations == model.space_.size()
    assert report.unexplained == pytest.approx(0, abs=1e-9)
    found = report.frame.set_index("term")["effect"]
    truth = answer.truth().set_index("term")["effect"]
    # Neither takes part in what is forbidden, so its effect is as before.
    assert found["a:b"] == pytest.approx(truth["a:b"], rel=1e-6)


def test_a_model_no_better_than_the_mean_has_nothing_reported() -> None:
    class Judgement:
        learnable = False

    model = ExactModel(known_answers.interacting())
    model.cross_validation_ = Judgement()  # type: ignore[attr-defined]
    report = explain(model)
    assert report.reported.empty
    assert report.notes[-1].startswith("no learnable signal")


def test_a_models_own_p_values_are_adjusted_and_must_agree() -> None:
    model = ExactModel(known_answers.interacting(), doubt=0.001)
    terms = explain(model).frame["term"]
    p_values = {term: 1e-6 for term in terms} | {"a": 0.03, "a:b": 0.2}
    model.p_values_ = p_values  # type: ignore[attr-defined]
    frame = explain(model).frame.set_index("term")
    assert frame.loc["a", "p_adjusted"] == pytest.approx(0.03), "the largest of six"
    assert frame.loc["a", "reported"]
    assert not frame.loc["a:b", "reported"]
    assert frame["p_adjusted"].notna().all()


def test_a_response_that_is_not_positive_is_described_on_its_own_scale() -> None:
    class Signed(ExactModel):
        def predict(self, frame):
            return self.answer.log_response(frame)

    answer = known_answers.interacting()
    report = explain(Signed(answer))
    shares = report.frame.set_index("term")["share"]
    truth = answer.truth().set_index("term")["share"]
    np.testing.assert_allclose(shares[truth.index], truth)
    assert "not above 0" in report.notes[0]


def test_a_model_that_does_not_know_its_options_is_refused() -> None:
    class Stranger:
        def predict(self, frame):
            return np.ones(len(frame))

    with pytest.raises(ModelError, match="does not know its options"):
        explain(Stranger())


def test_a_report_is_frozen() -> None:
    report = explain(ExactModel(known_answers.third_order()))
    with pytest.raises(AttributeError):
        report.unit = "s"  # type: ignore[misc]
    copy = report.to_frame()
    copy.loc[0, "term"] = "changed"
    assert report.frame.loc[0, "term"] == "a"


def test_a_constant_prediction_has_no_effects() -> None:
    answer = known_answers.KnownAnswer(
        space=known_answers.additive().space, log_mean=0.1, main={}
    )
    report = explain(ExactModel(answer, doubt=0.01))
    assert (report.frame["share"] == 0).all()
    assert report.unexplained == 0
    assert report.reported.empty


def test_a_single_option_has_a_main_effect_and_no_pair() -> None:
    space = ConfigurationSpace([known_answers.additive().space.options["frequency"]])
    answer = known_answers.KnownAnswer(
        space=space,
        log_mean=0.0,
        main={"frequency": known_answers.centred(5, 4, 3, 2, 1)},
    )
    frame = explain(ExactModel(answer, doubt=0.01)).frame
    assert frame["term"].tolist() == ["frequency"]
    assert frame["share"].tolist() == pytest.approx([1.0])
    assert frame["reported"].all()


def test_a_plain_regressor_is_refitted_to_bootstrap_samples() -> None:
    from sklearn.linear_model import LinearRegression

    from perfmodel.dataset import PerformanceDataset

    rng = np.random.default_rng(0)
    runs = pd.DataFrame({"a": rng.integers(1, 4, 40), "b": rng.integers(0, 2, 40)})
    runs["y"] = 10 + 2 * runs["a"] + rng.normal(0, 0.1, 40)
    data = PerformanceDataset.from_frame(runs, options=["a", "b"], response="y")
    model = LinearRegression().fit(data.X, data.y)
    report = explain(model, data)
    assert report.response == "y"
    assert report.reported["term"].tolist() == ["a"]
    first = report.frame.iloc[0]
    assert first["lower"] < first["effect"] < first["upper"]


@pytest.mark.parametrize("model", ["gaussian-process", "stepwise"])
def test_the_true_effects_of_the_simulated_device_are_found(model) -> None:
    from measure.devices.simulated import EffectsDevice, true_effects, true_log_latency
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.fitting import fit

    space, rng = EffectsDevice().space(), np.random.default_rng(1)
    runs = space.decode(space.sample(60, rng))
    logs = true_log_latency("resnet50", runs.to_dict("records"))
    runs["latency_s"] = np.exp(logs + rng.normal(0, 0.02, len(runs)))
    data = PerformanceDataset.from_frame(runs, space=space, response={"latency_s": "s"})
    frame = explain(fit(data, model=model), data).frame.set_index("term")
    truth = true_effects("resnet50")
    largest = [entry["term"] for entry in truth[:5]]
    assert frame.loc[largest, "reported"].all()
    assert frame.loc[largest, "sign"].tolist() == [e["sign"] for e in truth[:5]]
    inert = [
        term
        for term in frame.index
        if {"cpu_governor", "huge_pages"} & {*term.split(":")}
    ]
    assert not frame.loc[inert, "reported"].any()
    for entry in truth[:5]:
        assert frame.loc[entry["term"], "effect"] == pytest.approx(
            entry["effect"], rel=0.15
        )
