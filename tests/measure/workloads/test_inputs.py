"""Inputs that installed packages carry."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from measure.errors import WorkloadError
from measure.workloads import inputs


def test_there_are_three_photographs_and_two_series() -> None:
    assert [path.suffix for path in inputs.photographs()] == [".jpg"] * 3
    assert [len(values) for values in inputs.series()] == [732, 309]
    for values in inputs.series():
        assert values.mean() == pytest.approx(0, abs=1e-5)
        assert values.std() == pytest.approx(1, abs=1e-5)


def test_windows_differ_and_are_finite() -> None:
    cut = inputs.windows(192, 8)
    assert cut.shape == (8, 192, 1) and cut.dtype == np.float32
    assert np.isfinite(cut).all()
    assert len({window.tobytes() for window in cut}) == 8


def test_finding_files_imports_no_package_that_carries_them() -> None:
    program = (
        "import sys; from measure.workloads import inputs; inputs.photographs(); "
        "inputs.series(); print([m for m in ('sklearn', 'matplotlib', 'statsmodels', "
        "'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert done.stdout.strip() == b"[]", done.stderr


def test_a_missing_file_is_told_with_what_to_install() -> None:
    with pytest.raises(WorkloadError, match="install nothing-carries-this"):
        inputs.find_file("no_such_package", "a.jpg", "nothing-carries-this")


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_random_values_have_the_type_asked_for_and_come_back_with_the_seed(
    dtype: str,
) -> None:
    one, same = (inputs.random_values((2, 3), dtype, 7) for _ in range(2))
    assert one.dtype == dtype and (one == same).all()
