"""Directions and constraints as users write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from measure.errors import LevelError
from measure.space import ConfigurationSpace, Option
from perfmodel.constraints import direction, parse_constraint
from perfmodel.errors import SelectionError

RESPONSES = ["latency_s", "throughput_hz", "accuracy"]
SPACE = ConfigurationSpace(
    [
        Option(name="threads", levels=(1, 2, 4)),
        Option(name="backend", levels=("graph", "xla")),
        Option(name="xnnpack", levels=(False, True)),
    ]
)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("latency_s", ("latency_s", False)),
        ("throughput_hz", ("throughput_hz", True)),
        ("accuracy", ("accuracy", True)),
        ("-accuracy", ("accuracy", False)),
        ("+latency_s", ("latency_s", True)),
    ],
)
def test_less_is_better_but_of_throughput_and_accuracy(word, meant) -> None:
    assert direction(word, RESPONSES) == meant


def test_an_unknown_response_is_answered_with_those_there_are() -> None:
    with pytest.raises(SelectionError, match="no response 'power'.*latency_s, thr"):
        direction("power", RESPONSES)


@pytest.mark.parametrize(
    ("text", "shown", "is_option"),
    [
        ("latency_s<=0.05", "latency_s<=0.05", False),
        (" latency_s < 5e-2 ", "latency_s<0.05", False),
        ("threads>=2", "threads>=2", True),
        ("threads==2", "threads=2", True),
        ("backend != xla", "backend!=xla", True),
        ("xnnpack=TRUE", "xnnpack=true", True),
    ],
)
def test_a_constraint_bounds_a_response_or_an_option(text, shown, is_option) -> None:
    constraint = parse_constraint(text, RESPONSES, SPACE)
    assert str(constraint) == shown
    assert constraint.is_option == is_option


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latency_s", "cannot be read"),
        ("latency_s<=fast", "number in SI units"),
        ("latency_s=0.05", "bounded by <="),
        ("power_w<=5", "no response or option 'power_w'"),
        ("backend<=xla", "not numeric"),
        ("threads<=many", "not a number"),
    ],
)
def test_a_constraint_that_cannot_be_meant_says_what_is_allowed(text, message) -> None:
    with pytest.raises(SelectionError, match=message):
        parse_constraint(text, RESPONSES, SPACE)


def test_a_level_that_is_not_there_is_refused() -> None:
    with pytest.raises(LevelError, match="no level '3'; choose one of 1, 2, 4"):
        parse_constraint("threads=3", RESPONSES, SPACE)


def test_a_prediction_keeps_a_bound_if_the_worse_end_of_its_interval_does() -> None:
    frame = pd.DataFrame(
        {
            "latency_s": [0.04, 0.04, 0.04],
            "latency_s_lower": [np.nan, 0.03, 0.03],
            "latency_s_upper": [np.nan, 0.045, 0.06],
        }
    )
    upper = parse_constraint("latency_s<=0.05", RESPONSES, SPACE)
    assert upper.holds(frame).tolist() == [True, True, False]
    lower = parse_constraint("latency_s>=0.035", RESPONSES, SPACE)
    assert lower.holds(frame).tolist() == [True, False, False]
