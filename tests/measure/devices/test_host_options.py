"""Which options a machine has, and what excludes what."""

from __future__ import annotations

import os

import pytest

from measure.devices import machine
from measure.devices.host_options import (
    forbidden,
    host_offers,
    refuse_impossible,
    usual_names,
)
from measure.errors import RunFailed
from measure.space import ConfigurationSpace
from measure.terms import model_terms

ALL = frozenset({"sse4_1", "avx2", "avx512f", "avx512_bf16"})


@pytest.fixture(autouse=True)
def a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six cores, all instruction sets."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(6)))
    monkeypatch.setattr(machine, "cpu_flags", lambda: ALL)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


def usual_space() -> ConfigurationSpace:
    offers = host_offers()
    options = [offers[name].option for name in usual_names(offers)]
    assert None not in options
    known = [option for option in options if option is not None]
    return ConfigurationSpace(known, forbidden(known))


def test_threads_go_to_the_number_of_cores_in_the_affinity_mask() -> None:
    assert host_offers()["threads"].levels == (1, 2, 4, 6)


def test_one_core_leaves_no_choice_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    offer = host_offers()["threads"]
    assert (offer.available, offer.levels) == (False, (1,))
    assert "one core" in offer.reason


@pytest.mark.parametrize(
    ("flags", "isa", "precision"),
    [
        (ALL, ("SSE41", "AVX2", "default"), ("float32", "bfloat16", "int8_dynamic")),
        ({"sse4_1", "avx2"}, ("SSE41", "default"), ("float32", "int8_dynamic")),
        ({"sse4_1"}, (), ("float32", "int8_dynamic")),
    ],
)
def test_only_what_the_cpu_has_is_offered(
    monkeypatch: pytest.MonkeyPatch,
    flags: frozenset[str],
    isa: tuple[str, ...],
    precision: tuple[str, ...],
) -> None:
    monkeypatch.setattr(machine, "cpu_flags", lambda: frozenset(flags))
    offers = host_offers()
    assert offers["isa"].levels == isa
    assert offers["precision"].levels == precision
    assert offers["isa"].available is bool(isa)


def test_an_arm_machine_has_no_switch_for_onednn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    offers = host_offers()
    assert not offers["onednn"].available and "aarch64" in offers["onednn"].reason
    assert not offers["isa"].available
    assert usual_names(offers) == ["backend", "threads", "batch_size", "precision"]


def test_the_reference_is_tensorflow_as_it_comes() -> None:
    assert dict(usual_space().reference()) == {
        "backend": "graph",
        "threads": 6,
        "batch_size": 1,
        "precision": "float32",
        "onednn": True,
        "isa": "default",
    }


def test_what_is_valid_is_exactly_what_is_not_refused() -> None:
    space = usual_space()
    free = ConfigurationSpace(space.options)
    for row in free.decode(free.all_rows()).to_dict("records"):
        try:
            refuse_impossible(row)
            possible = True
        except RunFailed:
            possible = False
        assert space.is_valid(row) is possible, row


def test_every_level_is_in_a_valid_configuration() -> None:
    space = usual_space()
    table = space.decode(space.all_rows())
    for option in space.options:
        assert set(table[option.name]) == set(option.levels)


def test_all_main_effects_can_be_estimated() -> None:
    terms = model_terms(usual_space(), "main")
    assert not terms.left_out
    assert len(terms.terms) == 7
