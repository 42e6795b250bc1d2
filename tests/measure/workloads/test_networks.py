"""Names, beginnings of names, files and sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from measure.errors import WorkloadError
from measure.workloads.networks import (
    check_workload,
    find_network,
    image_size,
    workload_of,
)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("resnet50", "resnet50"),
        ("resnet", "resnet50"),
        ("mobile", "mobilenetv2"),
        ("t", "tcn"),
    ],
)
def test_a_name_or_an_unambiguous_beginning_names_a_network(
    word: str, name: str
) -> None:
    assert find_network(word).name == name


def test_a_beginning_of_several_names_is_refused_with_all_of_them() -> None:
    with pytest.raises(WorkloadError, match="could be resnet50, resnet50v2"):
        find_network("resn", ("resnet50", "resnet50v2"))


@pytest.mark.parametrize("word", ["alexnet", "", "resnet50x"])
def test_an_unknown_network_is_refused_with_the_known_ones(word: str) -> None:
    with pytest.raises(WorkloadError, match="choose from resnet50, mobilenetv2, tcn"):
        find_network(word)


def test_a_file_is_a_network_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "my.tflite"
    path.write_bytes(b"x")
    found = find_network(str(path))
    assert (found.name, found.file, found.format) == (str(path), path, "tflite")
    with pytest.raises(WorkloadError, match="no such file"):
        find_network(str(tmp_path / "other.keras"))


def test_images_of_any_size_fit_and_a_series_does_not() -> None:
    network = find_network("resnet50")
    check_workload(network, "images")
    check_workload(network, "images-96")
    with pytest.raises(WorkloadError, match="choose from images, images-128, images-N"):
        check_workload(network, "series")
    with pytest.raises(WorkloadError, match="'tcn' has no workload 'images'"):
        check_workload(find_network("tcn"), "images")


@pytest.mark.parametrize("word", ["images-8", "images-99999"])
def test_a_size_out_of_range_is_refused(word: str) -> None:
    with pytest.raises(WorkloadError, match="choose 32 to 2048 pixels"):
        image_size(word)


@pytest.mark.parametrize("word", ["images-", "images-0", "images-x", "images-96x"])
def test_what_is_no_size_is_no_image(word: str) -> None:
    assert image_size(word) is None


@pytest.mark.parametrize(
    ("shape", "dtype", "workload"),
    [
        ((224, 224, 3), "float32", "images"),
        ((96, 96, 3), "uint8", "images-96"),
        ((96, 64, 3), "float32", "random"),
        ((96, 96, 1), "float32", "random"),
        ((5,), "float32", "random"),
        ((64,), "int32", "random"),
    ],
)
def test_the_workload_of_a_file_follows_its_input(
    shape: tuple[int, ...], dtype: str, workload: str
) -> None:
    assert workload_of(shape, dtype) == workload
