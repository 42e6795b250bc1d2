"""What whole plots cost, and how many a test needs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from measure.designs.diagnostics import evaluate
from measure.designs.making import make_design
from measure.designs.plot_advice import changes_in, changes_text
from measure.space import ConfigurationSpace

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "isa": {"kind": "boolean", "change_cost_s": 30},
            "threads": {"kind": "numeric", "levels": [1, 2, 4]},
            "onednn": {"kind": "boolean"},
        }
    }
)


@pytest.mark.parametrize(("plots", "ratio"), [(4, 1.0), (4, 0.3), (2, 1.0)])
def test_as_many_whole_plots_as_advised_give_a_good_power(
    plots: int, ratio: float
) -> None:
    few = make_design(
        "split-plot",
        SPACE,
        24,
        "main",
        iterations=20,
        whole_plots=plots,
        variance_ratio=ratio,
    )
    report = evaluate(few)
    assert not report.power["isa"] >= 0.5
    note = next(note for note in report.notes if note.startswith("power of isa"))
    advised = int(re.findall(r"about (\d+) whole plots", note)[0])
    power = {}
    for count in (advised - 2, advised):
        more = make_design(
            "split-plot",
            SPACE,
            max(24, count),
            "main",
            iterations=20,
            whole_plots=count,
            variance_ratio=ratio,
        )
        power[count] = evaluate(more, tight=False).power["isa"]
    assert power[advised - 2] < 0.83 and 0.72 < power[advised]


def test_nothing_is_advised_where_the_power_is_good_or_runs_share_no_plot() -> None:
    good = make_design("split-plot", SPACE, 60, "main", iterations=5, whole_plots=30)
    alone = make_design("random", SPACE, 12)
    for design in (good, alone):
        notes = evaluate(design, effect=3.0, tight=False).notes
        assert not any(note.startswith("power of") for note in notes)


def test_the_changes_of_a_design_are_counted_in_its_order() -> None:
    design = make_design("split-plot", SPACE, 24, "main", iterations=5, whole_plots=4)
    rows = design.frame.sort_values("isa", kind="stable").reset_index(drop=True)
    changes = changes_in(replace(design, frame=rows))
    assert changes is not None
    assert (changes.planned, changes.planned_s) == (1, 30)
    assert changes_text(design, changes).startswith("setting isa: 1 change, about 30 s")
    random = make_design("d-optimal", SPACE, 24, "main", iterations=5)
    found = changes_in(random)
    assert found is not None and found.planned == found.random > 8
    assert "--design split-plot" in changes_text(random, found)
    free = ConfigurationSpace(list(SPACE.options)[1:])
    assert changes_in(make_design("random", free, 6)) is None
