"""Spaces count, draw, check and round-trip what the options allow."""

from __future__ import annotations

import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.errors import LevelError, SpaceError
from measure.options import Option
from measure.space import Configuration, ConfigurationSpace
from tests.strategies import spaces

BOARD = """\
options:
  cpu_freq_hz:
    kind: numeric
    unit: Hz
    levels: [102000000, 204000000, 306000000]
    default: 306000000
  gpu_freq_hz: {kind: numeric, range: [76800000, 998400000], count: 5, scale: log}
  backend:     {kind: categorical, levels: [graph, xla, tflite], change_cost_s: 5}
  xnnpack:     {kind: boolean}
forbid:
  - {backend: graph, xnnpack: true}
  - {cpu_freq_hz: {max: 204000000}, backend: [xla, tflite]}
"""


def brute_force(space: ConfigurationSpace) -> list[tuple[int, ...]]:
    """Valid rows by testing every row of the full product, item by item."""
    found = []
    for row in itertools.product(*(range(len(o.levels)) for o in space.options)):
        levels = {o.name: o.levels[i] for o, i in zip(space.options, row, strict=True)}
        hit = False
        for item in space.forbid:
            hit |= all(
                bool(c.mask(space.options[c.option])[row[space.names.index(c.option)]])
                for c in item.conditions
            )
        assert space.is_valid(levels) is not hit
        if not hit:
            found.append(row)
    return found


@given(spaces())
@settings(max_examples=60, deadline=None)
def test_counting_and_numbering_agree_with_brute_force(
    space: ConfigurationSpace,
) -> None:
    expected = brute_force(space)
    assert space.size() == len(expected)
    assert [tuple(row) for row in space.all_rows()] == expected
    ranks = range(space.size())
    assert [tuple(row) for row in space.unrank(ranks)] == expected
    assert space.is_valid(space.reference())


@given(spaces(), st.sampled_from(["space.yaml", "space.json"]))
@settings(max_examples=60, deadline=None)
def test_a_space_round_trips_through_its_file(
    tmp_path_factory: pytest.TempPathFactory, space: ConfigurationSpace, name: str
) -> None:
    path = tmp_path_factory.mktemp("space") / name
    space.to_file(path)
    again = ConfigurationSpace.from_file(path)
    assert again == space and hash(again) == hash(space)
    assert [o.levels for o in again.options] == [o.levels for o in space.options]
    assert (
        ConfigurationSpace.from_dict(json.loads(json.dumps(space.to_dict()))) == space
    )


@given(spaces(), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_levels_round_trip_through_indices(
    space: ConfigurationSpace, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = space.sample(min(7, space.size()), rng)
    assert space.valid(rows).all()
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert np.array_equal(space.encode(space.decode(rows)), rows)


def test_drawing_is_uniform_over_the_valid_configurations(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(BOARD)
    space = ConfigurationSpace.from_file(path)
    rows = space.sample(200 * space.size(), np.random.default_rng(1), replace=True)
    _, counts = np.unique(rows, axis=0, return_counts=True)
    assert len(counts) == space.size()
    chi_square = float(((counts - 200) ** 2 / 200).sum())
    assert chi_square < space.size() + 5 * np.sqrt(2 * space.size())


def test_a_huge_constrained_space_is_counted_and_drawn_from() -> None:
    options = [Option(name=f"o{i}", levels=tuple(range(17))) for i in range(40)]
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                o.name: {"kind": "numeric", "levels": list(o.levels)} for o in options
            },
            "forbid": [
                {f"o{i}": {"min": 1}, f"o{i + 1}": {"min": 1}} for i in range(39)
            ],
        }
    )
    assert space.size() > 17**20
    rows = space.sample(50, np.random.default_rng(0))
    assert space.valid(rows).all()


def test_the_documented_board_space_is_read(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(BOARD)
    space = ConfigurationSpace.from_file(path)
    assert space.options["gpu_freq_hz"].levels[0] == 76_800_000
    assert space.options["backend"].change_cost_s == 5.0
    # Of 3 x 5 x 6 rows, graph with xnnpack loses 15 and the low clocks 4 x 2 x 5.
    assert space.size() == 90 - 15 - 40
    assert space.reference()["cpu_freq_hz"] == 306_000_000


def test_numbers_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("options: {f: {kind: numeric, levels: [1e9, 2e9, 3.5]}}\n")
    assert ConfigurationSpace.from_file(path).options["f"].levels == (
        1_000_000_000,
        2_000_000_000,
        3.5,
    )


A = "options: {a: {kind: numeric, levels: [1, 2]}, b: {kind: boolean}}\n"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("options: {a: {kind: numeric, levels: [1, 2], lvls: 3}}", ["lvls", "levels"]),
        ("choices: {}", ["choices", "options, forbid"]),
        ("options: {a: {kind: numeric, levels: [1]}}", ["1 level;", "two or more"]),
        ("options: {a: {kind: numeric, levels: [1, 2, 1.0]}}", ["level 1", "twice"]),
        ("options: {a: {kind: text, levels: [1, 2]}}", ["'text'", "numeric"]),
        ("options: {a: {kind: categorical, levels: [on, x]}}", ["quote it"]),
        ("options: {a: {kind: categorical, levels: [null, x]}}", ["quote it"]),
        ("options: {a: {kind: numeric, levels: [1, fast]}}", ["'fast'", "number"]),
        ("options: {a: {kind: numeric, levels: [1, .nan]}}", ["nan", "number"]),
        ("options: {a: {kind: numeric, range: [1, 2]}}", ["range and count"]),
        ("options: {a: {kind: numeric, range: [0, 2], count: 3, scale: log}}", ["log"]),
        ("options: {a: {kind: numeric, levels: [1, 2], default: 3}}", ["no level 3"]),
        ("options: {a: {kind: boolean}, a: {kind: boolean}}", ["'a'", "twice"]),
        ("options: [a, b]", ["options must map"]),
        ("- a", ["mapping"]),
        ("", ["mapping"]),
        ("options: {a: {kind: numeric, levels: [1, 2}", ["not YAML"]),
        (A + "forbid: [{c: 1}]", ["'c'", "a, b"]),
        (A + "forbid: [{a: 3}]", ["no level 3", "1, 2"]),
        (A + "forbid: [{a: {min: 5}}]", ["matches none"]),
        (A + "forbid: [{b: {min: 1}}]", ["boolean", "numeric"]),
        (A + "forbid: [{a: {from: 1}}]", ["{min: .., max: ..}"]),
        (A + "forbid: {a: 1}", ["must be a list"]),
        (A + "forbid: [{a: 1}, {a: 2}]", ["leave no configuration"]),
    ],
)
def test_a_bad_space_file_is_refused_in_one_line_with_its_place(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(SpaceError) as caught:
        ConfigurationSpace.from_file(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    for part in parts:
        assert part in message


def test_an_error_names_the_line_of_the_entry(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("options:\n  a: {kind: boolean}\n  b:\n    kind: wide\n")
    with pytest.raises(SpaceError, match=r"space\.yaml:4: options\.b\.kind: "):
        ConfigurationSpace.from_file(path)


def test_a_json_file_with_a_key_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "space.json"
    path.write_text('{"options": {"a": {}, "a": {}}}')
    with pytest.raises(SpaceError, match="stands twice"):
        ConfigurationSpace.from_file(path)
    path.write_text('{"options": ')
    with pytest.raises(SpaceError, match="not JSON"):
        ConfigurationSpace.from_file(path)
    with pytest.raises(SpaceError, match="cannot be read"):
        ConfigurationSpace.from_file(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("option", "given_", "level"),
    [
        (Option(name="a", levels=(1, 8)), "8.0", 8),
        (Option(name="a", levels=(1, 8)), np.int64(8), 8),
        (Option(name="a", levels=(0.5, 8)), 0.5, 0.5),
        (Option(name="a", kind="boolean"), "TRUE", True),
        (Option(name="a", kind="boolean"), np.bool_(False), False),
        (Option(name="a", levels=("0", "fast")), 0, "0"),
        (Option(name="a", levels=("None", "NA")), "None", "None"),
    ],
)
def test_a_level_is_found_however_it_is_spelled(
    option: Option, given_: object, level: object
) -> None:
    found = option.check(given_)
    assert found == level and type(found) is type(level)


@pytest.mark.parametrize("value", [3, "x", None, True, float("nan"), [1]])
def test_what_is_no_level_is_refused(value: object) -> None:
    with pytest.raises(LevelError, match="choose one of 1, 8"):
        Option(name="a", levels=(1, 8)).check(value)


def test_the_reference_is_the_default_then_the_device_then_the_middle() -> None:
    space = ConfigurationSpace(
        [
            Option(name="a", levels=(1, 2, 3), default=1),
            Option(name="b", levels=(1, 2, 3)),
            Option(name="c", levels=(10, 20, 30, 40)),
            Option(name="d", levels=("x", "y")),
        ]
    )
    current = {"a": 3, "b": 3, "c": 25, "d": "y"}
    assert dict(space.reference()) == {"a": 1, "b": 2, "c": 20, "d": "x"}
    assert dict(space.reference(current)) == {"a": 1, "b": 3, "c": 20, "d": "y"}


def test_a_forbidden_reference_gives_way_to_the_nearest_valid_one() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "a": {"kind": "numeric", "levels": [1, 2, 3, 4, 5]},
                "b": {"kind": "boolean"},
            },
            "forbid": [{"a": {"min": 2, "max": 4}, "b": False}, {"b": True, "a": 3}],
        }
    )
    assert dict(space.reference()) == {"a": 1, "b": False}


def test_holding_an_option_leaves_the_space_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(BOARD)
    space = ConfigurationSpace.from_file(path)
    held = space.restrict({"backend": "graph"})
    assert held.names == ("cpu_freq_hz", "gpu_freq_hz", "xnnpack")
    assert held.size() == 15
    with pytest.raises(SpaceError):
        space.restrict({"backend": "graph", "xnnpack": True})


def test_snapping_moves_levels_to_what_the_device_has() -> None:
    wished = Option(name="f", range=(1.0, 9.0), count=5, unit="Hz", default=5.0)
    snapped = wished.snapped([1, 2, 4, 8])
    assert snapped.levels == (1, 2, 4, 8) and snapped.default == 4


def test_configurations_compare_by_value_and_travel() -> None:
    one = Configuration({"a": 1, "b": "x"})
    assert one == {"b": "x", "a": 1}
    assert pickle.loads(pickle.dumps(one)) == one
    assert len({one, Configuration({"b": "x", "a": 1})}) == 1


def test_a_space_that_has_counted_travels() -> None:
    space = ConfigurationSpace([Option(name="a", levels=(1, 2))])
    assert space.size() == 2
    assert pickle.loads(pickle.dumps(space)) == space


def test_encoding_names_the_row_of_an_unknown_level() -> None:
    space = ConfigurationSpace([Option(name="a", levels=(1, 2))])
    with pytest.raises(LevelError, match="row 1: option 'a' has no level 5"):
        space.encode(pd.DataFrame({"a": [1, 5]}))
    with pytest.raises(SpaceError, match="no column 'a'; columns are b"):
        space.encode(pd.DataFrame({"b": [1]}))


def test_more_distinct_configurations_than_there_are_is_refused() -> None:
    space = ConfigurationSpace([Option(name="a", levels=(1, 2))])
    with pytest.raises(SpaceError, match="3 distinct configurations of 2"):
        space.sample(3, np.random.default_rng(0))
