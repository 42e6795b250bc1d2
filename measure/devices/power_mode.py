"""The power mode of a Jetson: which there are, what each moves, and how it is set.

``nvpmodel`` is a program. The agent on the board calls it where the file of that name
is read or written, and holds on to what else it moves: limits of clocks, and cores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from measure.devices.actuators import MOVES
from measure.devices.board_agent import PROGRAMS, is_allowed
from measure.devices.ladders import parse_rates
from measure.devices.settling import Check
from measure.devices.switches import Choice
from measure.devices.transport import Link, find, read_texts
from measure.levels import Level

CONFIGURATION = "/etc/nvpmodel.conf"
_HEAD = re.compile(r"<\s*(\w+)\s+(.*?)\s*>")
_ARGUMENT = re.compile(r"(\w+)=(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """What ``nvpmodel.conf`` says.

    Parameters
    ----------
    paths : mapping of tuple of str to str
        File by parameter and argument, such as ``("GPU", "MAX_FREQ")``.
    names : mapping of int to str
        Mode names by number.
    values : mapping of int to mapping of tuple of str to str
        What each mode sets, by parameter and argument.
    """

    paths: Mapping[tuple[str, str], str] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    values: Mapping[int, Mapping[tuple[str, str], str]] = field(default_factory=dict)


def parse_modes(text: str) -> Modes:
    """Read ``nvpmodel.conf``.

    Parameters
    ----------
    text : str
        Its content.

    Returns
    -------
    Modes
        Lines that are none of its syntax are left out.

    Examples
    --------
    >>> modes = parse_modes('''
    ... < PARAM TYPE=CLOCK NAME=GPU >
    ... MAX_FREQ /sys/devices/57000000.gpu/devfreq/57000000.gpu/max_freq
    ... < POWER_MODEL ID=1 NAME=5W >
    ... GPU MAX_FREQ 640000000''')
    >>> modes.names, modes.values[1]
    ({1: '5W'}, {('GPU', 'MAX_FREQ'): '640000000'})
    """
    paths: dict[tuple[str, str], str] = {}
    names: dict[int, str] = {}
    values: dict[int, dict[tuple[str, str], str]] = {}
    parameter = ""
    mode: int | None = None
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        head = _HEAD.match(" ".join(words))
        if head is not None:
            told: dict[str, str] = dict(_ARGUMENT.findall(head.group(2)))
            parameter, mode = "", None
            if head.group(1) == "PARAM":
                parameter = told.get("NAME", "")
            elif head.group(1) == "POWER_MODEL" and told.get("ID", "").isdigit():
                mode = int(told["ID"])
                names[mode] = told.get("NAME", told["ID"])
                values[mode] = {}
        elif parameter and len(words) == 2:
            paths[parameter, words[0]] = words[1]
        elif mode is not None and len(words) == 3:
            values[mode][words[0], words[1]] = words[2]
    return Modes(paths=paths, names=names, values=values)


class PowerMode(Choice):
    """The power mode, by name.

    It sets cores and the limits of clocks, so it comes before them. A limit that is
    not on a ladder is silently rounded: what is read back may be the rung below.

    Parameters
    ----------
    link : Link
        Leads to the board.
    program : str
        What sets it.
    modes : Modes
        Which there are.
    """

    stage = MOVES

    def __init__(self, link: Link, program: str, modes: Modes) -> None:
        count = list(modes.names.values()).count
        words: dict[Level, str] = {
            name if count(name) == 1 else f"{name}-{number}": str(number)
            for number, name in modes.names.items()
        }
        meaning = "cores and limits of clocks, by nvpmodel; clocks that are set win"
        super().__init__(link, "power_mode", program, words, meaning)
        self.modes = modes
        # Of the tables of clocks there is nothing to be put back.
        moved = [
            path
            for (_, argument), path in modes.paths.items()
            if is_allowed(path) and not argument.startswith("FREQ_TABLE")
        ]
        self.moves = tuple(find(link, *moved)) if moved else ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The program, and the files that it moves."""
        return (self.path, *self.moves)

    def checks(self, level: Level) -> list[Check]:
        """The program tells the mode, and its limits and cores stand.

        Parameters
        ----------
        level : str
            Which mode.

        Returns
        -------
        list of Check
            One for the mode, and one for each file that is there.
        """
        number = int(self.words[level])
        found = [Check(path=self.path, text=str(number))]
        values = self.modes.values[number]
        off = {
            a[5:] for (_, a), v in values.items() if a.startswith("CORE_") and v == "0"
        }
        for (parameter, argument), text in values.items():
            path = self.modes.paths.get((parameter, argument), "")
            # Zero and below stand for whatever the hardware has.
            if path not in self.moves or not text.isdigit():
                continue
            if argument.startswith("CORE_"):
                found.append(Check(path=path, text=text))
            elif argument == "MAX_FREQ" and int(text) and _core_of(path) not in off:
                within = self._step(parameter, int(text))
                found.append(Check(path=path, text=text, within=within, limit=True))
        return found

    def _step(self, parameter: str, asked: int) -> float:
        """Return how far the rung below a limit is off it."""
        table = self.modes.paths.get((parameter, "FREQ_TABLE"), "")
        text = read_texts(self.link, [table])[table] if table else None
        ladder = parse_rates(text or "")
        below = [asked - rung for rung in ladder if rung <= asked]
        return float(min(below, default=0.01 * asked))


def _core_of(path: str) -> str:
    """Return the core whose clock a file limits: offline it has none.

    Examples
    --------
    >>> _core_of("/sys/devices/system/cpu/cpu1/cpufreq/scaling_max_freq")
    '1'
    """
    found = re.search(r"/(?:cpu|policy)(\d+)/", path)
    return found.group(1) if found else ""


def find_power_mode(link: Link, missing: dict[str, str]) -> PowerMode | None:
    """Return the power mode of a board, if it has any.

    Parameters
    ----------
    link : Link
        Leads to the board.
    missing : dict of str to str
        Gets the reason if not.

    Returns
    -------
    PowerMode or None
        With the modes of its configuration.
    """
    found = find(link, *PROGRAMS)
    if not found:
        missing["power_mode"] = (
            f"there is no {PROGRAMS[0]}: boards before L4T 32, and a TX1 with L4T 24 "
            "or 28, have none; set cores and clocks instead"
        )
        return None
    text = read_texts(link, [CONFIGURATION])[CONFIGURATION]
    modes = parse_modes(text or "")
    if not modes.names:
        missing["power_mode"] = f"{CONFIGURATION} tells no power mode"
        return None
    return PowerMode(link, found[0], modes)
