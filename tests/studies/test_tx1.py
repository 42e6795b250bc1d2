"""The study of a simulated TX1, with fewer runs and a quicker model."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from studies import tradeoffs
from studies.build import Built, build
from studies.catalogue import find_study
from studies.marking import marked_picture
from tests.studies.browser import PHONE_WIDTH, Page
from tests.studies.conftest import swept

SECTIONS = (
    "What was simulated on what",
    "Design",
    "Drift of the reference",
    "How far the models can be trusted",
    "What matters for latency",
    "What matters for energy",
    "Interactions",
    "Latency against energy",
    "Transfer from ResNet50 to MobileNetV2",
    "Discussion",
    "What this does not show",
    "How to repeat it",
)


@pytest.fixture(scope="module")
def tx1(tmp_path_factory: pytest.TempPathFactory) -> Built:
    study = find_study("tx1")
    words = "--device sim:tx1 --networks resnet50,mobilenetv2"
    words += " --options cpu_freq_hz,gpu_freq_hz,precision"
    store = swept(tmp_path_factory.mktemp("boards"), words)
    return build(
        study.script,
        name=study.name,
        title=study.title,
        out=tmp_path_factory.mktemp("tx1"),
        parameters={"store": str(store), "model": "stepwise"},
    )


def test_it_sweeps_a_simulated_board_into_a_store_of_its_own() -> None:
    study = find_study("tx1")
    assert study.sweep[:2] == ("--device", "sim:tx1")
    assert study.store != find_study("quickstart").store


def test_the_page_has_every_section_and_something_in_each(tx1: Built) -> None:
    html = tx1.html.read_text(encoding="utf-8")
    parts = re.split(r"<h2 id=\"[^\"]+\">", html)[1:]
    found = {part.split("</h2>")[0]: part for part in parts}
    assert tuple(title for title in found if title != "In brief") == SECTIONS
    for title in SECTIONS:
        assert re.search(r"<(p|figure|li)\b", found[title]), title


def test_page_figures_and_tables_say_that_they_are_simulated(tx1: Built) -> None:
    html = tx1.html.read_text(encoding="utf-8")
    assert html.index("sim:tx1 is a simulator") < html.index("In brief")
    for figure in tx1.figures:
        assert figure["caption"].startswith("Simulated."), figure["name"]
        picture = (tx1.html.parent / figure["path"]).read_text(encoding="utf-8")
        assert ">simulated</text>" in picture, figure["name"]
    captions = re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", html, re.DOTALL)
    assert len(captions) == len(tx1.figures) + len(tx1.tables)
    assert all("</b> Simulated." in caption for caption in captions)


def test_latency_and_energy_have_figures_and_tables_of_their_own(tx1: Built) -> None:
    figures = {figure["name"] for figure in tx1.figures}
    tables = {table["name"] for table in tx1.tables}
    assert {"effects", "effects-energy", "front", "predicted-front"} <= figures
    assert {"accuracy", "accuracy-energy", "front", "predicted-front"} <= tables
    assert len(figures) == len(tx1.figures) and len(tables) == len(tx1.tables)


def test_the_front_trades_latency_for_energy(tx1: Built) -> None:
    for name in ("front", "predicted-front"):
        (front,) = (table for table in tx1.tables if table["name"] == name)
        frame = pd.read_csv(tx1.html.parent / front["path"])
        for _, part in frame.groupby("environment"):
            assert part["latency_s"].is_monotonic_increasing
            assert part["energy_j"].is_monotonic_decreasing


def test_both_networks_both_responses_and_both_transfers_are_spoken_of(
    tx1: Built,
) -> None:
    texts = [f"{one['about']}: {one['text']}" for one in tx1.findings]
    for network in ("resnet50", "mobilenetv2"):
        for response in ("latency", "energy"):
            wanted = rf"{network}: (no learnable signal: )?{response} can be predicted"
            assert any(re.match(wanted, text) for text in texts), wanted
        apart = "is another than that of least latency|one configuration is predicted"
        assert any(re.search(apart, text) for text in texts if network in text)
    about = {one["about"] for one in tx1.findings}
    assert {f"resnet50 to mobilenetv2 ({r})" for r in ("latency", "energy")} <= about


@pytest.mark.parametrize(
    ("energy", "verdict"),
    [((2.0, 3.0), "no"), ((2.0, 1.9), "undecided"), ((2.0, 1.0), "yes")],
)
def test_least_energy_is_apart_from_least_latency_where_intervals_are(
    energy: tuple[float, float], verdict: str
) -> None:
    frame = pd.DataFrame({"latency_s": [0.1, 0.2], "energy_j": energy})
    for name in ("latency_s", "energy_j"):
        frame[f"{name}_lower"] = 0.9 * frame[name]
        frame[f"{name}_upper"] = 1.1 * frame[name]
    one, other = (
        SimpleNamespace(name="n", data=SimpleNamespace(response=name, unit=unit))
        for name, unit in (("latency_s", "s"), ("energy_j", "J"))
    )
    front = SimpleNamespace(frame=frame)
    finding = tradeoffs._apart(one, other, front)  # type: ignore[arg-type]
    assert finding.verdict == verdict
    assert ("is another than" in finding.text) == (verdict != "no")


def test_a_browser_shows_it_at_phone_width_without_complaint(
    tx1: Built, page: Page
) -> None:
    page.open(tx1.html, PHONE_WIDTH)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
    assert page.complaints() == []


def test_a_picture_without_a_view_box_stays_as_it_is() -> None:
    assert marked_picture("<svg></svg>") == "<svg></svg>"
