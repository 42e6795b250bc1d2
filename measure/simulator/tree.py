"""A board's files in memory, whose behaviour follows a few rules.

- An offline core has no ``cpufreq``; a core that is brought online while cpuquiet is
  at work goes off again; the first core cannot go.
- A minimum above its maximum, a clock that is no number, a governor that is not there:
  ``EINVAL``. Clocks between two of the ladder become the next higher one.
- An automatic governor asks for the lowest clock that it may have, and for the highest
  while a chip beneath it works.
- The memory clock is what the override says where it is on, else what the CPU clock
  asks for. For a rate that is not on the ladder the next higher one is taken.
- The clock of a GPU whose rail is gated is a lie: the lowest one, whatever is set.
- The power sensor moves on once in an update period. Without a chip beneath it the
  board is always at rest, and as warm; with one (`BoardTree.attach`) power,
  temperatures and what heat does to the clocks are the chip's, and a sensor whose mode
  is not held takes a single shot at each read.

Files are written as a kernel would take them: whole, or not at all with an `OSError`.
"""

from __future__ import annotations

import errno
import re
from bisect import bisect_left
from collections.abc import Callable

import numpy as np

from measure.simulator.boards import BOARDS
from measure.simulator.chip import Chip, by_channel
from measure.simulator.latency import Clocks
from measure.simulator.paths import Paths, failure
from measure.simulator.power import RailPower, idle_power
from measure.simulator.tree_layouts import (
    CPU,
    CPUQUIET,
    DEBUG,
    LAYOUTS,
    fixed_files,
    links,
)
from measure.simulator.tree_modes import (
    EMC_CAP,
    MODES,
    PROGRAM,
    mode_writes,
    more_files,
)
from measure.simulator.tree_sensors import heat_files, power_files
from measure.simulator.unit import CHANNELS

FAULTS = ("swallowed", "rounded", "behind", "EINVAL", "EACCES", "vanished")
"""What can be made to go wrong with a file that is written."""
_CPU_OFF_TABLE = {1_555_000: 1_555_500}
AUTOMATIC = ("interactive", "schedutil", "nvhost_podgov")
"""Governors that follow the load."""
_NOISE_W = 0.03


class BoardTree(Paths):
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
        both = {**told, **settable}
        files = {path: text.encode("latin-1") for path, text in both.items()}
        super().__init__(files, links(self.layout))
        self._board = BOARDS.get(name.partition("-")[0])
        self._behind: dict[str, bytes] = {}
        self._gone: dict[str, bytes] = {}
        self._chip: Chip | None = None
        self._update = -1
        self._at_rest_ma = [0] * len(CHANNELS)
        sensors = self.layout.sensors if self._board is not None else ()
        self._told = power_files(sensors, self._milliamperes)
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
        chip.on_load = self._derive
        self._told.update(heat_files(chip))
        self._told[self._gpu_now] = self._gpu_text
        self._derive()

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
        real = self.place(path)
        tell = self._told.get(real)
        if tell is not None:
            return tell()
        if self._chip is None:
            self._sense()
            return self.files[real]
        return self.files[real]

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
        real = self.place(path)
        fault = self.faults.get(real, "")
        if real not in self.settable or fault == "EACCES":
            raise failure(errno.EACCES, path)
        if fault == "EINVAL":
            raise failure(errno.EINVAL, path)
        if fault == "vanished":
            self._gone[real] = self.files.pop(real)
            raise failure(errno.ENOENT, path)
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
                raise failure(errno.EINVAL, path)
            return text
        if name == "scaling_setspeed":
            if self._text(f"{folder}/scaling_governor") != "userspace":
                raise failure(errno.EINVAL, path)
            return str(self._integer(path, text))
        if name == "current_governor":
            if text not in ("balanced", "runnable", "userspace"):
                raise failure(errno.EINVAL, path)
            return text
        if name == "scheduler":
            known = tuple(self._text(path).replace("[", "").replace("]", "").split())
            if text not in known:
                raise failure(errno.EINVAL, path)
            return " ".join(f"[{w}]" if w == text else w for w in known) + " "
        if name == "active":
            if text not in ("G", "LP"):
                raise failure(errno.EINVAL, path)
            return text
        value = self._integer(path, text)
        if path == PROGRAM and value >= len(MODES[self.layout.name]):
            raise failure(errno.EINVAL, path)
        if name == "target_pwm":
            value = min(value, 255)
        if name == "online":
            if value not in (0, 1):
                raise failure(errno.EINVAL, path)
            if value and CPUQUIET in self.files and self._text(CPUQUIET) == "1":
                return None
        return str(value)

    def _integer(self, path: str, text: str) -> int:
        if not re.fullmatch("[0-9]+", text):
            raise failure(errno.EINVAL, path)
        return int(text)

    def _bound(self, folder: str, name: str, value: int) -> str:
        """Return a minimum or maximum, held within what the hardware has."""
        ladder = self.layout.gpu_hz
        if name.startswith("scaling"):
            ladder = self.layout.cpu_khz
        value = min(max(value, ladder[0]), ladder[-1])
        if "min" in name:
            if value > int(self._text(f"{folder}/{name.replace('min', 'max')}")):
                raise failure(errno.EINVAL, f"{folder}/{name}")
        elif value < int(self._text(f"{folder}/{name.replace('max', 'min')}")):
            raise failure(errno.EINVAL, f"{folder}/{name}")
        return str(value)

    def _cpu_khz(self, cluster: int) -> int:
        folder, ladder = self.layout.policy(cluster), self.layout.cpu_khz
        low = int(self._text(f"{folder}/scaling_min_freq"))
        high = int(self._text(f"{folder}/scaling_max_freq"))
        governor = self._text(f"{folder}/scaling_governor")
        asked = low
        if governor == "performance" or governor in AUTOMATIC and self._loaded:
            asked = high
        speed = self._text(f"{folder}/scaling_setspeed")
        if governor == "userspace" and speed.isdigit():
            asked = min(max(int(speed), low), high)
        return _at_least(ladder, asked)

    def _gpu_hz(self) -> int:
        ladder, folder = self.layout.gpu_hz, self.layout.gpu
        if folder:
            governor = self._text(f"{folder}/governor")
            if governor == "performance" or governor in AUTOMATIC and self._loaded:
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

    @property
    def _loaded(self) -> bool:
        return self._chip is not None and self._chip.working

    def _emc_hz(self) -> int:
        folder = self.layout.emc_folder
        rate, state = self.layout.emc_names
        if self._text(f"{folder}/{state}") == "1":
            asked = int(self._text(f"{folder}/{rate}"))
            cap = int(self._text(EMC_CAP)) if EMC_CAP in self.files else 0
            return _at_least(self.layout.emc_hz, min(asked, cap) if cap else asked)
        floor = 0
        for cpu_khz, emc_khz in self.layout.floor_khz:
            if self._cpu_khz(0) >= cpu_khz:
                floor = emc_khz
        return _at_least(self.layout.emc_hz, 1000 * floor)

    def _derive(self) -> None:
        """Bring what only tells something into line with what is set."""
        self.forget()
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

    def _milliamperes(self, place: int, mode: str) -> int:
        if self._chip is not None:
            single = self.files[mode].strip() != b"1"
            return self._chip.milliamperes(place, single=single)
        self._sense()
        return self._at_rest_ma[place]


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
