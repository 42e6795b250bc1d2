"""How much of a model holds elsewhere: verdicts, errors, and the runs it saves."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from studies.display import Figure, Finding, Table, Text, figure
from studies.measured import shown
from studies.wording import log_axis, spoken

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.transfer.report import TransferReport
    from perfmodel.transfer.verdicts import Verdict

__all__ = ["transfer", "transfer_all", "transfer_displays", "transfer_findings"]

TARGETS_AT_MOST = 3
"""Of a report that was not told what to transfer."""
FEWEST_RUNS = 5
CLAIMS = {
    "shift": "a shift of the source's values is all that the target needs",
    "rank": "the order of the configurations carries over",
    "options": "the influential options carry over",
    "interactions": "the interactions carry over",
    "distribution": "the values spread alike",
    "invalid": "the same configurations fail",
    "optimum": "the best configurations carry over",
}
"""What a verdict of yes supports."""
RESIDUAL = "standard deviation of the log residual"


def transfer(
    data: PerformanceDataset, response: str, source: str, target: str
) -> list[TransferReport]:
    """Judge the transfer between environments that words select.

    Parameters
    ----------
    data : PerformanceDataset
        Runs of both.
    response : str
        What to predict.
    source, target : str
        Words that select them, such as ``resnet50``.

    Returns
    -------
    list of TransferReport
        One for each target that is selected.

    Raises
    ------
    SelectionError
        If the words select nothing, or not clearly.
    """
    from perfmodel.transfer.selected import transfer_reports

    return transfer_reports(data.for_response(response), source, target)


def transfer_all(
    data: PerformanceDataset, response: str
) -> tuple[list[TransferReport], list[Text]]:
    """Judge the transfer from the first environment to the others.

    Parameters
    ----------
    data : PerformanceDataset
        Runs of any number of environments.
    response : str
        What to predict.

    Returns
    -------
    list of TransferReport
        At most three; none where there is one environment, or too few runs.
    list of Text
        One line that names the environments left out, and why; none if all are in.
    """
    from perfmodel import transferability
    from perfmodel.errors import DataError

    one = data.for_response(response)
    source: PerformanceDataset | None = None
    found: list[TransferReport] = []
    few, more, refused = [], [], []
    for place in one.environments():
        side, name = one.select(**place), f"`{shown(place, data)}`"
        if side.frame[response].count() < FEWEST_RUNS:
            few.append(name)
        elif source is None:
            source = side
        elif len(found) == TARGETS_AT_MOST:
            more.append(name)
        else:
            try:
                found.append(transferability(source, side))
            except DataError as error:
                refused.append(f"{name} ({error})")
    reasons = [
        (few, f"fewer than {FEWEST_RUNS} runs"),
        (refused, "nothing to judge by"),
        (more, f"a report has {TARGETS_AT_MOST} targets at most"),
    ]
    texts = [f"{', '.join(names)}: {reason}" for names, reason in reasons if names]
    if not texts or len(one.environments()) == 1:
        return found, []
    return found, [Text(markdown=f"Left out of the transfer: {'; '.join(texts)}.")]


def transfer_displays(
    reports: Sequence[TransferReport],
) -> list[Figure | Table | Finding | Text]:
    """Show each transfer: its learning curve, errors and verdicts.

    Parameters
    ----------
    reports : sequence of TransferReport
        What `transfer` or `transfer_all` gave.

    Returns
    -------
    list of Figure, Table, Finding or Text
        For the notebook to display.
    """
    if not reports:
        return [
            Text(
                markdown="There are no two environments with enough runs and options "
                "in common, so there is nothing to transfer."
            )
        ]
    found: list[Figure | Table | Finding | Text] = []
    for number, (report, name) in enumerate(zip(reports, _names(reports)), start=1):
        if len(report.curve):
            found.append(_curve_figure(report, name, number))
        found.append(_verdict_table(report, name, number))
        found += _findings(report, name)
    return found


def transfer_findings(reports: Sequence[TransferReport]) -> list[Finding]:
    """Put each verdict as a statement that is supported, or not, or undecided.

    Parameters
    ----------
    reports : sequence of TransferReport
        What `transfer` or `transfer_all` gave.

    Returns
    -------
    list of Finding
        The decision of the guard first.
    """
    return [
        finding
        for report, name in zip(reports, _names(reports))
        for finding in _findings(report, name)
    ]


def _names(reports: Sequence[TransferReport]) -> list[str]:
    """Name source and target of each by what differs among all of them."""
    places = [one.split("/") for r in reports for one in (r.source, r.target)]
    if len({len(parts) for parts in places}) == 1:
        differ = [len(set(values)) > 1 for values in zip(*places, strict=True)]
        if any(differ):
            places = [
                [part for part, kept in zip(parts, differ, strict=True) if kept]
                for parts in places
            ]
    words = ["/".join(parts) for parts in places]
    return [f"{a} to {b}" for a, b in zip(words[::2], words[1::2], strict=True)]


def _findings(report: TransferReport, about: str) -> list[Finding]:
    found = [
        Finding(
            text=f"knowing the source helps to predict the target: {_gist(report)}",
            verdict=report.helps,
            about=about,
        )
    ]
    alike: dict[tuple[str, str], list[str]] = {}
    for name, verdict in report.verdicts.items():
        if name == "invalid" and math.isnan(verdict.estimate):
            continue  # nothing failed: there is nothing to say
        reason = "" if _says_the_claim(name, verdict) else f": {verdict.reason}"
        alike.setdefault((verdict.verdict, reason), []).append(name)
    for (verdict_word, reason), names in alike.items():
        told = not reason or len(names) == 1
        claims = [
            CLAIMS[name] + (_interval(name, report.verdicts[name]) if told else "")
            for name in names
        ]
        text = "; ".join(claims) + reason
        found.append(Finding(text=text, verdict=verdict_word, about=about))
    return found


def _says_the_claim(name: str, verdict: Verdict) -> bool:
    """Tell whether the reason repeats the claim in other words."""
    decided = verdict.verdict != "undecided"
    return decided and (
        name in ("rank", "optimum")
        or (name == "distribution" and verdict.verdict == "yes")
    )


def _gist(report: TransferReport) -> str:
    """Leave out of the sentence what the mark before it says already."""
    said = r"^(undecided[,:]|the source (helps|does not help):) "
    return re.sub(said, "", report.sentence)


def _interval(name: str, verdict: Verdict) -> str:
    if math.isnan(verdict.estimate):
        return ""
    kind = RESIDUAL if name == "shift" else verdict.kind
    text = f"{kind} {verdict.estimate:.2f}"
    if not math.isnan(verdict.lower):
        text += f", {verdict.lower:.2f} to {verdict.upper:.2f}"
    return f" ({text})"


def _curve_figure(report: TransferReport, name: str, number: int) -> Figure:
    from matplotlib import pyplot

    drawing, ax = pyplot.subplots(figsize=(6.6, 3.6), layout="constrained")
    report.plot(ax=ax)
    ax.set_title("")
    log_axis(ax, "y")
    ax.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.45, -0.18))
    ax.set_title(name, loc="left", fontsize="medium")
    ax.spines[["top", "right"]].set_visible(False)
    even = report.break_even_runs
    saved = (
        f"From {even} target runs on, the target alone is as good within 5 %."
        if even is not None
        else "At the largest number, the target alone still errs by over 5 % more."
    )
    return figure(
        f"transfer-{number}",
        drawing,
        f"Error in {spoken(report.response)} on configurations of the target that were "
        f"not learned from, against the number of target runs. {saved}",
    )


def _verdict_table(report: TransferReport, name: str, number: int) -> Table:
    frame = report.to_frame()
    frame.loc[frame["name"] == "shift", "kind"] = RESIDUAL
    frame.insert(0, "statement", frame.pop("name").map(CLAIMS))
    errors = report.error_percent
    return Table(
        name=f"transfer-{number}",
        caption=f"What carries over from {name}. Error on {report.scored_on}: "
        f"guarded transfer {errors['transfer']:.1f} %, target alone "
        f"{errors['alone']:.1f} %, source as it is {errors['source_as_is']:.0f} %. "
        f"Method: {report.method}; {report.guard.reason}.",
        frame=frame.drop(columns=["reason"]),
        headings={"kind": "measured by", "runs_needed": "more runs needed"},
    )
