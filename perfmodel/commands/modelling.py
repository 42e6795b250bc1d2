"""What `fit` and `explain` share: a model, its influence and best configurations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from measure.spelling import runs_of
from perfmodel.commands.printing import (
    amount,
    estimate,
    number,
    percent,
    spelled_configuration,
)
from perfmodel.commands.repeats import Repeats, how_to_go_on, repeats_of
from perfmodel.progress import Progress, silent

if TYPE_CHECKING:
    from measure.console import Output
    from perfmodel.added import Added
    from perfmodel.influence import InfluenceReport
    from perfmodel.pareto import ParetoFront

__all__ = ["Described", "describe"]

BEST_SHOWN = 3
INFLUENTIAL_SHOWN = 12
#: What the JSON says of the error, and what `CrossValidation` calls it.
ERRORS = {
    "error_percent": "error_percent",
    "error_lower": "lower",
    "error_upper": "upper",
    "baseline_error_percent": "baseline_error_percent",
    "selection_bias_percent": "selection_bias_percent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A model of one environment and response, and what is said of it.

    Parameters
    ----------
    environment : dict of str to str
        Where.
    runs : int
        Finite responses it learned from.
    model : PerformanceModel
        Fitted.
    influence : InfluenceReport
        Its effects.
    best : list of dict
        The best configurations, by prediction.
    notes : tuple of str
        What was done to the runs.
    added : Added, optional
        What the last of several sweeps brought.
    repeats : Repeats, optional
        How far runs of one configuration differ, where that is known.
    """

    environment: dict[str, str]
    runs: int
    model: Any
    influence: InfluenceReport
    best: list[dict[str, Any]]
    notes: tuple[str, ...]
    added: Added | None = None
    repeats: Repeats | None = None

    @property
    def learnable(self) -> bool:
        """Whether the model predicts better than the mean."""
        validation = self.model.cross_validation_
        return validation is None or bool(validation.learnable)

    @property
    def heading(self) -> str:
        """Response, unit, environment and number of runs in a line."""
        response = self.influence.response or "response"
        unit = f" ({self.influence.unit})" if self.influence.unit else ""
        where = "/".join(self.environment.values())
        place = f" of {where}" if where else ""
        return f"{response}{unit}{place}, {runs_of(self.runs, len(self.model.codes_))}"

    @property
    def few(self) -> str:
        """Why there are too few runs, or nothing."""
        terms = len(self.influence.frame)
        if self.runs >= terms:
            return ""
        return (
            f"{self.heading}: fewer than the {terms} main effects and pairs, which "
            f"they cannot tell apart; measure {terms - self.runs} more"
        )

    @property
    def silent(self) -> list[str]:
        """The options that no reported term has."""
        frame = self.influence.reported
        names = self.model.space_.names
        said = set(frame["term"])
        said |= {
            part
            for left in names
            for right in names
            if f"{left}:{right}" in said
            for part in (left, right)
        }
        return [name for name in names if name not in said]

    @property
    def advice(self) -> str:
        """How to go on where there is no learnable signal; else nothing."""
        if self.learnable:
            return ""
        chosen = bool(self.model.choice_)
        return how_to_go_on(self.repeats, self.model.name, chosen)

    def to_dict(self) -> dict[str, Any]:
        """Return what the JSON holds of it.

        Returns
        -------
        dict
            Plain data.
        """
        validation = self.model.cross_validation_
        found = {} if validation is None else validation.to_dict()
        terms = self.influence.frame.to_dict("records")
        return {
            "environment": self.environment,
            "response": self.influence.response,
            "unit": self.influence.unit,
            "runs": self.runs,
            "model": self.model.name,
            "choice": self.model.choice_,
            **{name: found.get(key) for name, key in ERRORS.items()},
            "learnable": self.learnable,
            "advice": self.advice or None,
            "terms": terms,
            "influential": [term for term in terms if term["reported"]],
            "unexplained_share": self.influence.unexplained,
            "configurations": self.influence.configurations,
            "exact": self.influence.exact,
            "best": self.best,
            "added": None if self.added is None else self.added.to_dict(),
            "notes": [*self.notes, *self.influence.notes],
        }

    def print_summary(self, output: Output) -> None:
        """Print accuracy, influential options and interactions, and the best.

        Parameters
        ----------
        output : Output
            Where to.
        """
        self.print_accuracy(output)
        reported = self.influence.reported
        if len(reported):
            output.table(
                TERM_COLUMNS,
                term_rows(reported.head(INFLUENTIAL_SHOWN)),
                title="influential options and interactions (95 % intervals):",
            )
            print_legend(reported.head(INFLUENTIAL_SHOWN), output)
            if len(reported) > INFLUENTIAL_SHOWN:
                output.print(
                    f"  and {len(reported) - INFLUENTIAL_SHOWN} more: "
                    "`python -m perfmodel explain` lists all"
                )
        elif self.learnable:
            output.print("no option is influential beyond noise")
        if len(reported) and self.silent:
            output.print(f"not shown to matter: {', '.join(self._bounded())}")
        if self.best and self.learnable:
            output.print("best configurations (90 % intervals):")
            for entry in self.best:
                ends = (entry["prediction"], entry["lower"], entry["upper"])
                text = estimate(*ends, self.influence.unit)
                if entry["measured"] is not None:
                    text += (
                        f", measured {amount(entry['measured'], self.influence.unit)}"
                    )
                levels = entry["configuration"]
                words = spelled_configuration(self.model.space_, levels)
                output.print(f"  {text}: {words}")
        if self.added is not None:
            first, *others = self.added.lines()
            output.print(first)
            for line in others:
                output.print(f"  {line}")
        self.print_notes(output)

    def _bounded(self) -> list[str]:
        """The silent options, each with the effect that it may have all the same."""
        upper = self.influence.frame.set_index("term")["upper"]
        ends = [(name, float(upper.get(name, math.nan))) for name in self.silent]
        return [
            f"{name} (at most {percent(end)})" if end > 0 else name
            for name, end in ends
        ]

    def print_accuracy(self, output: Output) -> None:
        """Print which model it is and how far it can be trusted.

        Parameters
        ----------
        output : Output
            Where to.
        """
        validation = self.model.cross_validation_
        if not self.learnable:
            output.print(f"no learnable signal: {self.heading}")
            output.print(f"  {self.advice}")
        else:
            output.print(self.heading)
        choice = f" ({self.model.choice_})" if self.model.choice_ else ""
        output.print(f"  model: {self.model.name}{choice}")
        if validation is not None:
            output.print(
                f"  error on unseen runs: {percent(validation.error_percent)} "
                f"({number(validation.lower)} to {number(validation.upper)}); always "
                f"saying the mean: {percent(validation.baseline_error_percent)}"
            )

    def print_notes(self, output: Output) -> None:
        """Print what a reader must know besides.

        Parameters
        ----------
        output : Output
            Where to.
        """
        for note in (*self.notes, *self.influence.notes):
            if not note.startswith("no learnable signal"):
                output.print(f"  note: {note}")


TERM_COLUMNS = ("term", "effect %", "lower", "upper", "sign", "share %")


#: What "?" stands for among them.
NO_UPPER_END = (
    "?: no upper end: the model left the term out, so these runs do not bound it"
)


def term_rows(terms: Any) -> list[list[str]]:
    """Return terms as cells of a table.

    Parameters
    ----------
    terms : DataFrame
        Rows of an influence report.

    Returns
    -------
    list of list of str
        As `TERM_COLUMNS`.
    """
    return [
        [
            row.term,
            f"{row.effect:.1f}",
            f"{row.lower:.1f}",
            "?" if math.isnan(row.upper) else f"{row.upper:.1f}",
            {1: "+", -1: "-"}.get(row.sign, ""),
            f"{100 * row.share:.1f}",
        ]
        for row in terms.itertuples()
    ]


def print_legend(terms: Any, output: Output) -> None:
    """Say what a question mark in the table of terms means, if one is there.

    Parameters
    ----------
    terms : DataFrame
        The rows that were printed.
    output : Output
        Where to.
    """
    if terms["upper"].isna().any():
        output.print(f"  {NO_UPPER_END}")


def describe(
    model: Any,
    data: Any = None,
    *,
    seed: int = 0,
    environment: dict[str, str] | None = None,
    notes: Sequence[str] = (),
    compare: bool = False,
    progress: Progress = silent,
) -> Described:
    """Explain a model and find its best configurations.

    Parameters
    ----------
    model : PerformanceModel
        Fitted.
    data : PerformanceDataset, optional
        The runs it learned from.
    seed : int, default=0
        Seed of draws and samples.
    environment : dict of str to str, optional
        Where; the model's own by default.
    notes : sequence of str, optional
        What was done to the runs.
    compare : bool, default=False
        Whether to say what the last of several sweeps brought.
    progress : callable, optional
        Told what is being done, and the share done.

    Returns
    -------
    Described
        For printing and JSON.
    """
    from perfmodel.influence import explain
    from perfmodel.pareto import recommend

    progress("effects", 0.0)
    described = Described(
        environment=dict(model.environment_ if environment is None else environment),
        runs=model.runs_,
        model=model,
        influence=explain(model, data, seed=seed),
        best=[],
        notes=tuple(notes),
        repeats=None if data is None else repeats_of(data),
    )
    if compare and data is not None:
        from perfmodel.added import bought

        added = bought(model, data, described.influence, seed)
        described = replace(described, added=added)
    if not model.response_:
        return described
    progress("best configurations", 0.7)
    front = recommend([model], model.response_, seed=seed)
    best = _best(front, model, data, described.silent)
    return replace(described, best=best)


def _best(
    front: ParetoFront, model: Any, data: Any, silent: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the best candidates by prediction, with what was measured of them.

    Of candidates that differ only in options without influence the first stands for
    all.
    """
    import numpy as np

    name = next(iter(front.responses))
    values = front.candidates[name].to_numpy(dtype=float)
    signed = -values if front.maximised else values
    order = np.argsort(signed, kind="stable")
    told = [name for name in front.options if name not in silent] or front.options
    first = ~front.candidates[list(told)].iloc[order].duplicated()
    rows = front.candidates.iloc[order[first.to_numpy()][:BEST_SHOWN]]
    configurations = rows[list(front.options)]
    interval = model.predict_interval(configurations)
    measured: dict[tuple[int, ...], float] = {}
    if data is not None:
        keys = model.space_.encode(data.X).tolist()
        measured = {tuple(k): float(v) for k, v in zip(keys, data.y, strict=True)}
    places = model.space_.encode(configurations).tolist()
    levels = configurations.to_dict("records")
    return [
        {
            "configuration": levels[i],
            "prediction": float(interval["prediction"].iloc[i]),
            "lower": float(interval["lower"].iloc[i]),
            "upper": float(interval["upper"].iloc[i]),
            "measured": measured.get(tuple(places[i])),
        }
        for i in range(len(rows))
    ]
