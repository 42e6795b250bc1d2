"""Any program as a workload: the words of its command, and the options they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from measure.constraints import Forbidden
from measure.devices.base import OptionOffer
from measure.errors import WorkloadError
from measure.levels import Level, spelled
from measure.space import ConfigurationSpace
from measure.spelling import did_you_mean
from measure.workloads.command import UNITS

if TYPE_CHECKING:
    from measure.devices.base import Device

NETWORK, WORKLOAD = "command", "own"
"""What the environment of a command is called; its version is the program's name."""
_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """A command whose words name options.

    Parameters
    ----------
    text : str
        As a shell would split it; it is run without one. ``{option}`` stands for an
        option's level, ``{{`` and ``}}`` for braces.
    pattern : str, default=""
        Regular expression whose group finds the latency in what the command prints,
        in seconds; a group called ``ms``, ``us`` or ``ns`` finds it in those. Without
        one, latency is the command's wall time.

    Raises
    ------
    WorkloadError
        If it cannot be split, is empty, or the pattern finds nothing.

    Examples
    --------
    >>> command = CommandLine(text="bench --batch={batch_size} 'a b'")
    >>> command.names, command.argv({"batch_size": 8})
    (('batch_size',), ['bench', '--batch=8', 'a b'])
    """

    text: str
    pattern: str = ""

    def __post_init__(self) -> None:
        if not self.words:
            raise WorkloadError("--command is empty; write the program and its words")
        if _PLACE.search(self.words[0]):
            raise WorkloadError(
                f"--command {self.text}: the program itself is no option; write its "
                "name first"
            )
        for word in self.words:
            if any(match[0] == "{}" for match in _PLACE.finditer(word)):
                raise WorkloadError(
                    f"--command: {{}} in {word!r} names no option; write its name "
                    "between the braces, or {{}} for braces"
                )
        _check(self.pattern)

    @property
    def words(self) -> list[str]:
        """The command, split as a shell would, names not replaced yet."""
        try:
            return shlex.split(self.text)
        except ValueError as error:
            raise WorkloadError(
                f"--command {self.text}: {str(error).lower()}; quote it as for a shell"
            ) from error

    @property
    def names(self) -> tuple[str, ...]:
        """The options that the words name, in order, each once."""
        found = (m[1] for word in self.words for m in _PLACE.finditer(word))
        return tuple(dict.fromkeys(name for name in found if name))

    @property
    def program(self) -> str:
        """The name of the program, without its folder."""
        return PurePosixPath(self.words[0]).name

    def argv(self, configuration: Mapping[str, Level]) -> list[str]:
        """Return the words, with levels in the place of names.

        Parameters
        ----------
        configuration : mapping of str to level
            Options that the words do not name are left out.

        Returns
        -------
        list of str
            To be run without a shell.

        Raises
        ------
        WorkloadError
            If it lacks an option that the words name.
        """

        def level(match: re.Match[str]) -> str:
            name = match[1]
            if not name:
                return match[0][0]
            if name not in configuration:
                raise WorkloadError(
                    f"--command: {{{name}}} has no level; hold it with --set "
                    f"{name}=LEVEL, vary it with --options, or give it a default in "
                    "the space file"
                )
            return spelled(configuration[name])

        return [_PLACE.sub(level, word) for word in self.words]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions:
    """The options of a command, and where their levels come from.

    Parameters
    ----------
    command : CommandLine
        Names them.
    space : ConfigurationSpace, optional
        Has their levels.
    known : mapping of str to OptionOffer
        Levels that a device knows for options that a command may name, such as
        ``threads``.

    Examples
    --------
    >>> entry = {"kind": "numeric", "levels": [1, 2]}
    >>> space = ConfigurationSpace.from_dict({"options": {"n": entry}})
    >>> options = CommandOptions(command=CommandLine(text="run {n}"), space=space)
    >>> options.offers["n"].levels
    (1, 2)
    >>> CommandOptions(command=CommandLine(text="run"), space=space).check()
    Traceback (most recent call last):
    measure.errors.WorkloadError: option 'n' is set by no one: name it in --command, ...
    """

    command: CommandLine
    space: ConfigurationSpace | None = None
    known: Mapping[str, OptionOffer] = field(default_factory=dict)

    @property
    def offers(self) -> dict[str, OptionOffer]:
        """The options that the words name and that have levels."""
        found: dict[str, OptionOffer] = {}
        given = self.space.options if self.space is not None else ()
        levels = {option.name: option for option in given}
        reason = f"a word of {self.command.program}"
        for name in self.command.names:
            if name in levels:
                found[name] = OptionOffer(option=levels[name], reason=reason)
            elif name in self.known:
                found[name] = self.known[name]
        return found

    def check(self, set_by_device: Collection[str] = ()) -> None:
        """Raise unless each option is set, and each name has levels.

        Parameters
        ----------
        set_by_device : collection of str
            Options that the device sets itself, named or not.

        Raises
        ------
        WorkloadError
            With the first that is not so.
        """
        own = self.space.names if self.space is not None else ()
        there = [*own, *self.known, *set_by_device]
        for name in self.command.names:
            if name not in self.offers and name not in set_by_device:
                raise WorkloadError(
                    f"--command: {{{name}}} names no option that has levels; give them "
                    f"in a file: --space FILE{did_you_mean(name, there)}"
                )
        for name in self.space.names if self.space is not None else ():
            if name not in self.command.names and name not in set_by_device:
                raise WorkloadError(
                    f"option {name!r} is set by no one: name it in --command, as "
                    f"{{{name}}}"
                )

    def forbidden(self, names: Iterable[str]) -> tuple[Forbidden, ...]:
        """Return which combinations of some options cannot be.

        Parameters
        ----------
        names : iterable of str
            Options of a space.

        Returns
        -------
        tuple of Forbidden
            Those of the space file that speak of no others.
        """
        known = set(names)
        return tuple(
            item
            for item in (self.space.forbid if self.space is not None else ())
            if all(condition.option in known for condition in item.conditions)
        )

    def argv(self, configuration: Mapping[str, Level]) -> list[str]:
        """Return the words of a configuration.

        Parameters
        ----------
        configuration : mapping of str to level
            A name that it lacks has its option's default.

        Returns
        -------
        list of str
            To be run without a shell.

        Raises
        ------
        WorkloadError
            If a name has neither.
        """
        return self.command.argv(self.completed(configuration))

    def completed(self, configuration: Mapping[str, Level]) -> dict[str, Level]:
        """Return a configuration with the defaults of the names that it lacks.

        Parameters
        ----------
        configuration : mapping of str to level
            Of any options.

        Returns
        -------
        dict of str to level
            A name without a default stays away.
        """
        options = [offer.option for offer in self.offers.values()]
        usual = {o.name: o.default for o in options if o is not None}
        known = {name: level for name, level in usual.items() if level is not None}
        return {**known, **configuration}

    def job(self, configuration: Mapping[str, Level]) -> dict[str, Any]:
        """Return what the worker has to know of a configuration.

        Parameters
        ----------
        configuration : mapping of str to level
            A name that it lacks has its option's default.

        Returns
        -------
        dict
            Plain data; argv and batch size are of the same levels.
        """
        levels = self.completed(configuration)
        return {
            "kind": "command",
            "argv": self.command.argv(levels),
            "pattern": self.command.pattern,
            "batch_size": levels.get("batch_size"),
        }

    @property
    def read_back_reason(self) -> dict[str, str]:
        """Why the levels of its options cannot be read back."""
        return dict.fromkeys(self.offers, "a command does not tell what it made of it")


def space_of(document: Mapping[str, Any] | None) -> ConfigurationSpace | None:
    """Return the space of a plan's plain data.

    Parameters
    ----------
    document : mapping, optional
        As a space file has it.

    Returns
    -------
    ConfigurationSpace or None
        None for none.
    """
    return None if document is None else ConfigurationSpace.from_dict(document)


def command_of(line: CommandLine) -> dict[str, str]:
    """Return what must match for runs of a command to be pooled.

    Parameters
    ----------
    line : CommandLine
        The command.

    Returns
    -------
    dict of str to str
        For the fingerprint of an environment.
    """
    return {"command": line.text, "latency_pattern": line.pattern}


def require_command(network: str, workload: str) -> None:
    """Raise unless an environment is that of a command.

    Parameters
    ----------
    network, workload : str
        Of the environment.

    Raises
    ------
    WorkloadError
        With what they must be.
    """
    if (network, workload) != (NETWORK, WORKLOAD):
        raise WorkloadError(
            f"{network}/{workload}: with --command there is one network, {NETWORK}, "
            f"and one workload, {WORKLOAD}"
        )


def with_defaults(
    device: Device, varied: Iterable[str], held: Mapping[str, Level]
) -> dict[str, Level]:
    """Return what a sweep holds, the defaults of names in its command among it.

    So each run has the level of every name in its configuration: runs at another
    default are other runs.

    Parameters
    ----------
    device : Device
        Perhaps opened with a command.
    varied : iterable of str
        Options that vary.
    held : mapping of str to level
        Options that are held.

    Returns
    -------
    dict of str to level
        As it was, where there is no command.

    Raises
    ------
    LevelError
        If a default is none of the device's levels.
    WorkloadError
        If a name in the command has no level, with the first.
    """
    options = getattr(getattr(device, "programs", device), "options", None)
    if not isinstance(options, CommandOptions):
        return dict(held)
    varied = list(varied)
    levels = options.completed({**dict.fromkeys(varied, ""), **held})
    options.argv(levels)
    found, offers = {
        n: v for n, v in levels.items() if n not in varied
    }, device.offers()
    for name in found.keys() - set(held):
        option = offers[name].option if name in offers else None
        found[name] = found[name] if option is None else option.check(found[name])
    return found


def _check(pattern: str) -> None:
    """Raise unless a pattern has the one group that finds a latency."""
    if not pattern:
        return
    try:
        found = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise WorkloadError(
            f"--latency-pattern {pattern!r} is no regular expression: {error}"
        ) from error
    named = [name for name in found.groupindex if name in UNITS]
    if len(named) != 1 and found.groups != 1:
        raise WorkloadError(
            f"--latency-pattern {pattern!r} has {found.groups} groups; put the seconds "
            "in one, such as 'latency: ([0-9.]+) s', or other units in a group of "
            "their name, such as '(?P<ms>[0-9.]+) ms'"
        )
