"""The page: what it says, and what a browser says of it."""

from __future__ import annotations

import re

import pytest

from studies.build import Built
from tests.studies.browser import DESK_WIDTH, PHONE_WIDTH, Page


def test_the_page_asks_for_nothing_and_runs_nothing(tiny: Built) -> None:
    html = tiny.html.read_text(encoding="utf-8")
    references = re.findall(r"\b(?:src|href)=\"([^\"]*)\"", html)
    assert all(reference.startswith(("data:", "#")) for reference in references)
    assert "<script" not in html
    assert "default-src 'none'" in html


def test_text_from_the_data_is_shown_and_not_obeyed(tiny: Built) -> None:
    html = tiny.html.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "matter &lt;i&gt;a lot&lt;/i&gt;" in html
    assert "&lt;b&gt;raw&lt;/b&gt;" in html
    assert "Runs of &lt;b&gt;each&lt;/b&gt; network." in html


def test_notices_stand_above_the_findings_and_both_above_the_sections(
    tiny: Built,
) -> None:
    html = tiny.html.read_text(encoding="utf-8")
    places = [
        html.index(text)
        for text in ("The device is simulated.", "In brief", "What was measured</h2>")
    ]
    assert places == sorted(places)


def test_a_table_has_a_caption_and_scoped_headings(tiny: Built) -> None:
    html = tiny.html.read_text(encoding="utf-8")
    assert '<figcaption id="caption-runs"><b>Table 1.</b> Runs of' in html
    assert '<table aria-labelledby="caption-runs">' in html
    assert '<th scope="col" class="number">latency_s</th>' in html


def test_a_picture_has_a_text_alternative(tiny: Built) -> None:
    html = tiny.html.read_text(encoding="utf-8")
    assert 'alt="Main effects &amp; their size."' in html


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE_WIDTH, DESK_WIDTH])
def test_a_browser_has_no_complaint_and_no_horizontal_scroll(
    page: Page, tiny: Built, width: int, dark: bool
) -> None:
    page.open(tiny.html, width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints() == []


def test_every_heading_is_reached_from_the_contents(page: Page, tiny: Built) -> None:
    page.open(tiny.html, DESK_WIDTH)
    missing = page.evaluate(
        "[...document.querySelectorAll('nav a')].filter("
        "a => !document.querySelector(a.getAttribute('href'))).length"
    )
    assert missing == 0
    assert page.evaluate("document.querySelectorAll('nav a').length") == 2


def test_text_is_dark_on_light_or_light_on_dark(page: Page, tiny: Built) -> None:
    for dark in (False, True):
        page.open(tiny.html, DESK_WIDTH, dark=dark)
        colours = page.evaluate(
            "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
        )
        ink, ground = (sum(map(int, re.findall(r"\d+", c)[:3])) for c in colours)
        assert (ink > ground) == dark
        assert abs(ink - ground) > 500
