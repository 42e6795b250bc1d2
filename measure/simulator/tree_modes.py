"""What of a board's files is neither clock nor sensor: idle states, fan, power modes.

Where ``nvpmodel`` stands in a tree is a file that holds the number of the mode. The
modes of the TX2 are those of L4T 32; those of the TX1 only have the form of such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from measure.simulator.tree_layouts import CPU, DEBUG, Layout

PROGRAM = "/usr/sbin/nvpmodel"
EMC_CAP = "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap"
SCRIPT = b"""#!/bin/sh
# Stands for the program of that name: the board's thread sees what it writes.
state="$(dirname "$0")/../../var/lib/nvpmodel/status"
case "$1" in
-q) echo "NV Power Mode: of the imitation"; cat "$state" ;;
-m) printf '%s\\n' "$2" >"$state" ;;
*) exit 2 ;;
esac
"""
STATE = "/var/lib/nvpmodel/status"
"""Where the script above keeps the mode, on a disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One power mode.

    Parameters
    ----------
    name : str
        As users know it.
    off : tuple of int
        Cores that are offline.
    cpu_khz : tuple of int
        Limit of each cluster; -1: none.
    gpu_hz : int
        Limit; -1: none.
    emc_hz : int
        Limit of the memory clock, on a TX2; 0: none.
    """

    name: str
    off: tuple[int, ...] = ()
    cpu_khz: tuple[int, ...]
    gpu_hz: int = -1
    emc_hz: int = 0


MODES: Mapping[str, tuple[Mode, ...]] = {
    "tx1-r32": (
        Mode(name="MAXN", cpu_khz=(-1,)),
        Mode(name="10W", cpu_khz=(1224000,), gpu_hz=640_000_000),
        Mode(name="5W", off=(2, 3), cpu_khz=(918000,), gpu_hz=640_000_000),
    ),
    "tx2": (
        Mode(name="MAXN", cpu_khz=(-1, -1)),
        Mode(
            name="MAXQ",
            off=(1, 2),
            cpu_khz=(1200000, -1),
            gpu_hz=850_000_000,
            emc_hz=1_331_200_000,
        ),
        Mode(
            name="MAXP_CORE_ALL",
            cpu_khz=(1400000, 1400000),
            gpu_hz=1_120_000_000,
            emc_hz=1_600_000_000,
        ),
        Mode(
            name="MAXP_CORE_ARM",
            off=(1, 2),
            cpu_khz=(2000000, -1),
            gpu_hz=1_120_000_000,
            emc_hz=1_600_000_000,
        ),
    ),
}
"""By board; their limits are not on its ladders, as it is with the real ones."""


def more_files(layout: Layout) -> tuple[dict[str, str], dict[str, str]]:
    """Return what a board has beside cores, clocks and sensors.

    Parameters
    ----------
    layout : Layout
        Which board.

    Returns
    -------
    settable : dict of str to str
        Content of the files that can be written.
    told : dict of str to str
        Of those that only tell something.
    """
    settable, told = {}, {}
    for core in sorted(core for cluster in layout.clusters for core in cluster):
        for number, state in enumerate(("WFI", "C7")):
            folder = f"{CPU}/cpu{core}/cpuidle/state{number}"
            settable[f"{folder}/disable"] = "0\n"
            told[f"{folder}/name"] = f"{state}\n"
    if layout.name == "tx2":
        for cluster in ("M", "B"):
            path = f"{DEBUG}/tegra_cpufreq/{cluster}_CLUSTER/cc3/enable"
            settable[path] = "1\n"
        settable[EMC_CAP] = "0\n"
    fan = ""
    if layout.kernel.startswith("4.9"):
        fan = "/sys/devices/pwm-fan"
    elif layout.name != "tk1":
        fan = f"{DEBUG}/tegra_fan"
    if fan:
        settable[f"{fan}/target_pwm"] = "0\n"
        settable[f"{fan}/temp_control"] = "1\n"
        told[f"{fan}/cur_pwm"] = "0\n"
    if layout.name in MODES:
        settable[PROGRAM] = "0\n"
        told["/etc/nvpmodel.conf"] = _configuration(layout)
    return settable, told


def mode_writes(layout: Layout, number: int) -> Iterator[tuple[str, str]]:
    """Return what setting a mode writes; limits off a ladder go to the rung below.

    Parameters
    ----------
    layout : Layout
        Which board.
    number : int
        Of the mode.

    Yields
    ------
    tuple of str
        Path and text.
    """
    mode = MODES[layout.name][number]
    for core in (core for cluster in layout.clusters for core in cluster if core):
        yield f"{CPU}/cpu{core}/online", "0" if core in mode.off else "1"
    bounds = [
        (layout.policy(cluster), "scaling_", layout.cpu_khz, limit)
        for cluster, limit in enumerate(mode.cpu_khz)
    ]
    bounds.append((layout.gpu, "", layout.gpu_hz, mode.gpu_hz))
    if layout.name == "tx2":
        yield EMC_CAP, str(mode.emc_hz)
    for folder, prefix, ladder, limit in bounds:
        under = [rung for rung in ladder if limit < 0 or rung <= limit]
        yield f"{folder}/{prefix}min_freq", str(ladder[0])
        yield f"{folder}/{prefix}max_freq", str(max(under))


def _configuration(layout: Layout) -> str:
    cores = sorted(core for cluster in layout.clusters for core in cluster)
    lines = ["# of the imitation", "< PARAM TYPE=FILE NAME=CPU_ONLINE >"]
    lines += [f"CORE_{core} {CPU}/cpu{core}/online" for core in cores]
    clocks = [
        (f"CPU_{number}", layout.policy(number), "scaling_")
        for number in range(len(layout.clusters))
    ]
    for name, folder, prefix in [*clocks, ("GPU", layout.gpu, "")]:
        table = f"{prefix}available_frequencies"
        lines += ["", f"< PARAM TYPE=CLOCK NAME={name} >"]
        lines += [f"FREQ_TABLE {folder}/{table}"]
        lines += [
            f"{end.upper()}_FREQ {folder}/{prefix}{end}_freq" for end in ("max", "min")
        ]
    if layout.name == "tx2":
        lines += ["", "< PARAM TYPE=CLOCK NAME=EMC >", f"MAX_FREQ {EMC_CAP}"]
    for number, mode in enumerate(MODES[layout.name]):
        lines += ["", f"< POWER_MODEL ID={number} NAME={mode.name} >"]
        lines += [f"CPU_ONLINE CORE_{c} {int(c not in mode.off)}" for c in cores]
        for cluster, limit in enumerate(mode.cpu_khz):
            lines += [f"CPU_{cluster} MIN_FREQ 0", f"CPU_{cluster} MAX_FREQ {limit}"]
        lines += ["GPU MIN_FREQ 0", f"GPU MAX_FREQ {mode.gpu_hz}"]
        lines += [f"EMC MAX_FREQ {mode.emc_hz}"] if layout.name == "tx2" else []
    return "\n".join([*lines, "", "< PM_CONFIG DEFAULT=0 >", ""])
