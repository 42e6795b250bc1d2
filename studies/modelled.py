"""Models of every environment: how good they are, and which options matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studies.display import Figure, Finding, Table, figure
from studies.measured import shown
from studies.wording import percent, spoken

if TYPE_CHECKING:
    from perfmodel.base import PerformanceModel
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.influence import InfluenceReport

__all__ = [
    "Modelled",
    "accuracy_findings",
    "accuracy_table",
    "fit_all",
    "influence_figure",
    "influence_findings",
    "influence_table",
    "interactions_figure",
    "main_response",
]

TERMS_SHOWN = 10
"""Of a bar chart: more cannot be read."""
WORTH_KNOWING = 10.0
"""An effect in per cent that a reader would act on, for what is left undecided."""
ROW_HEIGHT, CHART_WIDTH = 0.3, 6.6
MOST_UNEQUAL = 3.0
"""Charts whose largest bars differ by more have each their own scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelled:
    """A response of one environment, its model, and what the model says.

    Parameters
    ----------
    name : str
        The environment, by the columns that differ.
    data : PerformanceDataset
        Its runs.
    model : PerformanceModel
        Fitted to them.
    influence : InfluenceReport
        Its effects and interactions.
    """

    name: str
    data: PerformanceDataset
    model: PerformanceModel
    influence: InfluenceReport

    @property
    def learnable(self) -> bool:
        """Whether the model is better than the mean on runs it has not seen."""
        validation = self.model.cross_validation_
        return validation is None or bool(validation.learnable)


def main_response(data: PerformanceDataset) -> str:
    """Choose the response that a report is about.

    Where the batch size varies, latency a call mostly counts the items in it, so the
    latency per item is taken; else the latency; else the first response.

    Parameters
    ----------
    data : PerformanceDataset
        Any.

    Returns
    -------
    str
        A response of the data.

    Examples
    --------
    >>> import pandas as pd
    >>> from perfmodel.dataset import PerformanceDataset
    >>> frame = pd.DataFrame({"a": [1, 2], "latency_s": [1.0, 2.0], "y": [1.0, 2.0]})
    >>> main_response(PerformanceDataset.from_frame(
    ...     frame, options=["a"], response=["y", "latency_s"]))
    'latency_s'
    """
    per_item = "batch_size" in data.space.names
    preferred = ("latency_per_item_s",) if per_item else ()
    names: list[str] = list(data.responses)
    wanted = [name for name in (*preferred, "latency_s") if name in names]
    return (wanted or names)[0]


def fit_all(
    data: PerformanceDataset, response: str, *, model: str = "auto", seed: int = 0
) -> tuple[Modelled, ...]:
    """Fit and explain a model of each environment.

    Parameters
    ----------
    data : PerformanceDataset
        Runs of one or more environments.
    response : str
        What to model.
    model : str, default="auto"
        As for `perfmodel.fit`.
    seed : int, default=0
        Of folds and draws.

    Returns
    -------
    tuple of Modelled
        One an environment, in the order of their first run.
    """
    from perfmodel import explain, fit

    found = []
    for place in data.environments():
        part = data.select(**place).for_response(response)
        if part.frame[response].isna().all() and len(data.environments()) > 1:
            continue
        fitted = fit(part, model=model, seed=seed)
        found.append(
            Modelled(
                name=shown(place, data),
                data=part,
                model=fitted,
                influence=explain(fitted, part, seed=seed),
            )
        )
    return tuple(found)


def accuracy_table(models: Sequence[Modelled]) -> Table:
    """Tabulate the error of each model on runs that it has not seen.

    Parameters
    ----------
    models : sequence of Modelled
        What `fit_all` gave.

    Returns
    -------
    Table
        One row a model.
    """
    import pandas as pd

    rows = []
    for one in models:
        validation = one.model.cross_validation_
        rows.append(
            {
                "environment": one.name,
                "configurations": len(one.data.y),
                "model": one.model.name,
                "error, %": validation and validation.error_percent,
                "lower": validation and validation.lower,
                "upper": validation and validation.upper,
                "error of the mean, %": validation
                and validation.baseline_error_percent,
            }
        )
    return Table(
        name="accuracy",
        caption=f"Error in {spoken(models[0].data.response)} on runs that the model "
        "has not seen (mean absolute percentage error of repeated cross-validation, "
        "corrected for being the least of several models', with its 95 % interval), "
        "beside that of always saying the mean.",
        frame=pd.DataFrame(rows),
    )


def accuracy_findings(models: Sequence[Modelled]) -> list[Finding]:
    """Say of each environment whether its runs have anything to teach.

    Parameters
    ----------
    models : sequence of Modelled
        What `fit_all` gave.

    Returns
    -------
    list of Finding
        One a model that was cross-validated.
    """
    found = []
    for one in models:
        validation = one.model.cross_validation_
        if validation is None:
            continue
        errs = percent(validation.error_percent)
        between = f"{percent(validation.lower)} to {percent(validation.upper)}"
        text = (
            f"{spoken(one.data.response)} can be predicted from the options: a model "
            f"of {len(one.data.y)} configurations errs by {errs} % ({between}) on "
            f"unseen ones, the mean by {percent(validation.baseline_error_percent)} %"
        )
        if not validation.learnable:
            text = f"no learnable signal: {text}"
        verdict = "yes" if validation.learnable else "no"
        found.append(Finding(text=text, verdict=verdict, about=one.name))
    return found


def influence_table(models: Sequence[Modelled]) -> Table:
    """Tabulate the terms that the reports stand by, the largest share first.

    Parameters
    ----------
    models : sequence of Modelled
        What `fit_all` gave.

    Returns
    -------
    Table
        One row a reported term; all terms where none is reported.
    """
    import pandas as pd

    frames = []
    for one in models:
        frame = one.influence.to_frame()
        frame.insert(0, "environment", one.name)
        frames.append(frame)
    everything = pd.concat(frames, ignore_index=True)
    reported = everything[everything["reported"]]
    shown_rows = reported if len(reported) else everything
    kept = ["environment", "term", "effect", "lower", "upper", "sign", "share"]
    frame = shown_rows[kept].rename(columns={"effect": "effect, %"})
    what = "that are reported" if len(reported) else "(none is reported)"
    response = spoken(models[0].data.response)
    return Table(
        name="influence",
        caption=f"Terms {what}: effect on {response} in per cent of its geometric "
        "mean, with 95 % interval; direction; share of the variance.",
        frame=frame.assign(sign=frame["sign"].map({1: "rises", -1: "falls", 0: ""})),
        rows_shown=30,
        headings={"sign": "direction"},
    )


def influence_figure(models: Sequence[Modelled]) -> Figure:
    """Draw the largest effects of every environment, one chart each.

    Parameters
    ----------
    models : sequence of Modelled
        What `fit_all` gave.

    Returns
    -------
    Figure
        Bars with intervals.
    """
    from matplotlib import pyplot

    from perfmodel.plots import plot_effects

    tops = [one.influence.frame.head(TERMS_SHOWN) for one in models]
    ends = [
        1.03 * float(frame[["effect", "upper"]].max().max()) or 1.0 for frame in tops
    ]
    shared = max(ends) <= MOST_UNEQUAL * min(ends)
    height = sum(len(frame) * ROW_HEIGHT + 0.9 for frame in tops)
    drawing, axes = pyplot.subplots(
        len(models),
        1,
        figsize=(CHART_WIDTH, height),
        squeeze=False,
        sharex=shared,
        layout="constrained",
    )
    words = f"effect on {spoken(models[0].data.response)} (%)"
    for place, (one, ax) in enumerate(zip(models, axes[:, 0], strict=True)):
        label = words if one is models[-1] or not shared else ""
        plot_effects(one.influence.frame, ax=ax, most=TERMS_SHOWN, xlabel=label)
        ax.set_xlim(0, max(ends) if shared else ends[place])
        ax.set_title(one.name, loc="left", fontsize="medium")
        ax.spines[["top", "right"]].set_visible(False)
    return figure(
        "effects",
        drawing,
        "The largest effects, with 95 % intervals: blue, of one option; orange, of two "
        "together; grey, not reported. 100 % means that the worst level takes two to "
        "three times as long as the best one, averaged over all other options."
        + ("" if shared else " Each chart has its own scale."),
    )


def interactions_figure(models: Sequence[Modelled]) -> Figure:
    """Draw a map of all pairs of options, one for each environment.

    Parameters
    ----------
    models : sequence of Modelled
        What `fit_all` gave.

    Returns
    -------
    Figure
        Main effects on the diagonal, pairs beside it.
    """
    from matplotlib import pyplot

    from perfmodel.plots import plot_interactions

    side = max(len(one.data.space.names) for one in models) * 0.42 + 1.4
    drawing, axes = pyplot.subplots(
        len(models),
        1,
        figsize=(side + 1.6, side * len(models)),
        squeeze=False,
        layout="constrained",
    )
    for one, ax in zip(models, axes[:, 0], strict=True):
        names = list(one.data.space.names)
        frame = one.influence.frame
        order = frame["term"].map(lambda term, known=names: _place(term, known))
        plot_interactions(frame.loc[order.sort_values(kind="stable").index], ax=ax)
        ax.set_title(one.name, loc="left", fontsize="medium")
    return figure(
        "interactions",
        drawing,
        f"Effects on {spoken(models[0].data.response)} in per cent: of one option on "
        "the diagonal, of two together beside it.",
    )


def _place(term: str, names: Sequence[str]) -> int:
    """Give an option its place in the space, so that maps of two environments align."""
    return names.index(term) if term in names else len(names)


def influence_findings(models: Sequence[Modelled], *, order: int) -> list[Finding]:
    """Say which options, or pairs, matter, and which could without being shown to.

    Parameters
    ----------
    models : sequence of Modelled
        What `fit_all` gave.
    order : {1, 2}
        Options, or pairs of them.

    Returns
    -------
    list of Finding
        At most two an environment: what is supported, what is undecided.
    """
    found = []
    what = "options" if order == 1 else "interactions"
    for one in models:
        frame = one.influence.to_frame()
        frame = frame[frame["order"] == order]
        reported = frame["reported"].astype(bool)
        rows = frame[reported].head(4).sort_values("effect", ascending=False)
        if len(rows):
            listed = "; ".join(_effect(row) for row in rows.to_dict("records"))
            text = (
                f"the most influential {what} for {spoken(one.data.response)}: {listed}"
            )
            found.append(Finding(text=text, verdict="yes", about=one.name))
        open_rows = frame[~reported & (frame["upper"] > WORTH_KNOWING)]
        if len(open_rows) and one.learnable:
            listed = ", ".join(
                f"{row['term']} (up to {percent(row['upper'])} %)"
                for row in open_rows.head(4).to_dict("records")
            )
            more = len(open_rows) - 4
            rest = f" and {more} more" if more > 0 else ""
            text = (
                f"whether these {what} matter: {listed}{rest}; {len(one.data.y)} "
                "configurations cannot tell"
            )
            found.append(
                Finding(text=text, verdict="undecided", about=one.name, brief=False)
            )
    return found


def _effect(row: Mapping[Any, Any]) -> str:
    return (
        f"{row['term']} {percent(row['effect'])} % "
        f"({percent(row['lower'])} to {percent(row['upper'])})"
    )
