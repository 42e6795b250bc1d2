"""What a board is, and what can be set on it, found by looking at its files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from measure.devices.actuators import Actuator, Items
from measure.devices.clocks import OverriddenClock, PinnedClock
from measure.devices.idling import find_fan, find_idle, find_railgate
from measure.devices.kernel_options import kernel_options
from measure.devices.ladders import EMC_HZ, parse_rates
from measure.devices.power_mode import find_power_mode
from measure.devices.switches import Choice, Cores
from measure.devices.transport import Link, find, read_texts
from measure.errors import DeviceError
from measure.levels import Level

_CPU = "/sys/devices/system/cpu"
_DEBUG = "/sys/kernel/debug"
_CHIP = "/sys/module/tegra_fuse/parameters/tegra_chip_id"
_TREE = "/proc/device-tree"
CHIPS = {64: "tk1", 33: "tx1", 24: "tx2"}
_SOC = {"nvidia,tegra124": 64, "nvidia,tegra210": 33, "nvidia,tegra186": 24}
_GPU_FOLDERS = (
    "/sys/class/devfreq/*.gpu",
    "/sys/class/devfreq/*.gp10b",
    "/sys/devices/*.gpu/devfreq/*.gpu",
    "/sys/devices/gpu.0/devfreq/*.gpu",
    "/sys/devices/*.gp10b/devfreq/*.gp10b",
)
_RAILGATES = (
    "/sys/devices/*.gpu/railgate_enable",
    "/sys/devices/*.gp10b/railgate_enable",
    "/sys/devices/gpu.0/railgate_enable",
    "/sys/devices/platform/gpu.0/railgate_enable",
    "/sys/devices/platform/host1x/gpu.0/railgate_enable",
    "/sys/devices/platform/host1x/*.gpu/railgate_enable",
)
_EMC_CAP = ("/sys/kernel/nvpmodel_emc_cap/emc_iso_cap", "0")
_QOS = ("/sys/module/qos/parameters/enable", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which board it is.

    Parameters
    ----------
    word : str
        ``tk1``, ``tx1`` or ``tx2``.
    model, release, kernel : str
        As the board tells, empty where it does not.
    """

    word: str
    model: str = ""
    release: str = ""
    kernel: str = ""


def identify(link: Link) -> Identity:
    """Find out which board it is.

    Parameters
    ----------
    link : Link
        Leads to the board.

    Returns
    -------
    Identity
        By its chip.

    Raises
    ------
    DeviceError
        If it is none that is known.
    """
    paths = {
        "chip": _CHIP,
        "model": f"{_TREE}/model",
        "compatible": f"{_TREE}/compatible",
        "release": "/etc/nv_tegra_release",
        "kernel": "/proc/sys/kernel/osrelease",
    }
    read = read_texts(link, list(paths.values()))
    told = {name: read[path] or "" for name, path in paths.items()}
    chips = [chip for soc, chip in _SOC.items() if soc in told["compatible"]]
    chip = int(told["chip"]) if told["chip"].isdigit() else (chips or [0])[0]
    if chip == 33 and "p3448" in told["compatible"]:
        raise DeviceError(
            f"this is a Jetson Nano ({told['model'] or 'p3448'}), with the chip of a "
            "TX1 and other ladders and rails; boards that can be set: tk1, tx1, tx2"
        )
    if chip not in CHIPS:
        raise DeviceError(
            f"there is no Jetson: {_CHIP} says {told['chip'] or 'nothing'}; boards "
            "that can be set: tk1 (64), tx1 (33), tx2 (24)"
        )
    return Identity(
        word=CHIPS[chip],
        model=told["model"],
        release=_release(told["release"]),
        kernel=told["kernel"],
    )


def _release(line: str) -> str:
    """Return the release of the board's software, such as ``R32.7.1``.

    Examples
    --------
    >>> _release("# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref")
    'R32.7.1'
    """
    found = re.search(r"(R\d+)\b.*?REVISION:\s*([\d.]+)", line)
    return ".".join(found.groups()) if found else ""


def probe(link: Link, word: str) -> tuple[list[Actuator], dict[str, str]]:
    """Return what can be set, in the order in which it must be.

    - The power mode comes first: it sets cores and the limits of clocks.
    - Cores come before clocks: an offline core has no cpufreq.
    - A governor comes before a CPU clock, whose bounds hold whatever it wants.
    - The memory clock comes after the CPU's: without the override it follows it.
    - Idle states come after cores: those of a core that is offline have no say.
    - The GPU's rail comes after its clock, which lies where the rail may be off.
    - The fan and options of the kernel depend on none of these.

    Parameters
    ----------
    link : Link
        Leads to the board.
    word : str
        Which board it is.

    Returns
    -------
    actuators : list of Actuator
        By the order of their application.
    missing : dict of str to str
        Why others are not there.
    """
    missing: dict[str, str] = {}
    found: list[Actuator | None] = [
        find_power_mode(link, missing),
        _cluster(link, missing),
        _cores(link, missing),
        _governor(link, missing),
        _cpu_clock(link, missing),
        _gpu_clock(link, missing),
        _emc_clock(link, word, missing),
        find_idle(link, missing),
        find_railgate(link, find(link, *_RAILGATES), missing),
        find_fan(link, missing),
    ]
    kernel, absent = kernel_options(link)
    missing.update(absent)
    return [one for one in (*found, *kernel) if one is not None], missing


def _cluster(link: Link, missing: dict[str, str]) -> Actuator | None:
    path = "/sys/kernel/cluster/active"
    if not find(link, path):
        missing["cpu_cluster"] = "/sys/kernel/cluster is not there"
        return None
    words: dict[Level, str] = {"general": "G", "low-power": "LP"}
    meaning = "which cluster of cores runs; the low-power one is a single core"
    return Choice(link, "cpu_cluster", path, words, meaning)


def _cores(link: Link, missing: dict[str, str]) -> Actuator | None:
    related = f"{_CPU}/cpu0/cpufreq/related_cpus"
    told = read_texts(link, [related])[related] or ""
    cores = [int(core) for core in told.split() if core.isdigit() and core != "0"]
    switches = [f"{_CPU}/cpu{core}/online" for core in cores]
    if not switches:
        switches = find(link, f"{_CPU}/cpu#/online")
        switches = [path for path in switches if "/cpu0/" not in path]
    there = find(link, *switches) if switches else []
    if not there:
        missing["cpu_cores"] = f"{_CPU} has no core that can go offline"
        return None
    quiet = f"{_CPU}/cpuquiet"
    wanted = [(f"{quiet}/tegra_cpuquiet/enable", "0")]
    wanted.append((f"{quiet}/current_governor", "runnable"))
    return Cores(link, there, _present(link, wanted))


def _governor(link: Link, missing: dict[str, str]) -> Actuator | None:
    folder = f"{_CPU}/cpu0/cpufreq"
    listed = f"{folder}/scaling_available_governors"
    names = (read_texts(link, [listed])[listed] or "").split()
    if not names:
        missing["cpu_governor"] = f"{listed} cannot be read"
        return None
    words: dict[Level, str] = {name: name for name in names}
    meaning = "has no say while cpu_freq_hz is set"
    return Choice(link, "cpu_governor", f"{folder}/scaling_governor", words, meaning)


def _cpu_clock(link: Link, missing: dict[str, str]) -> Actuator | None:
    folder = f"{_CPU}/cpu0/cpufreq"
    listed = f"{folder}/scaling_available_frequencies"
    ladder = parse_rates(read_texts(link, [listed])[listed] or "", 1000)
    if not ladder:
        missing["cpu_freq_hz"] = f"{listed} cannot be read"
        return None
    return PinnedClock(
        link,
        "cpu_freq_hz",
        ladder,
        minimum=f"{folder}/scaling_min_freq",
        maximum=f"{folder}/scaling_max_freq",
        now=f"{folder}/scaling_cur_freq",
        unit_hz=1000,
        meaning="of the cluster of the first core",
        prelude=_present(link, [_QOS]),
    )


def _gpu_clock(link: Link, missing: dict[str, str]) -> Actuator | None:
    # A gated rail stops the GPU, and its clock then reads as the lowest.
    gates = [(path, "0") for path in find(link, *_RAILGATES)]
    gates += _present(link, [_QOS])
    for folder in find(link, *_GPU_FOLDERS):
        listed = f"{folder}/available_frequencies"
        ladder = parse_rates(read_texts(link, [listed])[listed] or "")
        if ladder:
            return PinnedClock(
                link,
                "gpu_freq_hz",
                ladder,
                minimum=f"{folder}/min_freq",
                maximum=f"{folder}/max_freq",
                now=f"{folder}/cur_freq",
                meaning="with its rail kept on",
                prelude=gates,
            )
    clock, override = f"{_DEBUG}/clock/gbus", f"{_DEBUG}/clock/override.gbus"
    listed = f"{clock}/possible_rates"
    ladder = parse_rates(read_texts(link, [listed])[listed] or "", 1000)
    if not ladder or not find(link, f"{override}/rate"):
        missing["gpu_freq_hz"] = (
            f"neither a devfreq of the GPU nor {override} is there{_locked(link)}"
        )
        return None
    return OverriddenClock(
        link,
        "gpu_freq_hz",
        ladder,
        rate=f"{override}/rate",
        switch=f"{override}/state",
        now=f"{clock}/rate",
        meaning="by override, with its rail kept on",
        prelude=gates,
    )


def _emc_clock(link: Link, word: str, missing: dict[str, str]) -> Actuator | None:
    ways = (
        (
            f"{_DEBUG}/bpmp/debug/clk/emc/rate",
            f"{_DEBUG}/bpmp/debug/clk/emc/mrq_rate_locked",
            (f"{_DEBUG}/clk/emc/clk_rate", f"{_DEBUG}/bpmp/debug/clk/emc/rate"),
        ),
        *(
            (
                f"{_DEBUG}/clk/override.emc/{rate}",
                f"{_DEBUG}/clk/override.emc/clk_state",
                (f"{_DEBUG}/clk/emc/clk_rate",),
            )
            for rate in ("clk_update_rate", "clk_rate")
        ),
        (
            f"{_DEBUG}/clock/override.emc/rate",
            f"{_DEBUG}/clock/override.emc/state",
            (f"{_DEBUG}/clock/emc/rate",),
        ),
    )
    for rate, switch, clocks in ways:
        now = find(link, *clocks)
        if now and len(find(link, rate, switch)) == 2:
            ladder = _emc_ladder(link, word)
            if not ladder:
                missing["emc_freq_hz"] = "the kernel does not list its clocks"
                return None
            return OverriddenClock(
                link,
                "emc_freq_hz",
                ladder,
                rate=rate,
                switch=switch,
                now=now[0],
                meaning="by override, whatever CPU clock and power mode ask for",
                prelude=_present(link, [_EMC_CAP]),
            )
    missing["emc_freq_hz"] = (
        f"no override of the memory clock in {_DEBUG}{_locked(link)}"
    )
    return None


def _emc_ladder(link: Link, word: str) -> tuple[int, ...]:
    """Return the kernel's list, else the board's within the kernel's bounds."""
    listed = [
        f"{_DEBUG}/clock/emc/possible_rates",
        f"{_DEBUG}/clk/emc/clk_possible_rates",
    ]
    for text in read_texts(link, listed).values():
        if text and (ladder := parse_rates(text, 1000)):
            return ladder
    folders = (
        f"{_DEBUG}/tegra_bwmgr/emc_%s_rate",
        f"{_DEBUG}/bpmp/debug/clk/emc/%s_rate",
    )
    bounds = [0, max(EMC_HZ.get(word, (0,)))]
    for folder in folders:
        read = read_texts(link, [folder % "min", folder % "max"])
        for number, text in enumerate(read.values()):
            if text and text.isdigit():
                bounds[number] = int(text)
    return tuple(hz for hz in EMC_HZ.get(word, ()) if bounds[0] <= hz <= bounds[1])


def _present(link: Link, items: Items) -> Items:
    there = find(link, *(path for path, _ in items)) if items else []
    return [(path, text) for path, text in items if path in there]


def _locked(link: Link) -> str:
    """Say so where debugfs is closed to whoever asks."""
    if link.ask("status")["uid"] != 0:
        return "; only root sees it: use --sudo, or connect as root"
    return ""
