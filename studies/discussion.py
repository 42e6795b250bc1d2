"""The discussion, made from what was found, and what the report does not show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from studies.display import Finding, Text
from studies.measured import MeasuredSweep

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset
    from studies.modelled import Modelled

__all__ = ["discussion", "limits"]

LIST_AT_MOST = 6


def discussion(
    data: PerformanceDataset,
    sweeps: Sequence[MeasuredSweep],
    models: Sequence[Modelled],
    findings: Sequence[Finding],
) -> list[Text]:
    """Weigh what was found, the undecided included.

    Parameters
    ----------
    data : PerformanceDataset
        What the models learned from.
    sweeps : sequence of MeasuredSweep
        Where it comes from.
    models : sequence of Modelled
        With their effects.
    findings : sequence of Finding
        Of the transfer.

    Returns
    -------
    list of Text
        Paragraphs.
    """
    paragraphs = [_learnable(models), _agreement(models), _pairs(models)]
    paragraphs.append(_transfer(findings))
    paragraphs.append(_noise(sweeps))
    return [Text(markdown=text) for text in paragraphs if text]


def _listed(names: Sequence[str]) -> str:
    names = [f"`{name}`" for name in names]
    if len(names) > LIST_AT_MOST:
        left = len(names) - LIST_AT_MOST
        names = [*names[:LIST_AT_MOST], f"{left} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _learnable(models: Sequence[Modelled]) -> str:
    dumb = [one.name for one in models if not one.learnable]
    if not dumb:
        return ""
    return (
        f"**Nothing to interpret in {_listed(dumb)}.** The model predicts no better "
        "than the mean, so no option there is called influential. Either the options "
        "do not act, or the noise hides what they do; more runs, or a quieter machine, "
        "would tell which."
    )


def _reported(one: Modelled, order: int) -> dict[str, Any]:
    frame = one.influence.reported
    rows = frame[frame["order"] == order]
    return {row["term"]: row for row in rows.to_dict("records")}


def _agreement(models: Sequence[Modelled]) -> str:
    """Compare the influential options of the environments."""
    taught = [one for one in models if one.learnable]
    if not taught:
        return ""
    options = [_reported(one, 1) for one in taught]
    if len(taught) == 1:
        names = list(options[0])
        if not names:
            return "**No option stands out.** None is reported as influential."
        return (
            f"**What to look at first** is {_listed(names)}, in this order; the other "
            "options are not shown to matter for these levels."
        )
    everywhere = [
        name for name in options[0] if all(name in other for other in options)
    ]
    somewhere = {
        name: [
            one.name for one, own in zip(taught, options, strict=True) if name in own
        ]
        for own in options
        for name in own
        if name not in everywhere
    }
    parts = []
    if everywhere:
        parts.append(
            f"**Influential everywhere:** {_listed(everywhere)}."
            + _directions(everywhere, options)
        )
    if somewhere:
        each = "; ".join(
            f"`{name}` in {_listed(places)}"
            for name, places in list(somewhere.items())[:LIST_AT_MOST]
        )
        parts.append(
            f"**Reported in some environments only:** {each}. That an option is not "
            "reported elsewhere does not show that it is without effect there: compare "
            "the intervals."
        )
    if not parts:
        parts.append("**No option stands out** in any environment.")
    return "\n\n".join(parts)


def _directions(names: Sequence[str], options: Sequence[dict[str, Any]]) -> str:
    turned = [
        name for name in names if {1, -1} <= {int(own[name]["sign"]) for own in options}
    ]
    if turned:
        return (
            f" But {_listed(turned)} {'acts' if len(turned) == 1 else 'act'} in "
            "opposite directions: what is good in one environment is bad in another."
        )
    return ""


def _pairs(models: Sequence[Modelled]) -> str:
    """Say what interactions mean for tuning one option at a time."""
    pairs = {one.name: list(_reported(one, 2)) for one in models if one.learnable}
    found = {name: terms for name, terms in pairs.items() if terms}
    if not pairs:
        return ""
    if not found:
        return (
            "**No interaction is reported.** As far as these runs can tell, options "
            "can be tuned one at a time. Interactions that are smaller than the "
            "intervals above stay undecided."
        )
    each = "; ".join(f"{name}: {_listed(terms)}" for name, terms in found.items())
    return (
        f"**Do not tune one option at a time.** Options act together: {each}. The best "
        "level of one depends on the level of the other."
    )


def _transfer(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    open_ones = [f for f in findings if f.verdict == "undecided"]
    parts = ["**Transfer.** " + " ".join(_sentence(f) for f in findings)]
    if open_ones:
        count = len(open_ones)
        parts.append(
            f"{count} of these {len(findings)} statements "
            f"{'is' if count == 1 else 'are'} undecided; they stand here because "
            "leaving them out would make the rest look surer than it is."
        )
    return " ".join(parts)


def _sentence(finding: Finding) -> str:
    verdict = {"yes": "Supported", "no": "Not supported", "undecided": "Undecided"}
    about = f"{finding.about}: " if finding.about else ""
    return f"{verdict[finding.verdict]}: {about}{finding.text}."


def _noise(sweeps: Sequence[MeasuredSweep]) -> str:
    """Remind of what the reference says of small effects."""
    from measure.judgement import drift_of, percent

    drifts = [drift_of(sweep.runs) for sweep in sweeps]
    known = [drift for drift in drifts if drift.estimate == drift.estimate]
    if not known:
        return ""
    worst = max(known, key=lambda drift: abs(drift.estimate))
    return (
        f"**How small an effect to believe.** The reference changed by "
        f"{percent(worst.estimate)} while nothing was changed. The order of the runs "
        "was random, so this does not favour any level, but an effect of that size or "
        "less should be measured again before it is used."
    )


def limits(
    data: PerformanceDataset,
    sweeps: Sequence[MeasuredSweep],
    models: Sequence[Modelled],
) -> Text:
    """List what the report does not show.

    Parameters
    ----------
    data : PerformanceDataset
        What the models learned from.
    sweeps : sequence of MeasuredSweep
        Where it comes from; none for a table of an outsider.
    models : sequence of Modelled
        For the number of configurations.

    Returns
    -------
    Text
        A list.
    """
    runs = min(len(one.data.y) for one in models)
    terms = max(len(one.influence.frame) for one in models)
    points = [
        f"**Few runs.** {runs} configurations stand against {terms} effects and pairs. "
        "Large effects are safe, small ones are not, and effects of three options "
        "together are not looked for.",
        "**These levels only.** An effect holds for the levels that were varied, "
        "averaged over the levels of all other options. Other levels can have other "
        "effects.",
    ]
    if any(place.get("device") == "host" for place in data.environments()):
        points.append(
            "**A shared machine.** Other programs may have run; only the drift of the "
            "reference tells. Absolute latencies do not compare with another day's."
        )
    if _random_weights(sweeps):
        points.append(
            "**Random weights.** The networks were not trained. Latency does not "
            "depend on that; accuracy is not measured, so nothing here says that a "
            "faster precision is good enough."
        )
    if not any(name.startswith("energy") for name in data.responses):
        why = _missing_energy(sweeps)
        points.append(
            f"**No energy.** It was not measured{why}. The fastest configuration need "
            "not be the most frugal one."
        )
    if not sweeps:
        points.append(
            "**How the rows came to be.** The table does not say in which order, and "
            "on how quiet a machine, its rows were measured; a drift would look like "
            "an effect."
        )
    points.append(
        "**No causes.** An effect says what changes when an option is set, not why."
    )
    return Text(markdown="\n".join(f"- {point}" for point in points))


def _random_weights(sweeps: Sequence[MeasuredSweep]) -> bool:
    from studies.measured import nature

    return any("Random weights" in notice.text for notice in nature(sweeps))


def _missing_energy(sweeps: Sequence[MeasuredSweep]) -> str:
    reasons = {
        reading.reason
        for sweep in sweeps
        for run in sweep.runs
        for reading in run.readings
        if reading.name == "energy_j" and reading.reason
    }
    return f" ({'; '.join(sorted(reasons)[:2])})" if reasons else ""
