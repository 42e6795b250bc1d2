"""Rows dealt into folds; those that share a measurement are never parted."""

from __future__ import annotations

import numpy as np

from perfmodel.folds import by_group, deal, drawn_rows, split_folds, unlike

TWINS = np.array([0, 1, 2, 1, 4, 5, 4, 4, 8, 9])


def test_folds_are_disjoint_and_hold_every_row() -> None:
    folds = split_folds(23, 5, np.random.default_rng(0))
    assert sorted(np.concatenate(folds).tolist()) == list(range(23))
    assert {len(fold) for fold in folds} == {4, 5}


def test_there_are_no_more_folds_than_rows() -> None:
    assert len(split_folds(4, 10, np.random.default_rng(0))) == 4


def test_rows_of_one_measurement_are_in_one_fold_of_every_deal() -> None:
    for folds in deal(len(TWINS), 4, 5, seed=0, groups=TWINS):
        assert sorted(np.concatenate(folds).tolist()) == list(range(len(TWINS)))
        for fold in folds:
            assert set(TWINS[fold]).isdisjoint(np.delete(TWINS, fold))


def test_a_bootstrap_draws_whole_measurements() -> None:
    rows = drawn_rows(len(TWINS), np.random.default_rng(0), TWINS)
    counts = np.bincount(rows, minlength=len(TWINS))
    assert counts[1] == counts[3]
    assert counts[4] == counts[6] == counts[7]


def test_rows_unlike_some_share_no_measurement_with_them() -> None:
    assert unlike(len(TWINS), np.array([3, 4]), TWINS).tolist() == [0, 2, 5, 8, 9]
    assert unlike(4, np.array([3])).tolist() == [0, 1, 2]


def test_what_belongs_to_one_measurement_is_averaged() -> None:
    assert by_group([1.0, 3.0, 5.0], np.array([2, 2, 0])).tolist() == [5.0, 2.0]
    assert by_group([1.0, 3.0], None).tolist() == [1.0, 3.0]
