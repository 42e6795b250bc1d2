"""The files of boards by software release: what is where, and what it holds at boot.

Paths and formats are those of the L4T kernels 3.10 (R24), 4.4 (R28) and 4.9 (R32);
which release has which interface is in [1]_.

References
----------
.. [1] L4T kernel sources and ``jetson_clocks.sh`` of releases 24, 28 and 32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CPU = "/sys/devices/system/cpu"
CPUQUIET = f"{CPU}/cpuquiet/tegra_cpuquiet/enable"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
DEBUG = "/sys/kernel/debug"
INPUT_MV = 19100
"""On the input side of the regulators, where power is measured."""

_TX1_CPU_KHZ = (102000, 204000, 306000, 408000, 510000, 612000, 714000, 816000) + (
    (918000, 1020000, 1122000, 1224000, 1326000, 1428000, 1555000, 1632000, 1734000)
)
_TX1_GPU_HZ = tuple(76_800_000 * k for k in range(1, 14))
_TX1_EMC_HZ = (40_800_000, 68_000_000, 204_000_000, 408_000_000, 665_600_000) + (
    (800_000_000, 1_065_600_000, 1_331_200_000, 1_600_000_000)
)
_TX1_FLOOR_KHZ = (
    (102000, 68000),
    (204800, 102000),
    (307200, 204000),
    (403000, 408000),
    (800000, 665600),
    (1122000, 800000),
    (1224000, 1056000),
    (1428000, 1331200),
    (1632000, 1600000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a board has what.

    Parameters
    ----------
    name : str
        Board and release, such as ``tx1-r32``.
    chip_id : int
        Of the fuses.
    kernel : str
        Its release.
    release : str
        First line of ``/etc/nv_tegra_release``.
    model, compatible : str
        Of the device tree.
    clusters : tuple of tuple of int
        Cores that share a clock; the first are those that are measured.
    cpu_khz, gpu_hz, emc_hz : tuple of int
        Ladders, ascending.
    floor_khz : tuple of tuple of int
        From which CPU clock on the kernel asks for which memory clock.
    gpu : str
        Folder of its devfreq, or empty where debugfs has the clock ``gbus``.
    railgate : str
        The file that keeps the GPU's rail on.
    emc : {"clock", "clk", "bwmgr", "bpmp"}
        Which debugfs interface the memory clock has.
    governors : tuple of str
        Of the CPU, the first in force.
    sensors : tuple of (str, tuple of str)
        Folders of power sensors, and the rails of the three channels of each.
    cluster_switch : bool, default=False
        Whether ``/sys/kernel/cluster`` is there.
    """

    name: str
    chip_id: int
    kernel: str
    release: str
    model: str
    compatible: str
    clusters: tuple[tuple[int, ...], ...]
    cpu_khz: tuple[int, ...]
    gpu_hz: tuple[int, ...]
    emc_hz: tuple[int, ...]
    floor_khz: tuple[tuple[int, int], ...]
    gpu: str
    railgate: str
    emc: str
    governors: tuple[str, ...]
    sensors: tuple[tuple[str, tuple[str, ...]], ...]
    cluster_switch: bool = False

    @property
    def rails(self) -> tuple[str, ...]:
        """All rails whose power is told."""
        return tuple(rail for _, rails in self.sensors for rail in rails)

    @property
    def emc_folder(self) -> str:
        """Where the memory clock is set."""
        return {
            "clock": f"{DEBUG}/clock/override.emc",
            "clk": f"{DEBUG}/clk/override.emc",
            "bwmgr": f"{DEBUG}/clk/override.emc",
            "bpmp": f"{DEBUG}/bpmp/debug/clk/emc",
        }[self.emc]

    @property
    def emc_names(self) -> tuple[str, str]:
        """Files of the rate and of the switch."""
        return {
            "clock": ("rate", "state"),
            "clk": ("clk_rate", "clk_state"),
            "bwmgr": ("clk_update_rate", "clk_state"),
            "bpmp": ("rate", "mrq_rate_locked"),
        }[self.emc]

    @property
    def emc_now(self) -> str:
        """File of the memory clock as it is."""
        if self.emc == "clock":
            return f"{DEBUG}/clock/emc/rate"
        return f"{DEBUG}/clk/emc/clk_rate"

    def policy(self, cluster: int) -> str:
        """Return the folder of a cluster's clock.

        Parameters
        ----------
        cluster : int
            Its number.

        Returns
        -------
        str
            Path.
        """
        if self.kernel.startswith("3."):
            return f"{CPU}/cpu{self.clusters[cluster][0]}/cpufreq"
        return f"{CPU}/cpufreq/policy{self.clusters[cluster][0]}"


_TX1 = {
    "chip_id": 33,
    "clusters": ((0, 1, 2, 3),),
    "cpu_khz": _TX1_CPU_KHZ,
    "gpu_hz": _TX1_GPU_HZ,
    "emc_hz": _TX1_EMC_HZ,
    "floor_khz": _TX1_FLOOR_KHZ,
    "sensors": (
        (
            "/sys/devices/7000c400.i2c/i2c-1/1-0040/iio:device0",
            ("VDD_IN", "VDD_GPU", "VDD_CPU"),
        ),
    ),
}

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            name="tx1-r24",
            kernel="3.10.96-tegra",
            release="# R24 (release), REVISION: 2.1, GCID: 8028265, BOARD: t210ref, "
            "EABI: aarch64, DATE: Thu Nov 10 03:51:59 UTC 2016",
            model="jetson_tx1",
            compatible="nvidia,jetson-cv\0nvidia,tegra210",
            gpu="",
            railgate="/sys/devices/platform/host1x/gpu.0/railgate_enable",
            emc="clock",
            governors=("interactive", "userspace", "performance"),
            cluster_switch=True,
            **_TX1,  # type: ignore[arg-type]
        ),
        Layout(
            name="tx1-r28",
            kernel="4.4.38-tegra",
            release="# R28 (release), REVISION: 2.1, GCID: 11272647, BOARD: t210ref, "
            "EABI: aarch64, DATE: Thu May 17 07:29:06 UTC 2018",
            model="jetson_cv",
            compatible="nvidia,jetson-cv\0nvidia,tegra210",
            gpu="/sys/devices/57000000.gpu/devfreq/57000000.gpu",
            railgate="/sys/devices/57000000.gpu/railgate_enable",
            emc="clk",
            governors=("interactive", "userspace", "performance"),
            **_TX1,  # type: ignore[arg-type]
        ),
        Layout(
            name="tx1-r32",
            kernel="4.9.253-tegra",
            release="# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, "
            "EABI: aarch64, DATE: Sat Feb 19 17:05:08 UTC 2022",
            model="NVIDIA Jetson TX1 Developer Kit",
            compatible="nvidia,p2597-2180\0nvidia,jetson-cv\0nvidia,tegra210",
            gpu="/sys/devices/57000000.gpu/devfreq/57000000.gpu",
            railgate="/sys/devices/57000000.gpu/railgate_enable",
            emc="bwmgr",
            governors=("schedutil", "userspace", "performance", "powersave"),
            **_TX1,  # type: ignore[arg-type]
        ),
        Layout(
            name="tx2",
            chip_id=24,
            kernel="4.9.253-tegra",
            release="# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t186ref, "
            "EABI: aarch64, DATE: Sat Feb 19 17:07:00 UTC 2022",
            model="quill",
            compatible="nvidia,p2597-0000+p3310-1000\0nvidia,quill\0nvidia,tegra186",
            clusters=((0, 3, 4, 5), (1, 2)),
            cpu_khz=tuple(345_600 + 153_600 * k for k in range(12)),
            gpu_hz=tuple(140_250_000 + 89_250_000 * k for k in range(14)),
            emc_hz=(204_000_000, 408_000_000, 665_600_000, 800_000_000)
            + (1_062_400_000, 1_331_200_000, 1_600_000_000, 1_866_000_000),
            floor_khz=((345600, 204000), (1113600, 800000), (1881600, 1331200)),
            gpu="/sys/devices/17000000.gp10b/devfreq/17000000.gp10b",
            railgate="/sys/devices/17000000.gp10b/railgate_enable",
            emc="bpmp",
            governors=("schedutil", "userspace", "performance"),
            sensors=(
                (
                    "/sys/devices/c240000.i2c/i2c-0/0-0040/iio:device0",
                    ("VDD_SYS_GPU", "VDD_SYS_SOC", "VDD_4V0_WIFI"),
                ),
                (
                    "/sys/devices/c240000.i2c/i2c-0/0-0041/iio:device1",
                    ("VDD_IN", "VDD_SYS_CPU", "VDD_SYS_DDR"),
                ),
            ),
        ),
        Layout(
            name="tk1",
            chip_id=64,
            kernel="3.10.40-grinch",
            release="# R21 (release), REVISION: 4.0, GCID: 5650832, BOARD: ardbeg, "
            "EABI: hard, DATE: Thu Jun 25 22:38:59 UTC 2015",
            model="jetson-tk1",
            compatible="nvidia,jetson-tk1\0nvidia,tegra124",
            clusters=((0, 1, 2, 3),),
            cpu_khz=(204000, 306000, 696000, 1044000, 1428000, 1836000, 2320500),
            gpu_hz=tuple(
                mhz * 1_000_000
                for mhz in (72, 108, 180, 252, 324, 396, 468, 540, 612, 648, 684)
                + (708, 756, 804, 852)
            ),
            emc_hz=(204_000_000, 300_000_000, 396_000_000, 528_000_000)
            + (600_000_000, 792_000_000, 924_000_000),
            floor_khz=((204000, 204000), (1044000, 528000), (1836000, 924000)),
            gpu="",
            railgate="",
            emc="clock",
            governors=("interactive", "userspace", "performance"),
            sensors=(),
            cluster_switch=True,
        ),
    )
}
"""The boards that can be imitated, by name."""

_THERMAL = "/sys/devices/virtual/thermal"
ZONES: Mapping[str, str] = {
    name: f"{_THERMAL}/thermal_zone{number}"
    for number, name in enumerate(
        ("AO-therm", "CPU-therm", "GPU-therm", "PLL-therm", "PMIC-Die")
        + ("Tdiode_tegra", "Tboard_tegra", "thermal-fan-est")
    )
}
"""Folders of temperatures, by type."""
COOLING: Mapping[str, str] = {
    name: f"{_THERMAL}/cooling_device{number}"
    for number, name in enumerate(("GPU-cap", "pwm-fan"))
}
"""Folders of what heat sets going, by type."""
_KERNEL = {
    "vm/swappiness": 60,
    "vm/vfs_cache_pressure": 100,
    "vm/dirty_background_ratio": 10,
    "vm/dirty_ratio": 20,
    "vm/overcommit_memory": 0,
    "kernel/sched_child_runs_first": 0,
    "kernel/sched_rt_runtime_us": 950000,
    "kernel/sched_nr_migrate": 32,
    "kernel/sched_latency_ns": 24000000,
}


def fixed_files(layout: Layout) -> tuple[dict[str, str], dict[str, str]]:
    """Return what a board holds at boot.

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
    settable, told = _cpu_files(layout)
    for part in (_gpu_files(layout), _emc_files(layout)):
        settable.update(part[0])
        told.update(part[1])
    told.update(
        {
            "/sys/module/tegra_fuse/parameters/tegra_chip_id": f"{layout.chip_id}\n",
            "/proc/device-tree/model": f"{layout.model}\0",
            "/proc/device-tree/compatible": f"{layout.compatible}\0",
            "/etc/nv_tegra_release": f"{layout.release}\n",
            "/proc/sys/kernel/osrelease": f"{layout.kernel}\n",
            "/proc/loadavg": "0.08 0.03 0.01 1/301 2345\n",
            "/proc/meminfo": "MemTotal:        4079444 kB\nMemFree:  2912000 kB\n",
            BOOT_ID: "2f1c6c1e-5a8e-4a4d-9f0e-6a2f1f7a1a01\n",
        }
    )
    settable["/sys/block/mmcblk0/queue/scheduler"] = "noop deadline [cfq] \n"
    for name, value in _KERNEL.items():
        # Gone, or not there yet, on the kernel of the oldest board.
        if layout.name != "tk1" or name.startswith("vm"):
            settable[f"/proc/sys/{name}"] = f"{value}\n"
    for kind, zone in ZONES.items():
        told[f"{zone}/type"] = f"{kind}\n"
        told[f"{zone}/temp"] = "100000\n" if kind == "PMIC-Die" else "36500\n"
    for kind, cooler in COOLING.items():
        told[f"{cooler}/type"] = f"{kind}\n"
        told[f"{cooler}/cur_state"] = "0\n"
    for folder, rails in layout.sensors:
        settable[f"{folder}/running_mode"] = "0\n"
        for channel, rail in enumerate(rails):
            told[f"{folder}/rail_name_{channel}"] = f"{rail}\n"
            told[f"{folder}/polling_delay_{channel}"] = "0 ms\n"
            told[f"{folder}/in_voltage{channel}_input"] = f"{INPUT_MV}\n"
    return settable, told


def links(layout: Layout) -> dict[str, str]:
    """Return the links of a board, but those of cores.

    Parameters
    ----------
    layout : Layout
        Which board.

    Returns
    -------
    dict of str to str
        Path to target.
    """
    found = {}
    if layout.gpu:
        found["/sys/class/devfreq/" + layout.gpu.rpartition("/")[2]] = layout.gpu
    for folder, _ in layout.sensors:
        chip = folder.rpartition("/")[0]
        found["/sys/bus/i2c/drivers/ina3221x/" + chip.rpartition("/")[2]] = chip
    for place in (*ZONES.values(), *COOLING.values()):
        found["/sys/class/thermal/" + place.rpartition("/")[2]] = place
    return found


def _listed(values: tuple[int, ...]) -> str:
    return " ".join(map(str, values))


def _cpu_files(layout: Layout) -> tuple[dict[str, str], dict[str, str]]:
    ladder = layout.cpu_khz
    cores = sorted(core for cluster in layout.clusters for core in cluster)
    settable = {f"{CPU}/cpu{core}/online": "1\n" for core in cores if core}
    everything = f"0-{cores[-1]}\n"
    told = {
        f"{CPU}/possible": everything,
        f"{CPU}/present": everything,
        f"{CPU}/online": everything,
    }
    for number, cluster in enumerate(layout.clusters):
        folder = layout.policy(number)
        settable.update(
            {
                f"{folder}/scaling_min_freq": f"{ladder[0]}\n",
                f"{folder}/scaling_max_freq": f"{ladder[-1]}\n",
                f"{folder}/scaling_governor": f"{layout.governors[0]}\n",
                f"{folder}/scaling_setspeed": "<unsupported>\n",
            }
        )
        told.update(
            {
                f"{folder}/scaling_cur_freq": f"{ladder[0]}\n",
                f"{folder}/cpuinfo_min_freq": f"{ladder[0]}\n",
                f"{folder}/cpuinfo_max_freq": f"{ladder[-1]}\n",
                f"{folder}/scaling_available_frequencies": f"{_listed(ladder)} \n",
                f"{folder}/scaling_available_governors": (
                    " ".join(layout.governors) + " \n"
                ),
                f"{folder}/related_cpus": f"{_listed(cluster)}\n",
            }
        )
    settable["/sys/module/qos/parameters/enable"] = "1\n"
    if len(layout.clusters) == 1:
        settable[CPUQUIET] = "1\n"
        settable[f"{CPU}/cpuquiet/current_governor"] = "balanced\n"
    if layout.cluster_switch:
        settable["/sys/kernel/cluster/immediate"] = "0\n"
        settable["/sys/kernel/cluster/active"] = "G\n"
    return settable, told


def _gpu_files(layout: Layout) -> tuple[dict[str, str], dict[str, str]]:
    ladder, folder = layout.gpu_hz, layout.gpu
    settable = {layout.railgate: "1\n"} if layout.railgate else {}
    if not folder:
        khz = _listed(tuple(hz // 1000 for hz in ladder))
        settable[f"{DEBUG}/clock/override.gbus/rate"] = f"{ladder[0]}\n"
        settable[f"{DEBUG}/clock/override.gbus/state"] = "0\n"
        return settable, {
            f"{DEBUG}/clock/gbus/possible_rates": f"{khz} (kHz)\n",
            f"{DEBUG}/clock/gbus/rate": f"{ladder[0]}\n",
            f"{DEBUG}/clock/gbus/max": f"{ladder[-1]}\n",
        }
    settable[f"{folder}/min_freq"] = f"{ladder[0]}\n"
    settable[f"{folder}/max_freq"] = f"{ladder[-1]}\n"
    settable[f"{folder}/governor"] = "nvhost_podgov\n"
    return settable, {
        f"{folder}/available_frequencies": f"{_listed(ladder)}\n",
        f"{folder}/cur_freq": f"{ladder[0]}\n",
        f"{folder.rpartition('/devfreq/')[0]}/load": "0\n",
    }


def _emc_files(layout: Layout) -> tuple[dict[str, str], dict[str, str]]:
    rate, state = layout.emc_names
    folder, ladder = layout.emc_folder, layout.emc_hz
    settable = {
        f"{folder}/{rate}": f"{ladder[-1]}\n",
        f"{folder}/{state}": "0\n",
    }
    told = {layout.emc_now: f"{ladder[-1]}\n"}
    khz = f"{_listed(tuple(hz // 1000 for hz in ladder))} (kHz)\n"
    if layout.emc == "clock":
        told[f"{DEBUG}/clock/emc/possible_rates"] = khz
    elif layout.emc == "clk":
        told[f"{DEBUG}/clk/emc/clk_possible_rates"] = khz
    elif layout.emc == "bwmgr":
        told[f"{DEBUG}/tegra_bwmgr/emc_min_rate"] = f"{ladder[0]}\n"
        told[f"{DEBUG}/tegra_bwmgr/emc_max_rate"] = f"{ladder[-1]}\n"
    else:
        settable[f"{folder}/state"] = "1\n"
        told[f"{folder}/min_rate"] = f"{ladder[0]}\n"
        told[f"{folder}/max_rate"] = f"{ladder[-1]}\n"
    return settable, told
