"""Verdicts: yes, no, or undecided with the runs that would decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from measure.space import ConfigurationSpace, Option
from perfmodel.encoding import Encoding
from perfmodel.influence import COLUMNS, InfluenceReport
from perfmodel.transfer.agreement import (
    judge_distribution,
    judge_invalid,
    judge_optimum,
    judge_rank,
)
from perfmodel.transfer.carried import compare_terms, judge_terms
from perfmodel.transfer.kinds import judge_shift, options_left
from perfmodel.transfer.similarity import Estimate
from perfmodel.transfer.verdicts import more_for_share, more_runs


def sides(n: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    source = rng.normal(0, 0.5, n)
    return source, source + 1 + rng.normal(0, noise, n)


@pytest.mark.parametrize("judge", [judge_rank, judge_optimum, judge_distribution])
def test_fewer_than_twenty_runs_are_undecided(judge: Any) -> None:
    found = judge(*sides(12, 0.01))
    assert found.verdict == "undecided"
    assert found.runs_needed == 8
    assert "measure 8 further configurations" in found.reason
    assert np.isfinite(found.estimate)


def test_a_factor_is_a_scale_shift() -> None:
    found = judge_shift(*sides(40, 0.03))
    assert (found.verdict, found.kind) == ("yes", "scale")
    assert found.lower < 0.03 < found.upper


def test_a_power_of_the_source_needs_a_monotone_shift() -> None:
    source, _ = sides(200, 0.0)
    target = np.sign(source) * source**2 + 0.01 * sides(200, 1.0)[1]
    assert judge_shift(source, target).kind == "monotone"


def test_an_offset_in_the_unit_of_the_response_is_a_linear_shift() -> None:
    source, noise = sides(60, 0.0)[0], sides(60, 0.01, seed=1)
    target = np.log(5 + 2 * np.exp(source)) + noise[1] - noise[0]
    assert judge_shift(source, target).kind == "linear"


def test_what_no_shift_repairs_is_none_and_names_the_options() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 2, (80, 3)).astype(float)
    space = ConfigurationSpace(
        [Option(name=name, kind="boolean") for name in ("a", "b", "c")]
    )
    source = codes[:, 0] + 0.02 * rng.standard_normal(80)
    target = source + 0.6 * codes[:, 1] + 0.02 * rng.standard_normal(80)
    found = judge_shift(source, target, codes, Encoding(space=space))
    assert (found.verdict, found.kind) == ("no", "none")
    assert [row["option"] for row in found.details["options_left"]] == ["b"]


def test_noise_leaves_no_option() -> None:
    rng = np.random.default_rng(4)
    space = ConfigurationSpace(
        [Option(name="a", levels=(1, 2, 4, 8, 16)), Option(name="b", kind="boolean")]
    )
    levels = np.array([1, 2, 4, 8, 16])[rng.integers(0, 5, 60)]
    codes = np.column_stack([levels, rng.integers(0, 2, 60)]).astype(float)
    assert options_left(rng.standard_normal(60), codes, Encoding(space=space)) == []


def test_order_and_best_carry_over_or_not() -> None:
    assert judge_rank(*sides(40, 0.1)).verdict == "yes"
    source, target = sides(60, 0.1)
    assert judge_rank(source, -target).verdict == "no"
    assert judge_optimum(*sides(400, 0.02)).verdict == "yes"
    assert judge_optimum(source, -target).details["regret"] > 1


def test_a_wide_interval_is_undecided_and_says_how_many_runs_decide() -> None:
    found = judge_rank(*sides(20, 0.5, seed=2))
    assert found.verdict == "undecided"
    assert found.runs_needed is not None and found.runs_needed > 0
    assert f"measure {found.runs_needed} further configuration" in found.reason


def test_spreads_are_equivalent_within_a_margin() -> None:
    source, target = sides(100, 0.05)
    assert judge_distribution(source, target).verdict == "yes"
    assert judge_distribution(source, 3 * target).verdict == "no"
    assert judge_distribution(source, np.ones(100)).verdict == "undecided"


def test_the_same_failures_carry_over() -> None:
    failed = np.arange(60) < 25
    found = judge_invalid(failed, failed)
    assert (found.verdict, found.details["auc"]) == ("yes", 1.0)
    assert judge_invalid(failed, ~failed).verdict == "no"
    nothing = judge_invalid(np.zeros(30, dtype=bool), np.zeros(30, dtype=bool))
    assert nothing.verdict == "undecided"
    assert "no configuration failed" in nothing.reason


def test_the_margin_itself_is_never_decided() -> None:
    at_it = Estimate(estimate=0.5, lower=0.3, upper=0.7, n=20)
    assert more_runs(at_it, 0.5) is None


def test_a_share_of_few_needs_as_many_runs_as_wilsons_interval() -> None:
    none_of_two = Estimate(estimate=0.0, lower=0.0, upper=0.66, n=28)
    assert more_for_share(none_of_two, 2, 0.5) == 28
    half = Estimate(estimate=0.5, lower=0.1, upper=0.9, n=20)
    assert more_for_share(half, 2, 0.5) is None


def influence(**terms: tuple[int, float, float, bool]) -> InfluenceReport:
    """A report of terms: sign, lower, upper, reported."""
    rows = [
        {
            "term": name.replace("__", ":"),
            "order": 1 + ("__" in name),
            "effect": (lower + upper) / 2,
            "sign": sign,
            "lower": lower,
            "upper": upper,
            "share": 0.1,
            "p_adjusted": np.nan,
            "reported": reported,
        }
        for name, (sign, lower, upper, reported) in terms.items()
    ]
    return InfluenceReport(
        frame=pd.DataFrame(rows, columns=list(COLUMNS)),
        configurations=10,
        exact=True,
        unexplained=0.0,
        environment={},
    )


SOURCE = influence(
    a=(1, 40, 60, True),
    b=(1, 40, 60, True),
    c=(1, 40, 60, True),
    d=(0, 0, 2, False),
    e=(1, 10, 20, True),
    f=(0, 0, 1, False),
    a__b=(1, 10, 20, True),
)
TARGET = influence(
    a=(1, 30, 50, True),
    b=(-1, 30, 50, True),
    c=(0, 0, 5, False),
    d=(1, 20, 30, True),
    e=(0, 0, 15, False),
    f=(0, 0, 1, False),
    a__b=(1, 10, 20, True),
)


def test_each_option_is_shared_flipped_lost_new_or_unsure() -> None:
    assert compare_terms(SOURCE, TARGET, 1) == {
        "shared": ["a"],
        "flipped": ["b"],
        "lost": ["c"],
        "new": ["d"],
        "unsure": ["e"],
    }


def test_interactions_are_compared_by_themselves() -> None:
    found = judge_terms(SOURCE, TARGET, 2)
    assert (found.verdict, found.estimate) == ("yes", 1.0)
    assert found.details["shared"] == ["a:b"]


def test_a_changed_option_is_a_no_that_names_it() -> None:
    found = judge_terms(SOURCE, TARGET, 1)
    assert found.verdict == "no"
    assert found.reason == "b flipped; c lost; d new"
    assert found.estimate == pytest.approx(0.2)


def test_an_option_that_was_not_found_on_the_target_is_unsure() -> None:
    found = judge_terms(
        influence(e=(1, 10, 20, True)), influence(e=(0, 0, 15, False)), 1, 24
    )
    assert found.verdict == "undecided"
    assert found.runs_needed is not None and found.runs_needed > 0


def test_nothing_reported_is_undecided() -> None:
    none = influence(a=(0, 0, 1, False))
    assert judge_terms(none, none, 1).verdict == "undecided"
