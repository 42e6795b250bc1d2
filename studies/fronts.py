"""The best configurations: fronts of two responses, and the gain on the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import median
from typing import TYPE_CHECKING

from studies.display import Figure, Finding, Table, Text, figure
from studies.measured import MeasuredSweep, shown
from studies.wording import log_axis, plain, quantity, spoken

if TYPE_CHECKING:
    from measure.records import Run
    from perfmodel.dataset import PerformanceDataset
    from studies.modelled import Modelled

__all__ = ["best_configurations", "front_responses"]

PAIRS = (("latency_s", "throughput_hz"), ("latency_s", "energy_j"))
"""Responses that trade off where they are measured."""
FEWEST_REFERENCES = 3
"""Fewer runs of the reference do not tell how far it varies."""
BEST = ("measured", "predicted", "lower 90 %", "upper 90 %")


def front_responses(data: PerformanceDataset) -> tuple[str, str] | None:
    """Choose the two responses of the front.

    Parameters
    ----------
    data : PerformanceDataset
        Any.

    Returns
    -------
    tuple of str, or None
        Latency with throughput where batches vary, else with energy, else the first
        two responses; None if there is one response.
    """
    names = list(data.responses)
    for pair in PAIRS:
        if set(pair) <= set(names) and (
            pair[1] != "throughput_hz" or "batch_size" in data.space.names
        ):
            return pair
    others = [name for name in names if name not in _restated(names)]
    return (others[0], others[1]) if len(others) > 1 else None


def _restated(names: Sequence[str]) -> set[str]:
    """Name the responses that say the latency once more in other words."""
    if "latency_s" not in names:
        return set()
    return {"latency_mean_s", "latency_p90_s", "latency_per_item_s", "throughput_hz"}


def best_configurations(
    data: PerformanceDataset,
    models: Sequence[Modelled],
    sweeps: Sequence[MeasuredSweep],
) -> list[Figure | Table | Finding | Text]:
    """Show the front of every environment, and the gain over the reference.

    Parameters
    ----------
    data : PerformanceDataset
        All environments and responses.
    models : sequence of Modelled
        Of the main response.
    sweeps : sequence of MeasuredSweep
        With the runs of the reference configuration; none for a table.

    Returns
    -------
    list of Figure, Table, Finding or Text
        For the notebook to display.
    """
    found: list[Figure | Table | Finding | Text] = []
    pair = front_responses(data)
    if pair is not None:
        found += [_front_figure(data, pair), _front_table(data, pair)]
    found.append(_best_table(models))
    found += _gains(models, sweeps)
    return found


def _front_figure(data: PerformanceDataset, pair: tuple[str, str]) -> Figure:
    from matplotlib import pyplot

    from perfmodel import pareto_front

    places = data.environments()
    drawing, axes = pyplot.subplots(
        len(places),
        1,
        figsize=(6.6, 3.2 * len(places)),
        squeeze=False,
        layout="constrained",
    )
    for place, ax in zip(places, axes[:, 0], strict=True):
        part = data.select(**place)
        front = pareto_front([part.for_response(name) for name in pair])
        front.plot(ax=ax)
        ax.set_title(shown(place, data), loc="left", fontsize="medium")
        ax.spines[["top", "right"]].set_visible(False)
        if (part.frame[list(pair)] > 0).all().all():
            log_axis(ax, "x", data.responses[pair[0]])
            log_axis(ax, "y", data.responses[pair[1]])
        ax.set_xlabel(spoken(pair[0]))
        ax.set_ylabel(spoken(pair[1]))
    return figure(
        "front",
        drawing,
        f"The measured configurations (grey) in {spoken(pair[0])} and "
        f"{spoken(pair[1])}, and those that no other one beats in both (blue).",
    )


def _front_table(data: PerformanceDataset, pair: tuple[str, str]) -> Table:
    import pandas as pd

    from perfmodel import pareto_front

    frames = []
    for place in data.environments():
        part = data.select(**place)
        front = pareto_front([part.for_response(name) for name in pair])
        frame = front.to_frame()[[*front.options, *pair]]
        frame.insert(0, "environment", shown(place, data))
        frames.append(frame)
    return Table(
        name="front",
        caption=f"Configurations that no other measured one beats in "
        f"{spoken(pair[0])} and {spoken(pair[1])}.",
        frame=pd.concat(frames, ignore_index=True),
        units=_units(data, data.responses),
        rows_shown=30,
    )


def _best_table(models: Sequence[Modelled]) -> Table:
    """Tabulate the best three measured configurations, with what is predicted."""
    import pandas as pd

    from perfmodel.constraints import direction

    frames = []
    for one in models:
        _, maximise = direction(one.data.response, [one.data.response])
        order = one.data.y.argsort()[:: -1 if maximise else 1][:3]
        frame = one.data.X.iloc[order].reset_index(drop=True)
        predicted = one.model.predict_interval(frame)
        frame.insert(0, "environment", one.name)
        frame[BEST[0]] = one.data.y[order]
        frame[BEST[1]] = predicted["prediction"].to_numpy()
        frame[BEST[2]] = predicted["lower"].to_numpy()
        frame[BEST[3]] = predicted["upper"].to_numpy()
        frames.append(frame)
    return Table(
        name="best",
        caption=f"The best three measured configurations in "
        f"{spoken(models[0].data.response)}, "
        "with what the model says of them. The lowest of many noisy numbers is too "
        "low: where the two differ, the prediction is the better guess.",
        frame=pd.concat(frames, ignore_index=True),
        units=_units(models[0].data, dict.fromkeys(BEST, models[0].data.unit)),
    )


def _units(data: PerformanceDataset, others: Mapping[str, str]) -> dict[str, str]:
    """Collect the units of options, and of other columns."""
    return {**{option.name: option.unit for option in data.space.options}, **others}


def _gains(
    models: Sequence[Modelled], sweeps: Sequence[MeasuredSweep]
) -> list[Finding]:
    """Compare the configuration that is predicted best with the reference.

    The lowest of many noisy numbers is too low, so the model chooses among what was
    measured, and its 90 % prediction interval must lie clear of all reference runs.
    """
    found = []
    for one in models:
        references = _references(one, sweeps)
        if references:
            found.append(_gain(one, references))
    return found


def _references(one: Modelled, sweeps: Sequence[MeasuredSweep]) -> list[Run]:
    """Collect the finished reference runs of a model's environment."""
    place = one.data.environments()[0]
    return [
        run
        for sweep in sweeps
        for run in sweep.runs
        if run.role == "reference"
        and run.status == "done"
        and isfinite(run.response(one.data.response))
        and all(getattr(run.environment, k, v) == v for k, v in place.items())
    ]


def _gain(one: Modelled, references: Sequence[Run]) -> Finding:
    from perfmodel.constraints import direction

    response, unit = one.data.response, one.data.unit
    _, maximise = direction(response, [response])
    predicted = one.model.predict_interval(one.data.X)
    order = predicted["prediction"].to_numpy().argsort()
    row = int(order[-1 if maximise else 0])
    best, lower, upper = predicted.iloc[row][["prediction", "lower", "upper"]]
    values = [run.response(response) for run in references]
    above, below = lower > max(values), upper < min(values)
    better, worse = (above, below) if maximise else (below, above)
    verdict = "yes" if better else "no" if worse else "undecided"
    text = (
        f"a configuration was found that {_better(response, maximise)} than the "
        f"reference{_changed(one, row, references[0])}: predicted "
        f"{quantity(best, unit)} ({quantity(lower, unit)} to {quantity(upper, unit)}, "
        f"90 %) against {quantity(median(values), unit)} ({len(values)} reference "
        f"runs, {quantity(min(values), unit)} to {quantity(max(values), unit)})"
    )
    if len(values) < FEWEST_REFERENCES:
        verdict, text = "undecided", f"{text}; too few reference runs tell the spread"
    return Finding(text=text, verdict=verdict, about=one.name)


def _better(response: str, maximise: bool) -> str:
    """Say what a better configuration does, such as *is faster*."""
    if response == "latency_per_item_s":
        return "is faster per item"
    if "latency" in spoken(response):
        return "is faster"
    if response.startswith("energy"):
        return "needs less energy"
    return f"has {'more' if maximise else 'less'} {spoken(response)}"


def _changed(one: Modelled, row: int, reference: Run) -> str:
    """Name the levels of a measured row that differ from the reference's."""
    usual, options = reference.configuration, one.data.space.options
    changed = [
        f"{name} {quantity(level, options[name].unit)}"
        for name, level in one.data.X.iloc[row].items()
        if name not in usual or plain(level) != usual[str(name)]
    ]
    return f" ({', '.join(changed)})" if changed else ""
