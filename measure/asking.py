"""From words on a command line to a space and a design, checked against a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from measure.changing import usual_change_s
from measure.devices.base import RecordedDevice
from measure.errors import DesignError, DeviceError, SpaceError
from measure.levels import Level
from measure.options import Option
from measure.planning import runs_that_fit, runs_time_s
from measure.space import ConfigurationSpace
from measure.spelling import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from measure.designs.base import Design
    from measure.devices.base import Device
    from measure.protocol import MeasurementProtocol

#: A sweep that is told neither runs nor time takes this long.
USUAL_BUDGET_S = 300.0
#: CPU seconds of the search for a design: this share of the time that measuring it
#: takes, within bounds; what a longer search gains is small (docs of the designs).
SEARCH_SHARE, LEAST_SEARCH_S, MOST_SEARCH_S = 0.02, 1.0, 4.0


def ask_space(
    device: Device,
    names: Sequence[str] | None = None,
    file: Path | None = None,
    held: Mapping[str, str] | None = None,
) -> tuple[ConfigurationSpace, dict[str, Level]]:
    """Return the space to design in, and the levels of options that are held.

    Parameters
    ----------
    device : Device
        What can be set, and what it forbids.
    names : sequence of str, optional
        Options to vary; the device's usual ones, or those of the file, by default.
    file : pathlib.Path, optional
        A space file: its levels and forbidden combinations.
    held : mapping of str to str, optional
        Options to hold, and their level as text.

    Returns
    -------
    ConfigurationSpace
        Options that vary, without what is forbidden.
    dict of str to level
        Options that are held.

    Raises
    ------
    DeviceError
        If the device lacks an option or a level, or cannot set it now.
    SpaceError
        If nothing is left to vary.
    """
    texts = dict(held or {})
    space = device.space(names) if file is None else _from_file(device, file, names)
    outside = [name for name in texts if name not in space.names]
    for name in outside:
        _check_offer(device, name)
    if outside:
        # What the device forbids may speak of held options too.
        wider = device.space([*space.names, *outside])
        space = _with(space, wider, outside)
    levels = {name: space.options[name].check(text) for name, text in texts.items()}
    left = space.restrict(levels) if levels else space
    return left, levels


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a design is made of.

    Parameters
    ----------
    space : ConfigurationSpace
        Options that vary.
    held : dict of str to level
        Options that are held.
    candidates : DataFrame, optional
        The only configurations that can be had.
    notes : tuple of str, default=()
        What is left out.
    """

    space: ConfigurationSpace
    held: dict[str, Level]
    candidates: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()


def ask_recorded(
    device: Device,
    pairs: Sequence[tuple[str, str]],
    space: ConfigurationSpace,
    held: Mapping[str, Level],
    replicates: int = 1,
) -> Choice:
    """Return what a device can answer, where it answers from recorded runs only.

    Parameters
    ----------
    device : Device
        Any; one that measures can measure all of the space.
    pairs : sequence of (str, str)
        Networks and workloads that each need all rows.
    space : ConfigurationSpace
        What is asked to vary.
    held : mapping of str to level
        What is held.
    replicates : int, default=1
        How often each row is asked for.

    Returns
    -------
    Choice
        With the levels that were recorded; an option with one of them is held.

    Raises
    ------
    DeviceError
        If no configuration was recorded as often in all environments.
    """
    if not isinstance(device, RecordedDevice):
        return Choice(space=space, held=dict(held))
    found = device.recorded(pairs, space, held, replicates)
    where = ", ".join("/".join(pair) for pair in pairs)
    if found.empty:
        often = f" {replicates} times" if replicates > 1 else ""
        raise DeviceError(
            f"{device.address}: no configuration of {', '.join(space.names)} was "
            f"recorded{often} in each of {where}; name other --networks or --options, "
            "hold others by --set, or ask for fewer --replicates"
        )
    fixed, options = dict(held), []
    for option in space.options:
        there = set(found[option.name])
        levels = [level for level in option.levels if level in there]
        if len(levels) > 1:
            options.append(option.restricted(levels))
        else:
            fixed[option.name] = levels[0]
    if not options:
        raise DeviceError(
            f"{device.address}: one configuration was recorded in each of {where}; "
            "nothing varies"
        )
    left = _with(ConfigurationSpace(options), space, ())
    notes = (*device.notes, f"{len(found)} configurations were recorded")
    return Choice(
        space=left, held=fixed, candidates=found[list(left.names)], notes=notes
    )


def ask_design(
    name: str,
    space: ConfigurationSpace,
    device: Device,
    pairs: Sequence[tuple[str, str]],
    protocol: MeasurementProtocol,
    *,
    runs: int | None = None,
    model: str | None = None,
    criterion: str | None = None,
    budget_s: float | None = None,
    seed: int = 0,
    candidates: pd.DataFrame | None = None,
    whole_plots: int | None = None,
    variance_ratio: float | None = None,
    progress: Callable[[Any], None] | None = None,
) -> Design:
    """Return the design, as large as fits the time where no size is given.

    Parameters
    ----------
    name : str
        A design's name or a D.csv.
    space : ConfigurationSpace
        What varies.
    device : Device
        Tells how long a run takes.
    pairs : sequence of (str, str)
        Networks and workloads that each measure all rows.
    protocol : MeasurementProtocol
        How.
    runs : int, optional
        Rows wanted.
    model : str, optional
        What the design is made for.
    criterion : str, optional
        Of an optimal design; D by default.
    budget_s : float, optional
        Time there is; five minutes by default.
    seed : int, default=0
        Of the search.
    candidates : DataFrame, optional
        The only configurations to choose from; none is taken twice.
    whole_plots : int, optional
        Of a split-plot design; by default what tells most in the time.
    variance_ratio : float, optional
        Of a split-plot design: variance between whole plots over that within.
    progress : callable, optional
        Called during it.

    Returns
    -------
    Design
        A note says where fewer runs than interactions need fit the time.

    Raises
    ------
    DesignError
        If there is no such design, or it cannot be made as asked.
    """
    from measure.designs.making import (
        columns_of,
        default_model,
        is_sized,
        make_design,
    )
    from measure.designs.plot_sizes import RUN_S

    notes: tuple[str, ...] = ()
    usual = model or default_model(name)
    ends_s = runs_time_s(0, device, pairs, protocol)
    row_s = runs_time_s(1, device, pairs, protocol) - ends_s
    if runs is None and is_sized(name):
        time_s = budget_s or USUAL_BUDGET_S
        runs = runs_that_fit(time_s, device, pairs, protocol)
        runs = min(runs, _most_runs(space, usual))
        if not device.simulated:
            again = protocol.replicates
            runs = _with_changes(
                space,
                runs,
                usual if name == "split-plot" else None,
                time_s - ends_s,
                row_s / again,
                again,
                len(pairs),
                whole_plots,
            )
        runs = runs if candidates is None else min(runs, len(candidates))
        if model is None and criterion is None and name == "d-optimal":
            needed = columns_of(space, "interactions")
            if runs < needed:
                criterion = "bayes-d"
                notes = (
                    f"{runs} runs fit the time and interactions of all options need "
                    f"{needed}: Bayesian D-optimal, main effects first",
                )
    total_s = runs_time_s(runs or 1, device, pairs, protocol)
    search_s = min(max(LEAST_SEARCH_S, SEARCH_SHARE * total_s), MOST_SEARCH_S)
    if candidates is not None and is_sized(name) and (runs or 0) > len(candidates):
        raise DesignError(
            f"{name} design: {runs} runs, but {len(candidates)} configurations to "
            "choose from; take fewer --runs"
        )
    design = make_design(
        name,
        space,
        runs,
        model,
        seed,
        criterion=criterion or "d",
        budget_s=search_s,
        candidates=candidates,
        repeats=candidates is None,
        # A repeat is set up anew, as all of its environments together are once.
        run_s=RUN_S if device.simulated else row_s / protocol.replicates,
        variance_ratio=variance_ratio,
        whole_plots=whole_plots,
        progress=progress,
    )
    return replace(design, notes=(*notes, *design.notes)) if notes else design


def _with_changes(
    space: ConfigurationSpace,
    runs: int,
    plotted: str | None,
    time_s: float,
    row_s: float,
    replicates: int,
    environments: int,
    whole_plots: int | None = None,
) -> int:
    """Return how many of `runs` fit the time once dear options are changed as well.

    `plotted` is the model of a split-plot design; None: runs in random order.
    """
    from measure.designs.whole_plots import usual_plots

    cost_s = sum(option.change_cost_s for option in space.options)
    if cost_s <= 0:
        return runs
    if plotted is None:
        each_s = row_s + environments * usual_change_s(space)
        return max(1, min(runs, int(time_s / (each_s * replicates))))
    while runs > 1:
        plots = whole_plots or usual_plots(space, runs, plotted, run_s=row_s)
        if replicates * (runs * row_s + plots * cost_s) <= time_s:
            break
        runs -= 1
    return runs


def _most_runs(space: ConfigurationSpace, model: str) -> int:
    """Return more runs than which a sweep that names no number should not take."""
    from measure.designs.making import columns_of

    return max(2 * columns_of(space, model), 60)


def _from_file(
    device: Device, file: Path, names: Sequence[str] | None
) -> ConfigurationSpace:
    """Return a file's space, each level held against what the device offers."""
    given = ConfigurationSpace.from_file(file)
    unknown = [name for name in names or () if name not in given.names]
    if unknown:
        raise SpaceError(
            f"{file}: no option {unknown[0]!r}; it has {', '.join(given.names)}"
            f"{did_you_mean(unknown[0], given.names)}"
        )
    chosen = given.names if names is None else tuple(names)
    options = [_offered(device, given.options[name], str(file)) for name in chosen]
    own = device.space(chosen)
    forbid = [
        item
        for item in given.forbid
        if all(condition.option in chosen for condition in item.conditions)
    ]
    narrow = ConfigurationSpace(options, forbid)
    return _with(narrow, own, ())


def _offered(device: Device, option: Option, where: str) -> Option:
    """Return the option as the device can set it."""
    offer = _check_offer(device, option.name)
    if option.range is not None and offer.kind == "numeric":
        return option.snapped(float(level) for level in offer.levels)
    for level in option.levels:
        try:
            offer.check(level)
        except SpaceError as error:
            raise DeviceError(f"{where}: device {device.name}: {error}") from error
    return option


def _check_offer(device: Device, name: str) -> Option:
    offers = device.offers()
    if name not in offers:
        raise DeviceError(
            f"device {device.name}: no option {name!r}; choose from {', '.join(offers)}"
            f"{did_you_mean(name, offers)}"
        )
    offer = offers[name]
    if not offer.available or offer.option is None:
        raise DeviceError(
            f"device {device.name}: option {name!r} cannot be set: {offer.reason}"
        )
    option: Option = offer.option
    return option


def _with(
    space: ConfigurationSpace, device: ConfigurationSpace, more: Sequence[str]
) -> ConfigurationSpace:
    """Return `space` with more of the device's options, and all that it forbids."""
    options = [*space.options, *(device.options[name] for name in more)]
    known = {option.name: option for option in options}
    wide = {option.name: option for option in device.options}
    forbid = list(space.forbid)
    for item in device.forbid:
        if all(condition.option in known for condition in item.conditions):
            narrowed = item.narrowed(wide, known)
            if narrowed is not None and narrowed not in forbid:
                forbid.append(narrowed)
    return ConfigurationSpace(options, forbid)
