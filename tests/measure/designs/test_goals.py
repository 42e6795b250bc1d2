"""Our designs on published problems, scored by the benchmark's own scorer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.designs.scoring import score
from measure.designs.optimal import d_optimal
from measure.space import ConfigurationSpace
from measure.terms import d_efficiency

ROOT = Path(__file__).parents[3]
PROBLEMS: dict[str, Any] = json.loads(
    (ROOT / "benchmarks" / "designs" / "problems.json").read_text()
)


@pytest.mark.parametrize(
    ("key", "iterations"), [("a", 3000), ("e", 6000), ("f", 500), ("h", 4000)]
)
def test_goals_are_reached_and_two_scorers_agree(key: str, iterations: int) -> None:
    problem = PROBLEMS[key]
    space = ConfigurationSpace.from_dict(problem["space"])
    fixed = pd.DataFrame(problem["fixed"]) if "fixed" in problem else None
    design = d_optimal(
        space,
        problem["runs"],
        problem["model"],
        seed=1,
        iterations=iterations,
        fixed=fixed,
    )
    reached = score(problem, design.frame.to_dict("records"))
    assert reached >= problem["goal_within_4_cpu_s"]
    assert reached == pytest.approx(d_efficiency(design.matrix), abs=1e-12)


def test_constrained_options_of_many_kinds_come_near_the_goal_in_a_moment() -> None:
    problem = PROBLEMS["d"]
    space = ConfigurationSpace.from_dict(problem["space"])
    design = d_optimal(space, problem["runs"], problem["model"], iterations=400)
    reached = score(problem, design.frame.to_dict("records"))
    assert reached > 0.99 * problem["goal_within_4_cpu_s"]
    assert space.valid(design.indices).all()
