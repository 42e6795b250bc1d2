"""Tables of what was measured: environments, machine, options, design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from measure.judgement import tally
from measure.space import ConfigurationSpace
from studies.display import Finding, Table, Text
from studies.wording import quantity, spoken

if TYPE_CHECKING:
    from measure.designs.diagnostics import DesignReport
    from perfmodel.dataset import PerformanceDataset
    from studies.measured import MeasuredSweep

__all__ = ["design", "what_was_measured"]

ENDS = ("least", "largest")


def what_was_measured(
    data: PerformanceDataset, sweeps: Sequence[MeasuredSweep], response: str
) -> list[Table | Text]:
    """Tabulate environments, options and machine.

    Parameters
    ----------
    data : PerformanceDataset
        What the models learn from.
    sweeps : sequence of MeasuredSweep
        Where it comes from; none for a table of an outsider.
    response : str
        Of which the range is shown.

    Returns
    -------
    list of Table or Text
        For the notebook to display.
    """
    found: list[Table | Text] = []
    if sweeps:
        found.append(environment_table(sweeps, response))
    else:
        found.append(rows_table(data, response))
    reference = sweeps[0].plan.reference if sweeps else None
    found.append(options_table(data.space, reference))
    machine = machine_table(sweeps)
    if len(machine.frame):
        found.append(machine)
    notes = list(data.notes)
    for place in [] if sweeps else data.environments():
        notes += data.for_response(response).select(**place).counted
    if notes:
        found.append(Text(markdown="\n".join(f"- {note}" for note in notes)))
    return found


def rows_table(data: PerformanceDataset, response: str) -> Table:
    """Tabulate the environments of a table that no sweep made.

    Parameters
    ----------
    data : PerformanceDataset
        The table.
    response : str
        Of which the range is shown.

    Returns
    -------
    Table
        One row an environment.
    """
    import pandas as pd

    rows = []
    for place in data.environments():
        part = data.select(**place).for_response(response)
        rows.append(
            {
                **place,
                "runs": len(part.frame),
                "configurations": len(part.y),
                f"least {spoken(response)}": float(part.y.min()),
                f"largest {spoken(response)}": float(part.y.max()),
            }
        )
    return Table(
        name="environments",
        caption="What was measured on what. Runs without a response are left out, and "
        "repeats of a configuration averaged.",
        frame=pd.DataFrame(rows),
        units={f"{end} {spoken(response)}": data.responses[response] for end in ENDS},
    )


def environment_table(sweeps: Sequence[MeasuredSweep], response: str) -> Table:
    """Tabulate the environments: runs planned, done and failed, and the range seen.

    Parameters
    ----------
    sweeps : sequence of MeasuredSweep
        What the report is about.
    response : str
        Of which the smallest and largest value is shown.

    Returns
    -------
    Table
        One row an environment and sweep.
    """
    import pandas as pd

    rows = []
    for sweep in sweeps:
        for position, environment in enumerate(sweep.plan.environments):
            count = tally(sweep.plan, sweep.runs, position)
            runs = sweep.of(environment)
            values = [
                run.response(response)
                for run in runs
                if run.role == "design" and run.status == "done"
            ]
            rows.append(
                {
                    "device": environment.device,
                    "network": environment.network,
                    "workload": environment.workload,
                    "version": environment.version,
                    "planned": count.planned,
                    "done": count.done,
                    "failed": count.failed,
                    "reference": sum(run.role == "reference" for run in runs),
                    f"least {spoken(response)}": min(values, default=float("nan")),
                    f"largest {spoken(response)}": max(values, default=float("nan")),
                }
            )
    return Table(
        name="environments",
        caption="What was measured on what: design runs, and the runs of the reference "
        "configuration that stand between them.",
        frame=pd.DataFrame(rows),
        units=_range_units(sweeps, response),
    )


def _range_units(sweeps: Sequence[MeasuredSweep], response: str) -> dict[str, str]:
    """Find the unit of a response in the runs."""
    units = [
        reading.unit
        for sweep in sweeps
        for run in sweep.runs
        for reading in run.readings
        if reading.name == response
    ]
    return {f"{end} {spoken(response)}": units[0] for end in ENDS} if units else {}


def machine_table(sweeps: Sequence[MeasuredSweep]) -> Table:
    """Tabulate what must match for another run to be comparable.

    Parameters
    ----------
    sweeps : sequence of MeasuredSweep
        What the report is about.

    Returns
    -------
    Table
        One row a property, with its distinct values.
    """
    import pandas as pd

    found: dict[str, list[str]] = {}
    for sweep in sweeps:
        for environment in sweep.plan.environments:
            for name, value in environment.fingerprint.items():
                values = found.setdefault(name, [])
                if value not in values:
                    values.append(value)
    rows = [{"what": name, "value": "; ".join(v)} for name, v in found.items()]
    return Table(
        name="machine",
        caption="What must match for another run to be comparable with these.",
        frame=pd.DataFrame(rows, columns=["what", "value"]),
        rows_shown=40,
    )


def options_table(
    space: ConfigurationSpace, reference: Mapping[str, Any] | None = None
) -> Table:
    """Tabulate the options that were varied, and their levels.

    Parameters
    ----------
    space : ConfigurationSpace
        Of the data.
    reference : mapping of str to level, optional
        The configuration that was measured all along; a table of an outsider has none.

    Returns
    -------
    Table
        One row an option.
    """
    import pandas as pd

    rows = [
        {
            "option": option.name,
            "kind": option.kind,
            "levels": quantity(option.levels, option.unit),
        }
        | (
            {"reference": quantity(reference[option.name], option.unit)}
            if reference and option.name in reference
            else {}
        )
        for option in space.options
    ]
    valid = f"{space.size()} configurations are valid"
    forbidden = len(space.forbid)
    held = f"; {forbidden} combinations are forbidden" if forbidden else ""
    return Table(
        name="options",
        caption=f"The options that were varied. {valid}{held}.",
        frame=pd.DataFrame(rows),
        rows_shown=40,
    )


def design(
    data: PerformanceDataset, sweeps: Sequence[MeasuredSweep]
) -> list[Table | Finding | Text]:
    """Say which configurations were chosen, and what they can tell.

    Parameters
    ----------
    data : PerformanceDataset
        What the models learn from; judged itself where no sweep made it.
    sweeps : sequence of MeasuredSweep
        Each with its plan.

    Returns
    -------
    list of Table, Finding or Text
        For the notebook to display.
    """
    reports = [_evaluated(sweep) for sweep in sweeps] or [_as_it_is(data)]
    table = _design_table(sweeps, reports)
    return [table, *(_estimable(report) for report in reports)]


def _evaluated(sweep: MeasuredSweep) -> DesignReport:
    """Judge the rows of a plan by the model that they were chosen for."""
    import pandas as pd

    from measure.designs import evaluate

    plan = sweep.plan
    space = ConfigurationSpace.from_dict(dict(plan.space))
    first = plan.environments[0]
    runs = [
        run
        for run in plan.runs
        if run.role == "design"
        and run.replicate == 0
        and (run.network, run.workload) == (first.network, first.workload)
    ]
    frame = pd.DataFrame([dict(run.configuration) for run in runs])[list(space.names)]
    plots = [(run.block, run.whole_plot) for run in runs]
    alone = any(plot is None for _, plot in plots)
    return evaluate(
        frame,
        space=space,
        model=str(plan.design.get("model", "main")),
        whole_plots=None if alone else pd.factorize(pd.Series(plots))[0],
    )


def _as_it_is(data: PerformanceDataset) -> DesignReport:
    """Judge the rows of a table by main effects, in its first environment."""
    from measure.designs import evaluate

    part = data.select(**data.environments()[0])
    rows = part.frame[list(part.space.names)].dropna().drop_duplicates()
    return evaluate(rows, space=part.space, model="main")


def _design_table(
    sweeps: Sequence[MeasuredSweep], reports: Sequence[DesignReport]
) -> Table:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for position, report in enumerate(reports):
        plan = sweeps[position].plan if sweeps else None
        rows.append(
            {
                "design": plan.design.get("name") if plan else "as it is",
                "model": plan.design.get("model") if plan else "main",
                "runs": report.runs,
                "terms": len(report.terms),
                "D-efficiency": report.d_efficiency,
                "upper bound": report.upper_bound,
                "bound": report.bound_kind,
                "gap": report.gap,
                "seed": plan.seed if plan else None,
            }
        )
    return Table(
        name="design",
        caption="Which configurations were chosen, and for which model. D-efficiency "
        "is det(X'V^-1 X)^(1/p) / n, where V is the identity unless runs share whole "
        "plots; no design of any size exceeds the bound, which is "
        "loose where there are few runs for the terms.",
        frame=pd.DataFrame(rows).dropna(axis=1, how="all"),
    )


def _estimable(report: DesignReport) -> Finding:
    """Say whether the runs can tell all terms of their model apart."""
    terms = len(report.terms)
    if not report.singular_terms:
        text = f"the design can tell the {terms} terms of its model apart"
        return Finding(text=text, verdict="yes", brief=False)
    lost = ", ".join(report.singular_terms[:6])
    more = len(report.singular_terms) - 6
    rest = f" and {more} more" if more > 0 else ""
    text = (
        f"the design can tell the {terms} terms of its model apart; {report.runs} runs "
        f"leave out {lost}{rest}"
    )
    return Finding(text=text, verdict="no")
