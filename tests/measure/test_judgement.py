"""What is said of a sweep's reference runs."""

from __future__ import annotations

from measure.judgement import describe_drift
from measure.stability import Drift


def test_an_astronomic_end_of_an_interval_is_not_spelled_out() -> None:
    found = Drift(estimate=1.05, lower=-0.94, upper=66.87, runs=4)
    assert describe_drift(found) == "+105 % (-94 % to beyond +100 %, 4 reference runs)"
    found = Drift(estimate=0.01, lower=-0.02, upper=0.04, runs=9)
    assert describe_drift(found) == "+1.0 % (-2.0 % to +4.0 %, 9 reference runs)"
