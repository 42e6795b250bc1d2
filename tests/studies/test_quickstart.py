"""The quickstart study, on a simulated device in place of this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from studies.build import Built, build
from studies.catalogue import find_study
from tests.studies.browser import PHONE_WIDTH, Page

SECTIONS = (
    "What was measured on what",
    "Design",
    "Drift of the reference",
    "How far the models can be trusted",
    "Influential options",
    "Interactions",
    "Latency against throughput",
    "Transfer from ResNet50 to MobileNetV2",
    "Discussion",
    "Related work",
    "What this does not show",
    "How to repeat it",
)


@pytest.fixture(scope="module")
def quickstart(batches_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    study = find_study("quickstart")
    return build(
        study.script,
        name=study.name,
        title=study.title,
        out=tmp_path_factory.mktemp("quickstart"),
        parameters={"store": str(batches_store), "model": "cart"},
    )


def test_the_page_has_every_section_and_something_in_each(quickstart: Built) -> None:
    html = quickstart.html.read_text(encoding="utf-8")
    parts = re.split(r"<h2 id=\"[^\"]+\">", html)[1:]
    found = {part.split("</h2>")[0]: part for part in parts}
    assert tuple(title for title in found if title != "In brief") == SECTIONS
    for title in SECTIONS:
        assert re.search(r"<(p|figure|li)\b", found[title]), title


def test_the_page_says_on_top_that_the_device_is_simulated(quickstart: Built) -> None:
    html = quickstart.html.read_text(encoding="utf-8")
    assert html.index("sim:tx1 is a simulator") < html.index("In brief")


def test_statements_are_of_both_networks_and_of_the_transfer(quickstart: Built) -> None:
    about = {finding["about"] for finding in quickstart.findings}
    assert {"resnet50", "mobilenetv2", "resnet50 to mobilenetv2"} <= about


def test_drift_effects_interactions_front_and_transfer_are_drawn(
    quickstart: Built,
) -> None:
    names = [figure["name"].partition("-")[0] for figure in quickstart.figures]
    assert names == ["drift", "effects", "interactions", "front", "transfer"]
    assert all(
        (quickstart.html.parent / figure["path"]).stat().st_size > 1000
        for figure in quickstart.figures
    )


def test_the_front_trades_latency_for_throughput(quickstart: Built) -> None:
    (front,) = (table for table in quickstart.tables if table["name"] == "front")
    frame = pd.read_csv(quickstart.html.parent / front["path"])
    for _, part in frame.groupby("environment"):
        assert len(part) > 1
        assert part["latency_s"].is_monotonic_increasing
        assert part["throughput_hz"].is_monotonic_increasing


def test_the_gain_over_the_reference_is_stated_of_both_networks(
    quickstart: Built,
) -> None:
    gains = [
        finding["about"]
        for finding in quickstart.findings
        if "is faster per item than the reference" in finding["text"]
    ]
    assert gains == ["resnet50", "mobilenetv2"]


def test_a_browser_shows_it_at_phone_width_without_complaint(
    quickstart: Built, page: Page
) -> None:
    page.open(quickstart.html, PHONE_WIDTH)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
    assert page.complaints() == []
    empty = "[...document.images].filter(i => !i.naturalWidth).length"
    assert page.evaluate(empty) == 0
