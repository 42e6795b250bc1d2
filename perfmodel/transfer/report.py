"""How much of a source holds on a target: the transfer report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.spelling import several
from perfmodel.acquisition import stratified_rows
from perfmodel.errors import DataError
from perfmodel.failures import failed_configurations
from perfmodel.folds import unlike
from perfmodel.progress import Progress, part_of, silent
from perfmodel.selection import describe
from perfmodel.transfer.ase17 import ase17_metrics
from perfmodel.transfer.base import GuardReport, TransferModel
from perfmodel.transfer.curve import break_even, learning_curve, plot_curve, score
from perfmodel.transfer.evidence import Evidence, gather
from perfmodel.transfer.guard import relative_error
from perfmodel.transfer.judging import judge_all
from perfmodel.transfer.summary import how_to_measure, in_one_sentence, written
from perfmodel.transfer.verdicts import Verdict
from perfmodel.validation import mape

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from perfmodel.dataset import PerformanceDataset

__all__ = ["TransferReport", "transferability"]

FEWEST_LEARNED = 5
FEWEST_SCORED = 4
METRICS = ("ase17",)
#: Shares of the time after which sources, model and learning curve are done.
GATHERED, FITTED, LEARNED = 0.1, 0.2, 0.8
VERDICTS = (
    "shift",
    "rank",
    "options",
    "interactions",
    "distribution",
    "invalid",
    "optimum",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransferReport:
    """What carries over from a source to a target, and whether a transfer pays.

    Parameters
    ----------
    source, target : str
        The environments; several sources are joined by a plus sign.
    response, unit : str
        What was modelled, and its unit.
    target_runs : int
        Target configurations that were learned from.
    method : str
        ``alone``, ``scale``, ``shift``, ``delta``, ``feature`` or ``blend``.
    guard : GuardReport
        Statistic, decision, reason, weights.
    error_percent : dict of str to float
        Mean relative error of ``alone``, ``transfer`` and ``source_as_is``.
    scored_on : str
        Which runs the errors are of.
    break_even_runs : int or None
        Target runs from which on the source no longer helps.
    verdicts : dict of str to Verdict
        shift, rank, options, interactions, distribution, invalid, optimum.
    metrics : dict of str to float
        M1 to M18 of ASE 2017, if asked for.
    curve : DataFrame
        Error against the number of target runs.
    helps : str
        Whether the transfer helps: yes (at a one-sided 5 % level, corrected for the
        number of candidates), no or undecided.
    sentence : str
        The verdict in one sentence.
    model : TransferModel
        What was learned.
    notes : tuple of str
        What a reader must know, a line each.
    """

    source: str
    target: str
    response: str
    unit: str
    target_runs: int
    method: str
    guard: GuardReport
    error_percent: dict[str, float]
    scored_on: str
    break_even_runs: int | None
    verdicts: dict[str, Verdict]
    curve: pd.DataFrame
    helps: str
    sentence: str
    model: TransferModel
    metrics: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the verdicts as a table.

        Returns
        -------
        DataFrame
            One row a verdict: name, verdict, kind, estimate, lower, upper,
            runs_needed, reason.
        """
        import pandas as pd

        rows = [
            {
                "name": name,
                "verdict": verdict.verdict,
                "kind": verdict.kind,
                "estimate": verdict.estimate,
                "lower": verdict.lower,
                "upper": verdict.upper,
                "runs_needed": verdict.runs_needed,
                "reason": verdict.reason,
            }
            for name, verdict in self.verdicts.items()
        ]
        frame = pd.DataFrame(rows)
        frame["runs_needed"] = frame["runs_needed"].astype("Int64")
        return frame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw error against the number of target runs.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            What was drawn on.
        """
        axes = plot_curve(self.curve, ax)
        axes.set_title(f"{self.source} to {self.target}, {self.response}")
        return axes

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data, missing numbers as None.

        Returns
        -------
        dict
            The keys of one transfer in the command's JSON.
        """
        guard = self.guard.to_dict()
        return {
            "source": self.source,
            "target": self.target,
            "response": self.response,
            "unit": self.unit,
            "target_runs": self.target_runs,
            "method": self.method,
            "guard": guard,
            "error_percent": _plain(self.error_percent),
            "scored_on": self.scored_on,
            "break_even_runs": self.break_even_runs,
            "verdicts": {name: v.to_dict() for name, v in self.verdicts.items()},
            "metrics": _plain(self.metrics),
            "curve": [_plain(row) for row in self.curve.to_dict("records")],
            "helps": self.helps,
            "sentence": self.sentence,
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """Write the report for a reader.

        Returns
        -------
        list of str
            The verdict in one sentence, errors, what carries over and why.
        """
        return written(self)


def transferability(
    source: PerformanceDataset | Sequence[PerformanceDataset],
    target: PerformanceDataset,
    *,
    target_runs: int | None = None,
    metrics: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> TransferReport:
    """Say how much of a source holds on a target, and whether a transfer pays.

    Parameters
    ----------
    source : PerformanceDataset, or a sequence of them
        One environment and one response each.
    target : PerformanceDataset
        The target's runs.
    target_runs : int, optional
        Learn from so many of them, spread over what the source predicts, and score on
        the rest: what one would have known from so few. By default all are learned
        from, and the errors are held-out ones.
    metrics : {"ase17"}, optional
        Compute M1 to M18 as well, on all runs of both sides.
    seed : int, default=0
        Seed of everything random.
    progress : callable, optional
        Told what is being done, and the share done, from 0 to 1.

    Returns
    -------
    TransferReport
        Frozen.

    Raises
    ------
    DataError
        If a side has fewer than five configurations with a response, a response that
        is not positive, or no option in common with the other; or an argument is not
        allowed.
    """
    sources = list(source) if isinstance(source, Sequence) else [source]
    if metrics is not None and metrics not in METRICS:
        raise DataError(f"metrics {metrics!r} are unknown; choose ase17")
    progress("the sources", 0.0)
    evidence = gather(sources, target)
    _check_sizes(evidence, target_runs)
    learn = np.arange(len(evidence.y))
    if target_runs is not None:
        rng = np.random.default_rng(seed)
        codes = evidence.encoding.codes(evidence.frame)
        places = evidence.sources[0].scaled(codes, evidence.encoding)
        learn = stratified_rows(evidence.told, target_runs, rng, places)
    seen = evidence.taken(learn)
    progress("all target runs", GATHERED)
    model = TransferModel(space=evidence.space, seed=seed)
    model.sharing(seen.groups).fit(seen.frame, seen.y, evidence.sources)
    model.response_, model.unit_ = target.response, target.unit
    model.environment_ = dict(target.environments()[0])
    model.failed_ = failed_configurations(target, model.space_)
    model.choice_, model.notes_ = model.report.reason, evidence.notes
    errors, scored_on = _errors(evidence, model, learn, seed)
    curve = learning_curve(
        evidence.space,
        evidence.sources,
        seen.frame,
        seen.y,
        seed,
        groups=seen.groups,
        progress=part_of(progress, FITTED, LEARNED),
    )
    progress("verdicts", LEARNED)
    verdicts = judge_all(seen, seed)
    helps, sentence = in_one_sentence(model.report, errors, curve, len(learn))
    return TransferReport(
        source=" + ".join(s.name for s in evidence.sources),
        target=describe(target.environments()[0]),
        response=target.response,
        unit=target.unit,
        target_runs=len(learn),
        method=model.report.method,
        guard=model.report,
        error_percent=errors,
        scored_on=scored_on,
        break_even_runs=break_even(curve),
        verdicts={name: verdicts[name] for name in VERDICTS},
        metrics=ase17_metrics(sources[0], target) if metrics else {},
        curve=curve,
        helps=helps,
        sentence=sentence,
        model=model,
        notes=(*evidence.notes, *how_to_measure(sentence, verdicts.values())),
    )


def _check_sizes(evidence: Evidence, target_runs: int | None) -> None:
    n = len(evidence.y)
    most = n - FEWEST_SCORED
    if target_runs is None or FEWEST_LEARNED <= target_runs <= most:
        return
    allowed = (
        f"choose {FEWEST_LEARNED} to {most}, so that some are left to score"
        if most >= FEWEST_LEARNED
        else "it is too small to be split, learn from all"
    )
    raise DataError(
        f"{several(target_runs, 'configuration')} asked for of a target with {n}; "
        f"{allowed}"
    )


def _errors(
    evidence: Evidence, model: TransferModel, learn: Any, seed: int
) -> tuple[dict[str, float], str]:
    """Errors on the rest of a split target, else on held-out runs."""
    n = len(evidence.y)
    names = ("alone", "transfer", "source_as_is")
    rest = unlike(n, learn, evidence.groups)
    if len(rest):
        found = score(
            evidence.space,
            evidence.sources,
            evidence.frame,
            evidence.y,
            evidence.told,
            learn,
            rest,
            seed,
        )
        words = f"the {several(len(rest), 'configuration')} not learned from"
        return {name: found[name] for name in names}, words
    guard = model.guard_
    runs = guard.rows
    y = evidence.y[runs]
    errors = {
        "alone": guard.errors["alone"],
        "transfer": 100 * float(np.mean(relative_error(guard.blended(), np.log(y)))),
        "source_as_is": mape(y, np.exp(evidence.told[runs])),
    }
    if guard.decision == "alone":
        errors["transfer"] = errors["alone"]
    return errors, f"{several(len(runs), 'held-out target configuration')}"


def _plain(values: dict[Any, Any]) -> dict[str, Any]:
    return {
        str(name): (
            None if isinstance(value, float) and not math.isfinite(value) else value
        )
        for name, value in values.items()
    }
