"""Designs by name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from measure.designs.diagnostics import evaluate
from measure.designs.making import DESIGNS, default_model, default_runs, make_design
from measure.designs.reading import write_design
from measure.errors import DesignError
from measure.space import ConfigurationSpace

SPACE = ConfigurationSpace.from_dict(
    {"options": {f"x{i}": {"kind": "boolean"} for i in range(4)}}
)
MIXED = ConfigurationSpace.from_dict(
    {
        "options": {
            "backend": {
                "kind": "categorical",
                "levels": ["graph", "xla"],
                "change_cost_s": 5,
            },
            "threads": {"kind": "numeric", "levels": [1, 2, 4]},
            "batch_size": {"kind": "numeric", "levels": [1, 4, 8]},
            "onednn": {"kind": "boolean"},
        }
    }
)


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_is_made_by_its_name(name: str) -> None:
    design = make_design(name, MIXED, iterations=2)
    assert design.name == name
    assert design.model == default_model(name)
    assert MIXED.valid(design.indices).all()
    assert list(design.frame.columns[:4]) == list(MIXED.names)
    json.dumps(evaluate(design, tight=False).to_dict(), allow_nan=False)


def test_designs_for_a_model_are_made_for_interactions_by_default() -> None:
    models = {name: default_model(name) for name in DESIGNS}
    assert [n for n, m in models.items() if m == "interactions"] == [
        "d-optimal",
        "split-plot",
    ]


def test_a_file_is_a_design_by_its_path(tmp_path: Path) -> None:
    write_design(make_design("random", SPACE, 3), tmp_path / "D.csv")
    design = make_design(str(tmp_path / "D.csv"), SPACE, 9)
    assert design.runs == 3
    (note,) = design.notes
    assert note.startswith("--runs 9 is not used: D.csv has the 3 runs")


@pytest.mark.parametrize("name", ["full-factorial", "definitive-screening"])
def test_a_design_of_its_own_size_says_that_runs_are_not_used(name: str) -> None:
    free = make_design(name, MIXED)
    asked = make_design(name, MIXED, 5)
    assert asked.runs == free.runs
    assert f"--runs 5 is not used: {name} has the {free.runs} runs" in asked.notes[-1]
    assert make_design(name, MIXED, free.runs).notes == free.notes


def test_a_file_is_judged_by_the_criterion_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "D.csv"
    write_design(make_design("random", MIXED, 24), path)
    for criterion, what in (
        ("a", "mean variance of a coefficient"),
        ("i", "mean variance of a prediction"),
        ("bayes-d", "Bayesian D-efficiency"),
    ):
        judged = evaluate(make_design(str(path), MIXED, criterion=criterion))
        assert judged.criterion == criterion and judged.by_criterion is not None
        assert judged.by_criterion.what == what and 0 < judged.by_criterion.gap < 1
    assert evaluate(make_design(str(path), MIXED)).by_criterion is None
    plots = make_design("split-plot", MIXED, 24, iterations=2)
    write_design(plots, path)
    read = make_design(str(path), MIXED, criterion="i")
    assert read.notes[-1] == "--criterion i is not used: it does not see whole plots"
    assert evaluate(read).by_criterion is None


def test_whole_plots_are_as_many_as_asked_for_and_counted_in_words() -> None:
    design = make_design("split-plot", MIXED, 20, "main", iterations=2, whole_plots=5)
    assert design.frame["whole_plot"].nunique() == 5
    assert design.notes[0] == "5 whole plots of 4 runs, within which backend stay"
    kept = design.frame[design.frame["whole_plot"] == 0]
    more = make_design("split-plot", MIXED, 5, "threads", fixed=kept, whole_plots=2)
    assert more.notes[0] == (
        "the first 4 runs, in 1 whole plot, are the fixed ones; added is 1 whole plot "
        "of 1 run, within which backend stay"
    )
    with pytest.raises(DesignError, match=r"no whole plots \(--whole-plots\)"):
        make_design("d-optimal", MIXED, 30, whole_plots=4)
    with pytest.raises(DesignError, match=r"no whole plots \(--variance-ratio\)"):
        make_design("random", MIXED, 30, variance_ratio=2.0)


def test_a_design_that_sees_no_curve_says_so_and_what_would() -> None:
    wide = ConfigurationSpace.from_dict(
        {
            "options": {
                "freq": {"kind": "numeric", "levels": [1, 2, 3, 4, 5, 6]},
                "onednn": {"kind": "boolean"},
            }
        }
    )
    design = make_design("d-optimal", wide, 12, iterations=5)
    assert design.notes[-1] == (
        "4 distinct configurations; only the ends of freq (6 levels): for curves take "
        "--model quadratic or --design random"
    )
    assert make_design("d-optimal", wide, 12, "quadratic", iterations=5).notes == ()
    assert make_design("d-optimal", MIXED, 20, iterations=5).notes == ()


def test_runs_are_by_default_a_few_more_than_coefficients() -> None:
    assert default_runs(SPACE, "interactions") == 1 + 4 + 6 + 5
    assert make_design("d-optimal", SPACE, iterations=0).runs == 16
    assert make_design("random", SPACE).runs == 10
    assert make_design("full-factorial", SPACE, 3).runs == 16


def test_what_a_design_cannot_do_is_refused() -> None:
    with pytest.raises(DesignError, match="no design 'taguchi'; choose from d-optimal"):
        make_design("taguchi", SPACE)
    fixed = pd.DataFrame({f"x{i}": [True] for i in range(4)})
    with pytest.raises(DesignError, match=r"cannot keep runs \(--augment\)"):
        make_design("random", SPACE, fixed=fixed)
    with pytest.raises(DesignError, match=r"follows no criterion \(--criterion\)"):
        make_design("plackett-burman", SPACE, criterion="a")


def test_a_plackett_burman_design_loads_no_compiler_and_no_statistics() -> None:
    program = (
        "import sys\n"
        "from measure.designs.making import make_design\n"
        "from measure.designs.diagnostics import evaluate\n"
        "from measure.space import ConfigurationSpace\n"
        f"space = ConfigurationSpace.from_dict({SPACE.to_dict()!r})\n"
        "evaluate(make_design('plackett-burman', space)).to_dict()\n"
        "heavy = {'numba', 'scipy.stats', 'matplotlib', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
