"""The cache of artefacts."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from measure.errors import RunFailed, WorkloadError
from measure.workloads.artefacts import Artefact, ArtefactCache, cache_folder
from measure.workloads.networks import Network, find_network


def write(path: Path, data: bytes) -> None:
    """Write what a builder would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    path.with_name(path.name + ".json").write_text(json.dumps(facts))


class Builder:
    """Writes what is wanted; remembers with which setting of oneDNN."""

    def __init__(self) -> None:
        self.calls: list[tuple[bool, int]] = []

    def __call__(self, target: str, job: Mapping[str, Any], onednn: bool) -> None:
        self.calls.append((onednn, len(job["wanted"])))
        for entry in job["wanted"]:
            write(Path(entry["path"]), b"content")


@pytest.fixture
def builder() -> Builder:
    return Builder()


@pytest.fixture
def cache(tmp_path: Path, builder: Builder) -> ArtefactCache:
    return ArtefactCache(builder, "1.0", tmp_path)


def graph(cache: ArtefactCache, **values: Any) -> Artefact:
    network = find_network("tcn")
    kind = values.pop("kind", "graph")
    return cache.artefact(network, "series", kind=kind, precision="float32", **values)


def test_the_cache_is_where_the_variables_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PERFMODEL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sweepscope"
    monkeypatch.setenv("PERFMODEL_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_onednn_makes_another_graph_but_the_same_tflite_file(
    cache: ArtefactCache,
) -> None:
    assert graph(cache, onednn=True).path != graph(cache, onednn=False).path
    one, other = (graph(cache, kind="tflite", onednn=on) for on in (True, False))
    assert one == other
    assert graph(cache, batch=1).path != graph(cache, batch=8).path


def test_another_runtime_has_other_artefacts(
    tmp_path: Path, builder: Builder, cache: ArtefactCache
) -> None:
    assert graph(cache).path != graph(ArtefactCache(builder, "2.0", tmp_path)).path


def test_what_is_built_is_not_missing_and_has_a_hash(
    cache: ArtefactCache, builder: Builder
) -> None:
    wanted = [graph(cache, onednn=on) for on in (True, False)]
    assert cache.missing([*wanted, *wanted]) == wanted
    assert cache.hash(wanted[0]) == ""
    cache.build(find_network("tcn"), "series", wanted)
    assert builder.calls == [(True, 1), (False, 1)]
    assert cache.missing(wanted) == []
    assert cache.hash(wanted[0]) == hashlib.sha256(b"content").hexdigest()[:32]


def test_a_truncated_artefact_counts_as_missing(cache: ArtefactCache) -> None:
    one = graph(cache)
    write(one.path, b"content")
    one.path.write_bytes(b"cont")
    assert cache.missing([one]) == [one]


def test_an_artefact_without_its_facts_counts_as_missing(cache: ArtefactCache) -> None:
    one = graph(cache)
    write(one.path, b"content")
    one.path.with_name(one.path.name + ".json").write_text("{")
    assert cache.missing([one]) == [one]


def test_what_a_killed_builder_left_is_removed_by_the_next(
    tmp_path: Path, cache: ArtefactCache
) -> None:
    folder = tmp_path / "artefacts"
    folder.mkdir()
    dead, alive = folder / ".4194305-a.pb", folder / f".{os.getpid()}-b.pb"
    for path in (dead, alive):
        path.write_text("half")
    cache.build(find_network("tcn"), "series", [graph(cache)])
    assert not dead.exists() and alive.exists()


def test_a_changed_file_has_another_artefact(tmp_path: Path, builder: Builder) -> None:
    path = tmp_path / "my.keras"
    found = []
    for content in (b"one", b"two"):
        path.write_bytes(content)
        network = Network(name=str(path), file=path, format="keras")
        cache = ArtefactCache(builder, "1.0", tmp_path)
        found.append(cache.artefact(network, "random", kind="xla").path)
    assert found[0] != found[1]


def test_a_cache_that_cannot_be_written_names_the_variable(
    tmp_path: Path, builder: Builder
) -> None:
    (tmp_path / "file").write_text("")
    cache = ArtefactCache(builder, "1.0", tmp_path / "file" / "cache")
    with pytest.raises(WorkloadError, match=r"set \$PERFMODEL_CACHE"):
        cache.build(find_network("tcn"), "series", [graph(cache)])


def test_a_failed_build_says_what_was_built(tmp_path: Path) -> None:
    def fail(target: str, job: Mapping[str, Any], onednn: bool) -> None:
        raise RunFailed("ended by SIGSEGV", final=True)

    cache = ArtefactCache(fail, "1.0", tmp_path)
    with pytest.raises(RunFailed, match="building tcn for series failed: .*SIGSEGV"):
        cache.build(find_network("tcn"), "series", [graph(cache)])
