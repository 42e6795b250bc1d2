"""Adjusted p-values against statsmodels, which we do not import ourselves."""

from __future__ import annotations

import numpy as np
import pytest

from perfmodel.multiplicity import benjamini_hochberg, holm


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")]
)
def test_adjusted_p_values_are_those_of_statsmodels(seed, ours, theirs) -> None:
    from statsmodels.stats.multitest import multipletests

    p_values = np.random.default_rng(seed).random(12) ** 3
    np.testing.assert_allclose(
        ours(p_values), multipletests(p_values, method=theirs)[1]
    )


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_a_missing_p_value_stays_missing_and_counts_as_a_test(adjust) -> None:
    adjusted = adjust(np.array([0.01, np.nan]))
    np.testing.assert_allclose(adjusted, [0.02, np.nan])


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_no_tests_are_no_tests(adjust) -> None:
    assert adjust(np.array([])).shape == (0,)
