"""A board's files in memory, whose behaviour follows a few rules.

- An offline core has no ``cpufreq``; a core that is brought online while cpuquiet is
  at work goes off again; the first core cannot go.
- A minimum above its maximum, a clock that is no number, a governor that is not there:
  ``EINVAL``. Clocks between two of the ladder become the next higher one.
- The memory clock is what the override says where it is on, else what the CPU clock
  asks for. For a rate that is not on the ladder the next higher one is taken.
- The clock of a GPU whose rail is gated is a lie: the lowest one, whatever is set.
- The power sensor moves on once in an update period. Without a chip beneath it the
  board is always at rest, and as warm; with one (`BoardTree.attach`) power,
  temperatures and what heat does to the clocks are the chip's.

Files are written as a kernel would take them: whole, or not at all with an `OSError`.
"""

from __future__ import annotations

import errno
import os
import re
from bisect import bisect_left
from collections.abc import Callable
from functools import partial

import numpy as np

from measure.simulator.boards import BOARDS
from measure.simulator.chip import Chip, by_channel
from measure.simulator.latency import Clocks
from measure.simulator.power import RailPower, idle_power
from measure.simulator.tree_layouts import (
    COOLING,
    CPU,
    CPUQUIET,
    DEBUG,
    INPUT_MV,
    LAYOUTS,
    ZONES,
    fixed_files,
    links,
)
from measure.simulator.tree_modes import MODES, PROGRAM, mode_writes, more_files
from measure.simulator.unit import CHANNELS

FAULTS = ("swallowed", "rounded", "behind", "EINVAL", "EACCES", "vanished")
"""What can be made to go wrong with a file that is written."""
_CPU_OFF_TABLE = {1_555_000: 1_555_500}
_NOISE_W = 0.03
RAILS = {
    "VDD_IN": "total",
    "VDD_GPU": "gpu",
    "VDD_SYS_GPU": "gpu",
    "VDD_CPU": "cpu",
    "VDD_SYS_CPU": "cpu",
    "VDD_SYS_DDR": "memory",
    "VDD_SYS_SOC": "soc",
}
"""What is behind each rail; a rail that is not here feeds nothing."""


def _error(code: int, path: str) -> OSError:
    return OSError(code, os.strerror(code), path)


class BoardTree:
    """The files of one board.

    Parameters
    ----------
    name : str
        Of `LAYOUTS`.
    clock : callable, optional
        Returns seconds; the sensor moves by it. Time stands still by default.

    Raises
    ------
    ValueError
        If there is no such board.

    Examples
    --------
    >>> tree = BoardTree("tx1-r32")
    >>> tree.read("/sys/module/tegra_fuse/parameters/tegra_chip_id")
    b'33\\n'
    >>> tree.write("/sys/devices/system/cpu/cpu3/online", b"0")
    >>> tree.exists("/sys/devices/system/cpu/cpu3/cpufreq")
    False
    """

    root = ""

    def __init__(self, name: str, clock: Callable[[], float] = lambda: 0.0) -> None:
        if name not in LAYOUTS:
            raise ValueError(f"no board {name!r}; choose one of {', '.join(LAYOUTS)}")
        self.layout = LAYOUTS[name]
        self.clock = clock
        self.power: Callable[[Clocks], RailPower] = self._idle
        self.faults: dict[str, str] = {}
        settable, told = fixed_files(self.layout)
        for one, other in zip((settable, told), more_files(self.layout), strict=True):
            one.update(other)
        self.settable = frozenset(settable)
        self.files = {
            path: text.encode("latin-1") for path, text in {**told, **settable}.items()
        }
        self.links = links(self.layout)
        self._board = BOARDS.get(name.partition("-")[0])
        self._behind: dict[str, bytes] = {}
        self._gone: dict[str, bytes] = {}
        self._real: dict[str, str] = {}
        self._chip: Chip | None = None
        self._update = -1
        self._at_rest_ma = [0] * len(CHANNELS)
        self._told = self._sensor_files()
        self._derive()
        self._sense()

    def attach(self, chip: Chip) -> None:
        """Put a chip beneath the files.

        Parameters
        ----------
        chip : Chip
            On the same clock; it is told what is set.
        """
        self._chip = chip
        for zone, place in ZONES.items():
            self._told[f"{place}/temp"] = partial(self._millidegrees, zone)
        self._told[f"{COOLING['GPU-cap']}/cur_state"] = lambda: b"%d\n" % chip.capped
        self._told[self._gpu_now] = self._gpu_text
        self._derive()

    def resolve(self, path: str) -> str:
        """Return a path without links.

        Parameters
        ----------
        path : str
            From the root.

        Returns
        -------
        str
            Where it leads.
        """
        parts: list[str] = []
        for name in path.split("/"):
            if name == "..":
                del parts[-1:]
            elif name not in ("", "."):
                parts.append(name)
            here = "/" + "/".join(parts)
            if here in self.links:
                parts = self.resolve(self.links[here]).strip("/").split("/")
        return "/" + "/".join(parts)

    def read(self, path: str) -> bytes:
        """Return what a file holds now.

        Parameters
        ----------
        path : str
            From the root.

        Returns
        -------
        bytes
            All of it.

        Raises
        ------
        OSError
            If it is not there, or a folder.
        """
        real = self._real.get(path) or self._file(path)
        try:
            held = self.files[real]
        except KeyError:
            raise _error(errno.ENOENT, path) from None
        tell = self._told.get(real)
        if tell is not None:
            return tell()
        if self._chip is None:
            self._sense()
            return self.files[real]
        return held

    def write(self, path: str, content: bytes) -> None:
        """Write a file, with what follows from that.

        Parameters
        ----------
        path : str
            From the root.
        content : bytes
            As given to the kernel.

        Raises
        ------
        OSError
            As the kernel would.
        """
        real = self._file(path)
        fault = self.faults.get(real, "")
        if real not in self.settable or fault == "EACCES":
            raise _error(errno.EACCES, path)
        if fault == "EINVAL":
            raise _error(errno.EINVAL, path)
        if fault == "vanished":
            self._gone[real] = self.files.pop(real)
            raise _error(errno.ENOENT, path)
        if fault == "swallowed":
            return
        taken = self._taken(real, content.decode("latin-1").strip())
        if taken is None:
            return
        if fault == "rounded":
            taken = str(int(int(taken) * 0.7))
        new = f"{taken}\n".encode("latin-1")
        if fault == "behind":
            new, self._behind[real] = self._behind.get(real, self.files[real]), new
        self.files[real] = new
        if real == PROGRAM:
            for moved, text in mode_writes(self.layout, int(self._text(PROGRAM))):
                # The program takes no notice of what is not taken.
                if moved in self.settable and moved not in self.faults:
                    self.files[moved] = f"{text}\n".encode()
        self._derive()

    def names(self, path: str) -> list[str]:
        """Return the names in a folder.

        Parameters
        ----------
        path : str
            From the root.

        Returns
        -------
        list of str
            In order.

        Raises
        ------
        OSError
            If there is no such folder.
        """
        start = self.resolve(path).rstrip("/") + "/"
        places = [*self.files, *self.links]
        found = {
            p[len(start) :].partition("/")[0]
            for p in places
            if p[:1] == "/" and p.startswith(start)
        }
        if not found:
            raise _error(errno.ENOENT, path)
        return sorted(found)

    def exists(self, path: str) -> bool:
        """Tell whether something is there.

        Parameters
        ----------
        path : str
            From the root.

        Returns
        -------
        bool
            Whether it is a file or a folder.
        """
        real = self.resolve(path)
        if real in self.files:
            return True
        places = (*self.files, *self.links)
        return any(place.startswith(real + "/") for place in places)

    def may_write(self, path: str) -> bool:
        """Tell whether a file may be written.

        Parameters
        ----------
        path : str
            From the root.

        Returns
        -------
        bool
            Whether it is there, and can be set.
        """
        real = self.resolve(path)
        return real in self.settable and real in self.files

    def online(self) -> list[int]:
        """Return the cores that are online.

        Returns
        -------
        list of int
            In order.
        """
        cores = (core for cluster in self.layout.clusters for core in cluster)
        return sorted(core for core in cores if core == 0 or self._core_is_on(core))

    def clocks(self) -> Clocks:
        """Return the clocks as they are, whatever files say.

        Returns
        -------
        Clocks
            Of the cores that are measured.
        """
        return self._set_clocks() if self._chip is None else self._chip.clocks

    def _set_clocks(self) -> Clocks:
        measured = set(self.layout.clusters[0])
        return Clocks(
            cpu_hz=1000.0 * self._cpu_khz(0),
            gpu_hz=float(self._gpu_hz()),
            emc_hz=float(self._emc_hz()),
            cores=len(measured.intersection(self.online())),
        )

    def _file(self, path: str) -> str:
        real = self._real.get(path)
        if real is None:
            real = self._real[path] = self.resolve(path)
        if real in self.files:
            return real
        raise _error(errno.EISDIR if self.exists(real) else errno.ENOENT, path)

    def _text(self, path: str) -> str:
        held = self.files[path] if path in self.files else self._gone[path]
        return held.decode("latin-1").strip()

    def _core_is_on(self, core: int) -> bool:
        return self.files.get(f"{CPU}/cpu{core}/online", b"1").strip() == b"1"

    def _taken(self, path: str, text: str) -> str | None:
        """Return what a kernel makes of a text; None where it takes no notice."""
        folder, _, name = path.rpartition("/")
        if name in ("scaling_min_freq", "scaling_max_freq", "min_freq", "max_freq"):
            return self._bound(folder, name, self._integer(path, text))
        if name in ("scaling_governor", "governor"):
            known = self.layout.governors
            if folder == self.layout.gpu:
                known = ("nvhost_podgov", "userspace", "performance")
            if text not in known:
                raise _error(errno.EINVAL, path)
            return text
        if name == "scaling_setspeed":
            if self._text(f"{folder}/scaling_governor") != "userspace":
                raise _error(errno.EINVAL, path)
            return str(self._integer(path, text))
        if name == "current_governor":
            if text not in ("balanced", "runnable", "userspace"):
                raise _error(errno.EINVAL, path)
            return text
        if name == "scheduler":
            known = tuple(self._text(path).replace("[", "").replace("]", "").split())
            if text not in known:
                raise _error(errno.EINVAL, path)
            return " ".join(f"[{w}]" if w == text else w for w in known) + " "
        if name == "active":
            if text not in ("G", "LP"):
                raise _error(errno.EINVAL, path)
            return text
        value = self._integer(path, text)
        if path == PROGRAM and value >= len(MODES[self.layout.name]):
            raise _error(errno.EINVAL, path)
        if name == "target_pwm":
            value = min(value, 255)
        if name == "online":
            if value not in (0, 1):
                raise _error(errno.EINVAL, path)
            if value and CPUQUIET in self.files and self._text(CPUQUIET) == "1":
                return None
        return str(value)

    def _integer(self, path: str, text: str) -> int:
        if not re.fullmatch("[0-9]+", text):
            raise _error(errno.EINVAL, path)
        return int(text)

    def _bound(self, folder: str, name: str, value: int) -> str:
        """Return a minimum or maximum, held within what the hardware has."""
        ladder = self.layout.gpu_hz
        if name.startswith("scaling"):
            ladder = self.layout.cpu_khz
        value = min(max(value, ladder[0]), ladder[-1])
        if "min" in name:
            if value > int(self._text(f"{folder}/{name.replace('min', 'max')}")):
                raise _error(errno.EINVAL, f"{folder}/{name}")
        elif value < int(self._text(f"{folder}/{name.replace('max', 'min')}")):
            raise _error(errno.EINVAL, f"{folder}/{name}")
        return str(value)

    def _cpu_khz(self, cluster: int) -> int:
        folder, ladder = self.layout.policy(cluster), self.layout.cpu_khz
        low = int(self._text(f"{folder}/scaling_min_freq"))
        high = int(self._text(f"{folder}/scaling_max_freq"))
        governor = self._text(f"{folder}/scaling_governor")
        asked = low
        if governor == "performance":
            asked = high
        speed = self._text(f"{folder}/scaling_setspeed")
        if governor == "userspace" and speed.isdigit():
            asked = min(max(int(speed), low), high)
        return _at_least(ladder, asked)

    def _gpu_hz(self) -> int:
        ladder, folder = self.layout.gpu_hz, self.layout.gpu
        if folder:
            if self._text(f"{folder}/governor") == "performance":
                return _at_least(ladder, int(self._text(f"{folder}/max_freq")))
            return _at_least(ladder, int(self._text(f"{folder}/min_freq")))
        override = f"{DEBUG}/clock/override.gbus"
        if self._text(f"{override}/state") == "1":
            return _at_least(ladder, int(self._text(f"{override}/rate")))
        return ladder[0]

    @property
    def _gpu_now(self) -> str:
        gpu = self.layout.gpu
        return f"{gpu}/cur_freq" if gpu else f"{DEBUG}/clock/gbus/rate"

    def _gpu_text(self) -> bytes:
        """Return the GPU's clock as it is, which heat may hold down."""
        assert self._chip is not None
        told = self.files[self._gpu_now]
        if not self._chip.capped:
            return told
        return b"%d\n" % min(int(told), self._chip.clocks.gpu_hz)

    def _emc_hz(self) -> int:
        folder = self.layout.emc_folder
        rate, state = self.layout.emc_names
        if self._text(f"{folder}/{state}") == "1":
            asked = int(self._text(f"{folder}/{rate}"))
            return _at_least(self.layout.emc_hz, asked)
        floor = 0
        for cpu_khz, emc_khz in self.layout.floor_khz:
            if self._cpu_khz(0) >= cpu_khz:
                floor = emc_khz
        return _at_least(self.layout.emc_hz, 1000 * floor)

    def _derive(self) -> None:
        """Bring what only tells something into line with what is set."""
        self._real.clear()
        if self._chip is not None:
            self._chip.set(self._set_clocks())
        layout, online = self.layout, self.online()
        told: dict[str, object] = {layout.emc_now: self._emc_hz()}
        for number, cluster in enumerate(layout.clusters):
            folder = layout.policy(number)
            khz = self._cpu_khz(number)
            told[f"{folder}/scaling_cur_freq"] = _CPU_OFF_TABLE.get(khz, khz)
            for core in cluster:
                link = f"{CPU}/cpu{core}/cpufreq"
                if link == folder:
                    continue
                if core in online:
                    self.links[link] = folder
                else:
                    self.links.pop(link, None)
        gated = self.files.get(layout.railgate, b"0").strip() == b"1"
        told[self._gpu_now] = layout.gpu_hz[0] if gated else self._gpu_hz()
        told[f"{CPU}/online"] = _ranges(online)
        for path, value in told.items():
            self.files[path] = f"{value}\n".encode()

    def _idle(self, clocks: Clocks) -> RailPower:
        if self._board is None:
            return RailPower(total_w=0.0, gpu_w=0.0, cpu_w=0.0)
        return idle_power(self._board, clocks, 40.0)

    def _sense(self) -> None:
        """Let the sensor of a board at rest catch up with the clock."""
        if self._board is None or self._chip is not None:
            return
        part = self._board.sensor
        update = int(self.clock() / part.period_s)
        if update == self._update:
            return
        self._update = update
        power = by_channel(self.power(self.clocks()), self._board)
        noise = np.random.default_rng(abs(update)).normal(0.0, _NOISE_W, len(power))
        steps = np.rint(np.maximum(0.0, power + noise) / part.step_w)
        self._at_rest_ma = np.rint(1000.0 * steps * part.current_step_a).tolist()
        for path, tell in self._told.items():
            self.files[path] = tell()

    def _sensor_files(self) -> dict[str, Callable[[], bytes]]:
        """Return what tells power when it is read."""
        found: dict[str, Callable[[], bytes]] = {}
        if self._board is None:
            return found
        texts = {
            "in_power": lambda ma: b"%.0f\n" % (INPUT_MV * ma / 1000.0),
            "in_current": lambda ma: b"%d\n" % ma,
            "ui_input_": lambda ma: b"%d %d\n" % (INPUT_MV, ma),
        }
        for folder, rails in self.layout.sensors:
            for number, rail in enumerate(rails):
                behind = RAILS.get(rail)
                place = None if behind is None else CHANNELS.index(behind)
                for name, text in texts.items():
                    end = "" if name.endswith("_") else "_input"
                    path = f"{folder}/{name}{number}{end}"
                    found[path] = partial(self._power_text, place, text)
        return found

    def _power_text(self, place: int | None, text: Callable[[int], bytes]) -> bytes:
        if place is None:
            return text(0)
        if self._chip is not None:
            return text(self._chip.milliamperes(place))
        self._sense()
        return text(self._at_rest_ma[place])

    def _millidegrees(self, zone: str) -> bytes:
        assert self._chip is not None
        if zone == "PMIC-Die":
            return b"100000\n"
        celsius = self._chip.temperature_c()
        if zone == "Tboard_tegra":
            celsius = 0.5 * (celsius + self._chip.unit.ambient_c)
        # Zones tell half degrees.
        return b"%d\n" % (500 * round(2.0 * celsius))


def _at_least(ladder: tuple[int, ...], asked: int) -> int:
    """Return the next higher clock of a ladder, its highest above that."""
    return ladder[min(bisect_left(ladder, asked), len(ladder) - 1)]


def _ranges(cores: list[int]) -> str:
    """Return cores as the kernel lists them.

    Examples
    --------
    >>> _ranges([0, 1, 2, 5])
    '0-2,5'
    """
    parts: list[list[int]] = []
    for core in cores:
        if parts and core == parts[-1][-1] + 1:
            parts[-1].append(core)
        else:
            parts.append([core])
    return ",".join(
        f"{part[0]}-{part[-1]}" if len(part) > 1 else f"{part[0]}" for part in parts
    )
