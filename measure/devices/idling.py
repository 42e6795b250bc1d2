"""Idle states of the CPU, the rail of an idle GPU, and the fan.

They are no clocks, and yet they move power and latency: a core that wakes up from a
deep state is late, a rail that is switched off has to come up again, and a fan takes
power and changes the temperature, so leakage. What a sweep does not set it had better
hold still.
"""

from __future__ import annotations

from measure.devices.actuators import HIDES, Actuator
from measure.devices.switches import Choice, Switches
from measure.devices.transport import Link, find, read_texts
from measure.levels import Level

_CPU = "/sys/devices/system/cpu"
_CLUSTER_IDLE = "/sys/kernel/debug/tegra_cpufreq/*_CLUSTER/cc3/enable"
_FANS = ("/sys/devices/pwm-fan/target_pwm", "/sys/kernel/debug/tegra_fan/target_pwm")
FAN_PWM = (0, 85, 170, 255)
"""Levels of a fan that is set: off, a third, two thirds, full."""


def find_idle(link: Link, missing: dict[str, str]) -> Actuator | None:
    """Return what keeps cores, and on a TX2 clusters, out of deep idle states.

    Parameters
    ----------
    link : Link
        Leads to the board.
    missing : dict of str to str
        Gets the reason if there is none.

    Returns
    -------
    Switches or None
        True where the states may be used, as they are by default. The first state,
        which only waits for an interrupt, is left alone.
    """
    states = find(link, f"{_CPU}/cpu#/cpuidle/state#/disable")
    deep = [path for path in states if "/state0/" not in path]
    items = [(path, "0", "1") for path in deep]
    items += [(path, "1", "0") for path in find(link, _CLUSTER_IDLE)]
    if not items:
        missing["cpu_idle"] = f"{_CPU} tells no idle state that can be disabled"
        return None
    cores = {path: path.partition("/cpuidle/")[0] + "/online" for path in deep}
    meaning = "whether idle cores may go deeper than waiting"
    return Switches(link, "cpu_idle", items, cores=cores, meaning=meaning)


def find_railgate(
    link: Link, gates: list[str], missing: dict[str, str]
) -> Actuator | None:
    """Return what lets the GPU's rail be switched off while it is idle.

    Parameters
    ----------
    link : Link
        Leads to the board.
    gates : list of str
        Files that say so.
    missing : dict of str to str
        Gets the reason if there is none.

    Returns
    -------
    Switches or None
        It comes after the clocks: that of a GPU without power reads as the lowest.
    """
    if not gates:
        missing["gpu_railgate"] = "there is no railgate_enable"
        return None
    return Switches(
        link,
        "gpu_railgate",
        [(path, "1", "0") for path in gates],
        meaning="whether an idle GPU may lose its power; kept on while gpu_freq_hz is "
        "set and this is not",
        stage=HIDES,
    )


def find_fan(link: Link, missing: dict[str, str]) -> Choice | None:
    """Return the fan, taken from the temperature that it follows.

    Parameters
    ----------
    link : Link
        Leads to the board.
    missing : dict of str to str
        Gets the reason if there is none.

    Returns
    -------
    Choice or None
        Duty of 0 to 255.
    """
    for path in find(link, *_FANS):
        now = read_texts(link, [path])[path] or ""
        if not now.isdigit():
            continue
        control = path.rpartition("/")[0] + "/temp_control"
        prelude = [(one, "0") for one in find(link, control)]
        words: dict[Level, str] = {level: str(level) for level in FAN_PWM}
        meaning = "duty of the fan, whatever the temperature; 0 with care"
        return Choice(link, "fan_pwm", path, words, meaning, prelude)
    missing["fan_pwm"] = "there is no fan with a target_pwm"
    return None


def still(link: Link) -> list[tuple[Actuator, Level]]:
    """Return what holds the fan at full speed where a sweep does not set it.

    A fan that follows the temperature is part of what is measured: its power and what
    it cools change from run to run.

    Parameters
    ----------
    link : Link
        Leads to the board.

    Returns
    -------
    list of tuple
        For `measure.devices.actuators.apply`; empty where there is no fan.
    """
    fan = find_fan(link, {})
    return [] if fan is None else [(fan, FAN_PWM[-1])]
