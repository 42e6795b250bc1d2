"""Regular two-level fractions."""

from __future__ import annotations

from functools import reduce
from itertools import combinations, compress
from operator import xor

import numpy as np
import pytest

from measure.designs.fractional import (
    choose_columns,
    fractional_factorial,
    resolution_of,
    signs_of,
)
from measure.errors import DesignError
from measure.space import ConfigurationSpace

ROMAN = {3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII"}


def space_of(k: int) -> ConfigurationSpace:
    return ConfigurationSpace.from_dict(
        {"options": {f"x{i}": {"kind": "boolean"} for i in range(k)}}
    )


def by_brute_force(signs: np.ndarray, most: int = 8) -> int | None:
    """The fewest columns whose product is constant, all products formed."""
    runs, k = signs.shape
    weights = [1 << run for run in range(runs)]
    codes = [sum(compress(weights, column < 0)) for column in signs.T]
    constant = {0, (1 << runs) - 1}
    for size in range(1, min(k, most) + 1):
        for chosen in combinations(codes, size):
            if reduce(xor, chosen) in constant:
                return size
    return None


@pytest.mark.parametrize("m", range(2, 11))
def test_the_claimed_resolution_is_that_of_all_products(m: int) -> None:
    # To 64 runs any number of options that a fraction serves, above some.
    numbers = range(m + 1, 2**m) if m <= 6 else range(m + 1, m + 9)
    for k in numbers:
        signs = signs_of(choose_columns(k, m), m)
        resolution = by_brute_force(signs)
        assert resolution_of(signs) == resolution
        wide = signs.astype(int)
        assert (wide.T @ wide == 2**m * np.eye(k)).all()
        if k > 2:
            design = fractional_factorial(space_of(k), 2**m)
            shown = ROMAN.get(resolution or 0, "above VIII")
            assert design.notes[0].startswith(f"resolution {shown}, ")


# (options, runs): resolution, as in the table of Box, Hunter and Hunter.
KNOWN = {
    (4, 8): 4,
    (7, 8): 3,
    (5, 16): 5,
    (6, 16): 4,
    (8, 16): 4,
    (15, 16): 3,
    (6, 32): 6,
    (9, 32): 4,
    (16, 32): 4,
    (7, 64): 7,
    (8, 64): 5,
    (9, 128): 6,
}


@pytest.mark.parametrize(("size", "resolution"), KNOWN.items())
def test_the_highest_resolution_known_is_reached(
    size: tuple[int, int], resolution: int
) -> None:
    k, runs = size
    assert (
        resolution_of(
            signs_of(choose_columns(k, runs.bit_length() - 1), runs.bit_length() - 1)
        )
        == resolution
    )


@pytest.mark.parametrize(
    ("k", "resolution", "runs"),
    [(7, 3, 8), (5, 4, 16), (8, 4, 16), (9, 4, 32), (15, 4, 32), (8, 5, 64)],
)
def test_the_fewest_runs_of_a_resolution_are_taken(
    k: int, resolution: int, runs: int
) -> None:
    assert fractional_factorial(space_of(k), resolution=resolution).runs == runs


def test_what_cannot_be_is_refused_with_what_can() -> None:
    with pytest.raises(DesignError, match="no 12 runs for 5 options; choose one of 8"):
        fractional_factorial(space_of(5), 12)
    with pytest.raises(DesignError, match="no 4 runs for 5 options"):
        fractional_factorial(space_of(5), 4)
    with pytest.raises(DesignError, match="resolution 9; choose 3 to 8"):
        fractional_factorial(space_of(5), resolution=9)
    with pytest.raises(DesignError, match="resolution 5 for 7 options takes more"):
        fractional_factorial(space_of(7), 16, resolution=5)
    constrained = ConfigurationSpace(
        space_of(3).options,
        ConfigurationSpace.from_dict(
            {
                "options": {"x0": {"kind": "boolean"}, "x1": {"kind": "boolean"}},
                "forbid": [{"x0": True, "x1": True}],
            }
        ).forbid,
    )
    with pytest.raises(DesignError, match="forbidden configuration .*d-optimal"):
        fractional_factorial(constrained, 4)


def test_a_full_factorial_is_called_so() -> None:
    design = fractional_factorial(space_of(3), 8)
    assert design.notes == ("the full two-level factorial",)
    assert not design.frame.duplicated().any()
