"""One run on a board, whichever it is: set, rest, run, rest, put back.

The configuration is applied and read back. One sampler on the board watches power,
clocks and temperatures while the board rests, runs a program and rests again: idle
power is measured at the same configuration, on either side of the load. What the
program says of its calls and what the samples say are joined by the board's own
clock, which stamps both.

The window is 20 updates of the power sensor long, and is measured again, longer, as
long as that brings the 95 % interval of the energy within 2 %, up to a cap. The calls
of the shorter ones are kept as raw values of the run, and their flags are the run's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from measure.devices.base import Measurement
from measure.devices.board_conditions import LOAD, conditions_of
from measure.devices.board_controls import BoardControls
from measure.devices.board_course import Course, course_of, longer
from measure.devices.board_instruments import Instruments, hot
from measure.devices.board_readings import (
    ENERGIES,
    NO_QUICK_ENERGY,
    energy_readings,
    missing,
    power_reading,
)
from measure.devices.configured import configured
from measure.devices.run_flags import clock_flags, power_flags
from measure.devices.transport import Link, LinkLost, read_texts
from measure.devices.watching import Seen, begin, drain, seen
from measure.energy import Energy, energy_of
from measure.errors import MeasureError

if TYPE_CHECKING:
    from measure.configuration import Configuration
    from measure.devices.board_programs import BoardProgram, Calls
    from measure.levels import Level
    from measure.records import Reading
    from measure.workloads.base import Timing


LOAD_LIMIT_S = 120.0
"""A board at its lowest clocks takes so long to load what runs a network."""
NOT_READ = "the program does not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One window, as it was watched.

    Parameters
    ----------
    trace : Seen
        Samples from the first rest to the end of the last.
    calls : Calls
        What the program said.
    before, after : tuple of float
        Begin and end of each rest, on the board's clock.
    """

    trace: Seen
    calls: Calls
    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def loaded(self) -> tuple[float, float]:
        """From the start of the program to its end."""
        return self.before[1], self.after[0]


class BoardRun:
    """Measures configurations on a board.

    Parameters
    ----------
    controls : BoardControls
        Of the board.
    instruments : callable
        Returns what is watched; called while the power sensor's mode is pinned.
    """

    def __init__(
        self,
        controls: BoardControls,
        instruments: Callable[[], Instruments],
    ) -> None:
        self.controls, self._instruments = controls, instruments

    def measure(
        self,
        program: BoardProgram,
        configuration: Configuration,
        timing: Timing,
        *,
        keep: bool = False,
    ) -> Measurement:
        """Measure one configuration, and put the board back.

        Parameters
        ----------
        program : BoardProgram
            What runs; copied to the board if need be.
        configuration : Configuration
            Options that are none of the board's are the program's.
        timing : Timing
            How long.
        keep : bool, default=False
            Whether levels may stand after a run that went well, for the next one.

        Returns
        -------
        Measurement
            Calls, energy with its uncertainty, what was read back, flags.

        Raises
        ------
        RunFailed
            If a level is not taken, the program failed, or the link broke.
        DeviceError
            If the board cannot be reached again, or not be put back.
        """
        try:
            self.controls.reconnect()
            program.copy(self.controls.link)
            own = self.controls.actuators
            levels = {name: v for name, v in configuration.items() if name in own}
            with configured(self.controls, levels, keep=keep):
                return self._measure(program, configuration, levels, timing)
        except LinkLost:
            self.controls.lost = True
            raise

    def _measure(
        self,
        program: BoardProgram,
        configuration: Configuration,
        levels: Mapping[str, Level],
        timing: Timing,
    ) -> Measurement:
        link, instruments = self.controls.link, self._instruments()
        course = course_of(timing, instruments.period_s)
        states = tuple(instruments.cooling.values())
        held_down = hot(read_texts(link, states), instruments.cooling)
        cooling, flags = instruments.cooling, dict[str, None]()
        earlier: list[Taken] = []
        while True:
            taken = _take(link, instruments, program, configuration, timing, course)
            energy, readings, found = judged(taken, instruments, quick=timing.quick)
            clocks = taken.trace.clocks_between(*(taken.calls.window or taken.loaded))
            seen_at = {cooling[n]: str(v) for n, v in taken.trace.cooling.items()}
            held_down |= hot(seen_at, cooling)
            # What spoke against a window speaks against the one that took its place.
            own = (*taken.calls.flags, *clock_flags(clocks, levels), *found)
            flags |= dict.fromkeys(own)
            length = None if energy is None else longer(energy, course.window_s)
            if length is None:
                break
            earlier.append(taken)
            course = replace(course, window_s=length)
        calls, observed = taken.calls, self.controls.read(levels)
        told = read_texts(link, [LOAD, *states])
        flags |= dict.fromkeys(sorted(held_down | hot(told, cooling)))
        read_back = {**calls.read_back, **observed}
        how = dict.fromkeys(observed, "read on the board after its calls")
        reasons = {**calls.read_back_reason, **how}
        return Measurement(
            calls_s=calls.calls_s,
            warm_up_s=calls.warm_up_s,
            cpu_time_s=calls.cpu_time_s,
            batch_size=calls.batch_size,
            readings=readings,
            read_back={n: read_back.get(n) for n in configuration},
            read_back_reason={n: reasons.get(n, NOT_READ) for n in configuration},
            flags=tuple(flags),
            raw={
                f"window_{number}_calls_s": one.calls.calls_s
                for number, one in enumerate(earlier, 1)
            },
            conditions=conditions_of(told[LOAD], taken.trace.temperature_c, clocks),
        )


def _take(
    link: Link,
    instruments: Instruments,
    program: BoardProgram,
    configuration: Configuration,
    timing: Timing,
    course: Course,
) -> Taken:
    """Rest, run and rest while the board's sampler watches."""
    time_limit_s = timing.time_limit_s + course.window_s + 2.0 * course.lead_s
    argv = program.argv(
        configuration,
        seconds=timing.seconds,
        window_s=course.window_s,
        lead_s=course.lead_s,
        min_calls=timing.min_calls,
        quick=timing.quick,
        warm_up_cap_s=timing.warm_up_cap_s,
        time_limit_s=time_limit_s,
    )
    watch = instruments.watch(course.every_s)
    start_s = begin(link, watch)
    try:
        link.clock.sleep(course.rest_s)
        raw = drain(link)
        reply = link.ask("run", argv=argv, limit_s=time_limit_s + LOAD_LIMIT_S)
        raw += drain(link)
        link.clock.sleep(course.rest_s)
        raw += drain(link, stop=True)
    except LinkLost:
        raise
    except BaseException:
        # The agent would go on sampling into its memory.
        with suppress(MeasureError):
            drain(link, stop=True)
        raise
    calls = program.calls(reply)
    stop_s = max([reply["stop_s"], *(one[1] for one in raw[-1:])])
    return Taken(
        trace=seen(watch, raw),
        calls=calls,
        before=(start_s, reply["start_s"]),
        after=(reply["stop_s"], stop_s),
    )


def judged(
    taken: Taken, instruments: Instruments, *, quick: bool
) -> tuple[Energy | None, tuple[Reading, ...], tuple[str, ...]]:
    """Return what the power samples of a window tell.

    Parameters
    ----------
    taken : Taken
        As it was watched.
    instruments : Instruments
        Of the board.
    quick : bool
        Whether there is no energy window.

    Returns
    -------
    energy : Energy or None
        None where there is none.
    readings : tuple of Reading
        Missing ones with their reason.
    flags : tuple of str
        What speaks against trusting them.
    """
    calls, power, window = taken.calls, taken.trace.power, taken.calls.window
    totals = ("power_w", *ENERGIES)
    if window is None:
        why = instruments.why_no_power
        why = why or "the program does not tell when it was under load"
        return None, missing((*totals, *instruments.parts), why), ()
    sensors = instruments.sensors
    parts = tuple(
        power_reading(response, power[rail], window, sensors[rail])
        for response, rail in instruments.parts.items()
    )
    total = instruments.total
    flags = tuple(
        flag
        for rail in instruments.rails
        for flag in power_flags(taken.trace, rail, sensors[rail].period_s)
    )
    if not total:
        return None, (*missing(totals, instruments.why_no_power), *parts), flags
    why = taken.trace.why_missing(total)
    if why:
        return None, (*missing(totals, why), *parts), flags
    if quick:
        mean = power_reading("power_w", power[total], window, sensors[total])
        return None, (mean, *missing(ENERGIES, NO_QUICK_ENERGY), *parts), flags
    period_s = sensors[total].period_s
    # What is read early in a rest is an update from up to a period before, and that is
    # the mean over another period: the load, or other clocks, would still be in it.
    stale_s = 2.0 * period_s + taken.trace.every_s
    before, after = (
        power[total].between(start_s + stale_s, stop_s)
        for start_s, stop_s in (taken.before, taken.after)
    )
    try:
        energy = energy_of(
            power[total], *window, sensors[total], before=before, after=after
        )
    except ValueError as error:
        return None, (*missing(totals, str(error)), *parts), flags
    own = energy_readings(energy, calls.window_calls, calls.batch_size)
    return energy, (*own, *parts), (*flags, *energy.flags)
