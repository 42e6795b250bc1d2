"""Energy as it is measured on a simulated board, against its truth."""

from __future__ import annotations

import pytest

from benchmarks.simulator.coverage import coverage


@pytest.mark.parametrize(("period_s", "windows"), [(0.422, 150), (0.0066, 60)])
def test_the_stated_interval_of_net_energy_holds_the_truth(
    period_s: float, windows: int
) -> None:
    """In 93 to 97 % of many windows: fewer of them allow for some chance."""
    found = coverage(period_s, windows, seed=1)
    assert 88.0 <= found["net energy covered %"] <= 100.0
    assert 88.0 <= found["gross energy covered %"] <= 100.0
    assert abs(found["mean error, in u"]) < 0.35
