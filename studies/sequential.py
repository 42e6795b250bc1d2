"""What the runs of the last sweep brought, beside those before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studies.display import Finding, Table

if TYPE_CHECKING:
    from perfmodel.added import Added
    from studies.modelled import Modelled

__all__ = ["what_was_added"]


def what_was_added(models: Sequence[Modelled], seed: int = 0) -> list[Table | Finding]:
    """Compare each model with one of the runs before the last sweep.

    Parameters
    ----------
    models : sequence of Modelled
        Of all runs.
    seed : int, default=0
        Of the models of the runs before.

    Returns
    -------
    list of Table or Finding
        A table with a row an environment, and whether its error is smaller now;
        nothing where there is one sweep.
    """
    import pandas as pd

    from perfmodel.added import bought

    found = [(one, bought(one.model, one.data, one.influence, seed)) for one in models]
    rows, findings = [], []
    for one, added in found:
        if added is None:
            continue
        rows.append(_row(one.name, added))
        findings.append(_finding(one.name, added))
    if not rows:
        return []
    table = Table(
        name="added",
        caption="What the last sweep brought: each model beside one of the same kind "
        "of the runs before. Errors are on unseen runs; foretold is the error of the "
        "model before on the configurations that were added; intervals are those of "
        "effects, their median width in per cent; terms are main effects and pairs "
        "that the configurations can tell.",
        frame=pd.DataFrame(rows).dropna(axis=1, how="all"),
    )
    return [table, *findings]


def _row(name: str, added: Added) -> dict[str, object]:
    design = added.design
    return {
        "environment": name,
        "runs before": added.runs_before,
        "runs added": added.runs_added,
        "error % before": added.error_before[0],
        "error % now": added.error_after[0],
        "foretold %": added.error_foretold,
        "interval before": added.width_before,
        "interval now": added.width_after,
        "terms before": design.estimable_before,
        "terms now": design.estimable_after,
        "variance before": design.variance_before,
        "variance now": design.variance_after,
    }


def _finding(name: str, added: Added) -> Finding:
    """Say whether the error is smaller, where the intervals lie apart."""
    before, after = added.error_before, added.error_after
    text = (
        f"the {added.runs_added} runs of the last sweep make predictions of {name} "
        f"better: error {before[0]:.1f} % ({before[1]:.1f} to {before[2]:.1f}) before, "
        f"{after[0]:.1f} % ({after[1]:.1f} to {after[2]:.1f}) now"
    )
    if after[2] < before[1]:
        return Finding(text=text, verdict="yes", brief=False)
    return Finding(
        text=text,
        verdict="no" if after[1] > before[2] else "undecided",
        brief=False,
    )
