"""Records compare by value and round-trip through plain data."""

from __future__ import annotations

import json
import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.configuration import Configuration
from measure.errors import EnvironmentMismatch
from measure.records import (
    Conditions,
    Environment,
    Plan,
    PlannedRun,
    Reading,
    Run,
)

WORDS = st.text(max_size=8)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
LEVELS = st.booleans() | st.integers(-(2**60), 2**60) | FINITE | WORDS

environments = st.builds(
    Environment,
    device=WORDS,
    network=WORDS,
    workload=WORDS,
    version=WORDS,
    fingerprint=st.dictionaries(WORDS, WORDS, max_size=3),
)
configurations = st.dictionaries(WORDS, LEVELS, max_size=4).map(Configuration)
readings = st.builds(
    Reading,
    name=WORDS,
    value=st.none() | FINITE | st.just(math.nan),
    unit=WORDS,
    uncertainty=st.none() | FINITE,
    reason=WORDS,
)
conditions = st.builds(
    Conditions,
    load_1min=st.none() | FINITE,
    temperature_c=st.dictionaries(WORDS, FINITE, max_size=2),
    turbo=st.none() | st.booleans(),
    cores=st.dictionaries(WORDS, st.integers(0, 64), max_size=2),
    missing=st.dictionaries(WORDS, WORDS, max_size=2),
)
runs = st.builds(
    Run,
    run_id=WORDS,
    sweep_id=WORDS,
    environment=environments,
    configuration=configurations,
    role=st.sampled_from(["design", "reference"]),
    order=st.integers(0, 10**6),
    slot=st.none() | st.integers(0, 10**6),
    whole_plot=st.none() | st.integers(0, 9),
    status=st.sampled_from(["done", "failed"]),
    started_at=WORDS,
    readings=st.lists(readings, max_size=3),
    raw=st.dictionaries(WORDS, st.lists(FINITE, max_size=3), max_size=2),
    read_back=st.dictionaries(WORDS, st.none() | LEVELS, max_size=3),
    conditions=conditions,
    flags=st.lists(WORDS, max_size=2),
)
plans = st.builds(
    Plan,
    sweep_id=WORDS,
    created_at=WORDS,
    device=WORDS,
    space=st.dictionaries(WORDS, st.dictionaries(WORDS, LEVELS), max_size=2),
    reference=configurations,
    design=st.dictionaries(WORDS, LEVELS, max_size=2),
    protocol=st.dictionaries(WORDS, LEVELS, max_size=2),
    seed=st.integers(0, 2**32),
    runs=st.lists(
        st.builds(
            PlannedRun, network=WORDS, workload=WORDS, configuration=configurations
        ),
        max_size=3,
    ),
    environments=st.lists(environments, max_size=2),
)


@given(runs)
@settings(max_examples=80, deadline=None)
def test_a_run_round_trips(run: Run) -> None:
    assert Run.from_dict(json.loads(json.dumps(run.to_dict()))) == run
    assert pickle.loads(pickle.dumps(run)) == run
    assert hash(run) == hash(pickle.loads(pickle.dumps(run)))


@given(plans)
@settings(max_examples=80, deadline=None)
def test_a_plan_round_trips(plan: Plan) -> None:
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


@given(environments, environments)
@settings(max_examples=80, deadline=None)
def test_environments_share_a_key_only_if_they_match(
    one: Environment, other: Environment
) -> None:
    assert (one.key == other.key) is (one == other)
    if one != other:
        with pytest.raises(EnvironmentMismatch):
            one.require_match(other)
    one.require_match(one)


def test_a_mismatch_says_what_differs_and_how_to_go_on() -> None:
    one = Environment(
        device="host",
        network="tcn",
        workload="series",
        version="v",
        fingerprint={"kernel": "6.1"},
    )
    other = Environment.from_dict({**one.to_dict(), "fingerprint": {"kernel": "6.2"}})
    with pytest.raises(EnvironmentMismatch, match="kernel is '6.1' here and '6.2'"):
        one.require_match(other)


def test_a_missing_response_is_nan_and_keeps_its_reason() -> None:
    reading = Reading(name="energy_j", value=math.nan, unit="J", reason="no sensor")
    run = Run(
        run_id="r",
        sweep_id="s",
        environment=Environment(device="d", network="n", workload="w", version="v"),
        configuration=Configuration({}),
        role="design",
        order=0,
        status="done",
        started_at="2026-01-01T00:00:00Z",
        readings=(reading,),
    )
    assert reading.value is None and reading.reason == "no sensor"
    assert math.isnan(run.response("energy_j"))
    assert math.isnan(run.response("unknown"))


def test_keys_of_a_later_version_are_left_out() -> None:
    assert Reading.from_dict(
        {"name": "latency_s", "value": 1.0, "unit": "s", "later": 1}
    ) == Reading(name="latency_s", value=1.0, unit="s")
