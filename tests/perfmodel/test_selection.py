"""Words that select environments."""

from __future__ import annotations

import pytest

from perfmodel.errors import SelectionError
from perfmodel.selection import (
    match_environments,
    pair_environments,
)

PLACES = [
    {"device": device, "network": network, "workload": workload}
    for device in ("tx1", "tx2")
    for network in ("resnet50", "mobilenetv2", "mobilenetv1")
    for workload in ("images", "images-64")
]
ONE_DEVICE = [place for place in PLACES if place["device"] == "tx1"]


def test_an_exact_value_wins_over_a_prefix() -> None:
    found = match_environments(PLACES, "images")
    assert {place["workload"] for place in found} == {"images"}


def test_a_prefix_of_one_value_selects_it() -> None:
    found = match_environments(PLACES, "resnet")
    assert {place["network"] for place in found} == {"resnet50"}


@pytest.mark.parametrize("words", ["tx1/resnet/images", "device=tx1/resnet50/images"])
def test_parts_are_joined_by_a_slash(words: str) -> None:
    assert match_environments(PLACES, words) == [PLACES[0]]


def test_columns_can_be_named() -> None:
    found = match_environments(PLACES, "network=resnet,workload=images")
    assert found == [PLACES[0], PLACES[6]]


def test_a_value_with_a_slash_in_it_is_one_part() -> None:
    assert len(match_environments([{"network": "a/b"}, {"network": "a"}], "a/b")) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("mobilenet", "'mobilenet' fits network=mobilenetv2, network=mobilenetv1; say"),
        ("vgg", "'vgg' is no environment; there are device: tx1, tx2; network: "),
        ("board=tx1", "no environment column 'board'; choose one of device, network"),
        ("tx1/tx2", "names two values of device: tx1 and tx2"),
        ("tx1//images", "has an empty part"),
    ],
)
def test_words_that_are_not_one_thing_are_errors_that_list(
    words: str, message: str
) -> None:
    with pytest.raises(SelectionError, match=message):
        match_environments(PLACES, words)


def test_a_word_that_fits_two_columns_is_an_error() -> None:
    with pytest.raises(SelectionError, match="fits board=tx1, network=tx1net"):
        match_environments([{"board": "tx1", "network": "tx1net"}], "tx")


def test_parts_that_never_go_together_are_an_error() -> None:
    with pytest.raises(SelectionError, match="no environment is 'tx2/b'; there are"):
        match_environments([{"d": "tx1", "n": "b"}, {"d": "tx2", "n": "a"}], "tx2/b")


def test_a_table_without_environment_columns_selects_nothing() -> None:
    with pytest.raises(SelectionError, match="no environment columns"):
        match_environments([{}], "resnet")


def test_pairs_agree_in_columns_that_neither_names() -> None:
    pairs = pair_environments(ONE_DEVICE, ["resnet"], "mobilenetv2")
    assert [pair.target["workload"] for pair in pairs] == ["images", "images-64"]
    for pair in pairs:
        assert pair.sources[0] == {**pair.target, "network": "resnet50"}


def test_all_means_every_other_environment_that_agrees() -> None:
    (pair,) = pair_environments(PLACES, ["all"], "tx1/mobilenetv2/images")
    assert len(pair.sources) == len(PLACES) - 1
    pairs = pair_environments(PLACES, ["all"], "mobilenetv2")
    assert [len(pair.sources) for pair in pairs] == [2, 2, 2, 2]


def test_what_is_left_open_with_several_values_is_an_error_that_lists() -> None:
    with pytest.raises(
        SelectionError, match="leave device of the source open: tx1, tx2"
    ):
        pair_environments(PLACES, ["resnet"], "tx2/mobilenetv2")
    with pytest.raises(
        SelectionError, match="leave device of the target open: tx1, tx2"
    ):
        pair_environments(PLACES, ["tx1/resnet"], "mobilenetv2")


def test_an_environment_is_not_its_own_source() -> None:
    with pytest.raises(SelectionError, match="is both source and target"):
        pair_environments(ONE_DEVICE, ["resnet"], "resnet50")


def test_several_sources_of_one_target_stand_together() -> None:
    pairs = pair_environments(ONE_DEVICE, ["resnet", "mobilenetv1"], "mobilenetv2")
    assert [len(pair.sources) for pair in pairs] == [2, 2]
