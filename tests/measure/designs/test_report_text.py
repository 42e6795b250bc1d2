"""Designs and their reports in words."""

from __future__ import annotations

from measure.designs.diagnostics import evaluate
from measure.designs.making import make_design
from measure.designs.report_text import why_left_out
from measure.space import ConfigurationSpace
from measure.terms import Term

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "precision": {"kind": "categorical", "levels": ["float32", "int8"]},
            "backend": {"kind": "categorical", "levels": ["graph", "xla", "tflite"]},
            "threads": {"kind": "numeric", "levels": [1, 2, 4]},
        },
        "forbid": [{"precision": "int8", "backend": ["graph", "xla"]}],
    }
)


def test_a_report_prints_as_the_command_line_does() -> None:
    design = make_design("d-optimal", SPACE, 16, seed=3, iterations=20)
    lines = str(evaluate(design)).splitlines()
    assert lines[0] == f"d-optimal: 16 runs, {SPACE.size()} possible"
    assert (
        "cannot be estimated here: precision:backend, because precision=int8 with "
        "backend=graph or xla is forbidden" in lines
    )
    assert lines[-1] == "20 iterations, seed 3: `--iterations 20` repeats it"
    power = lines.index("power: to find an effect of 2 standard deviations")
    aliases = lines.index("aliases (1 is the intercept, the mean):")
    assert power < aliases
    assert lines[aliases + 1].startswith("  ") and lines[aliases + 1].count("(") == 1
    # What stood in one line of many parts has a line for each.
    assert not any("; the best of" in line for line in lines)


def test_a_design_prints_its_notes_and_runs() -> None:
    design = make_design("pairwise", SPACE, 3)
    text = str(design)
    assert text.startswith(f"pairwise: 3 runs, {SPACE.size()} possible\n")
    assert all(note in text for note in design.notes)
    assert design.frame.to_string() in text and "array(" not in text
    assert "iterations" not in str(evaluate(design.frame, space=SPACE))


def test_a_term_that_is_left_out_for_several_reasons_names_none() -> None:
    pair = Term.of("precision", "backend")
    assert why_left_out(SPACE, pair) is not None
    assert why_left_out(SPACE, Term.of("precision", "threads")) is None
    document = SPACE.to_dict()
    document["forbid"] = [
        {"precision": "int8", "backend": "graph"},
        {"precision": "int8", "backend": "xla"},
    ]
    assert why_left_out(ConfigurationSpace.from_dict(document), pair) is None
