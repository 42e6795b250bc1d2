"""``replay:TABLE.csv``: a device that answers from recorded runs.

Nothing is measured. Designs, models and transfer can so be tried on a real campaign:
a design asks for some of its configurations, and the others tell how well a model of
these few predicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.configuration import Configuration
from measure.devices.base import Measurement, OptionOffer, RecordedDevice
from measure.devices.recording import Answer, Levels, Pair, narrowed, read_recording
from measure.errors import DeviceError, RunFailed, WorkloadError
from measure.levels import Level, spelled
from measure.records import Conditions, Environment
from measure.space import ConfigurationSpace
from measure.spelling import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from measure.workloads.base import Timing

PREFIX = "replay:"
"""How the address of a replay begins; the table's path follows."""


class ReplayDevice(RecordedDevice):
    """A device that answers from a table, as `measure.table.read_table` reads it.

    Repeats of a configuration are answered in turn. An option that a configuration
    leaves out is at its default; the defaults together are a recorded configuration.

    Parameters
    ----------
    path : str
        The table, as the user said it.
    options, responses, environment : sequence of str, optional
        Columns, where no T.json lies beside the table.
    space : mapping, optional
        A space file's content: levels of the options.
    folder : str, default=""
        Where a relative path is looked for if it is not in the working folder.

    Raises
    ------
    DeviceError
        If the table is not there, or nothing says what its columns are.
    TableError
        If it cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "lab.csv")
    >>> _ = path.write_text("threads,board,seconds\\n1,tx1,2.5\\n4,tx1,1.5\\n")
    >>> device = ReplayDevice(str(path), options=["threads"], responses=["seconds"],
    ...                       environment=["board"])
    >>> device.name, device.networks(), device.simulated
    ('replay:lab', {'tx1': ('recorded',)}, True)
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str,
        *,
        options: Sequence[str] | None = None,
        responses: Sequence[str] | None = None,
        environment: Sequence[str] | None = None,
        space: Mapping[str, Any] | None = None,
        folder: str = "",
    ) -> None:
        self.address = PREFIX + path
        found = Path(path)
        if not found.is_file() and folder:
            found = Path(folder) / path
        if not path or not found.is_file():
            raise DeviceError(
                f"--device {self.address}: there is no such file; write "
                f"{PREFIX}TABLE.csv with the path of a table of runs"
            )
        self._recording = read_recording(
            found,
            options=options,
            responses=responses,
            environment=environment,
            space=space,
        )
        self.name = PREFIX + self._recording.name
        self._options = {option.name: option for option in self._recording.options}
        self._asked: Counter[tuple[Pair, Levels]] = Counter()

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the table is not replayed."""
        notes = []
        if self._recording.constant:
            held = self._recording.constant.items()
            levels = ", ".join(f"{name}={spelled(level)}" for name, level in held)
            notes.append(f"left out, recorded at one level only: {levels}")
        if self._recording.left_out:
            notes.append(
                f"left out: {self._recording.left_out} reference runs of the table"
            )
        return tuple(notes)

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the networks of the table and the workloads of each.

        Returns
        -------
        mapping of str to tuple of str
            The column ``network`` and ``workload`` (else ``recorded``); without such
            a column, the environment values joined by ``/``.
        """
        found: dict[str, tuple[str, ...]] = {}
        for network, workload in self._recording.runs:
            found[network] = (*found.get(network, ()), workload)
        return found

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return the options of the table.

        Returns
        -------
        mapping of str to OptionOffer
            One that was recorded at one level only is not available.
        """
        offers = {n: OptionOffer(option=option) for n, option in self._options.items()}
        for name, level in self._recording.constant.items():
            offers[name] = OptionOffer(
                option=None,
                available=False,
                reason=f"it was recorded at one level only, {spelled(level)}",
                levels=(level,),
            )
        return offers

    def space(self, names: Iterable[str] | None = None) -> ConfigurationSpace:
        """Return the space of some options, at the levels that were recorded.

        Parameters
        ----------
        names : iterable of str, optional
            All by default; those recorded at one level only are left out.

        Returns
        -------
        ConfigurationSpace
            It may hold configurations that were not recorded: see `recorded`.

        Raises
        ------
        DeviceError
            If the table has no such option, or none of them varies.
        """
        whole = self._recording.space
        if names is None:
            return whole
        wanted = list(names)
        for name in wanted:
            if name not in self._options and name not in self._recording.constant:
                raise DeviceError(
                    f"{self.address} has no option {name!r}; choose from "
                    f"{', '.join(self._options)}{did_you_mean(name, self._options)}"
                )
        varying = [name for name in wanted if name in self._options]
        if not varying:
            raise DeviceError(
                f"{self.address}: {', '.join(wanted)} was recorded at one level only; "
                f"choose from {', '.join(self._options)}"
            )
        return narrowed(whole, [self._options[name] for name in varying])

    def environment(self, network: str, workload: str) -> Environment:
        """Return what runs must share to be pooled.

        Parameters
        ----------
        network, workload : str
            Of `networks`.

        Returns
        -------
        Environment
            Its device and version say that it is a replay; the fingerprint is the
            table's.

        Raises
        ------
        WorkloadError
            If nothing was recorded there.
        """
        self._runs(network, workload)
        return Environment(
            device=self.name,
            network=network,
            workload=workload,
            version="replay",
            fingerprint={"table": self._recording.fingerprint},
        )

    def conditions(self) -> Conditions:
        """Return what varies from run to run.

        Returns
        -------
        Conditions
            Nothing: a recording has what the table has.
        """
        reason = "a replay has none"
        names = ("load_1min", "temperature_c", "power_source", "turbo")
        return Conditions(missing={name: reason for name in names})

    def recorded(
        self,
        pairs: Iterable[Pair],
        space: ConfigurationSpace,
        held: Mapping[str, Level] | None = None,
        times: int = 1,
    ) -> pd.DataFrame:
        """Return the configurations that a design may be drawn from.

        Parameters
        ----------
        pairs : iterable of (str, str)
            Networks and workloads; each must have recorded it.
        space : ConfigurationSpace
            Options that vary; the others are held or at their default.
        held : mapping of str to level, optional
            Options held at one level.
        times : int, default=1
            In how many runs each must have been recorded.

        Returns
        -------
        DataFrame
            One column an option of `space`, one row a configuration; none, perhaps.
        """
        import pandas as pd

        options = space.options
        pairs = list(pairs)
        for pair in pairs:
            self._runs(*pair)
        rows = self._recording.configurations(pairs, options, held or {}, times)
        return pd.DataFrame(rows, columns=list(space.names), dtype=object)

    def lacks(
        self, network: str, workload: str, configurations: Iterable[Configuration]
    ) -> list[Configuration]:
        """Return the configurations that were not recorded.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configurations : iterable of Configuration
            What will be asked for.

        Returns
        -------
        list of Configuration
            In order.
        """
        runs = self._runs(network, workload)
        pair = (network, workload)
        return [
            one for one in configurations if self._recording.key(pair, one) not in runs
        ]

    def recall(self, network: str, workload: str, configuration: Configuration) -> None:
        """Take a run as answered, so that a resumed sweep goes on with the next.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            What was asked for.
        """
        pair = (network, workload)
        self._asked[pair, self._recording.key(pair, configuration)] += 1

    def measure(
        self,
        network: str,
        workload: str,
        configuration: Configuration,
        timing: Timing,
    ) -> Measurement:
        """Answer with the next recorded run of a configuration.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            Options that it lacks are at their default.
        timing : Timing
            Not needed: nothing is measured.

        Returns
        -------
        Measurement
            The table's responses; flagged if there were no more runs and it began
            with the first again.

        Raises
        ------
        RunFailed
            If it was not recorded, or only without a response.
        """
        pair = (network, workload)
        key = self._recording.key(pair, configuration)
        answers = self._runs(network, workload).get(key)
        if answers is None:
            raise RunFailed(
                f"{self.address}: {configuration.key} was not recorded for "
                f"{network}/{workload}",
                final=True,
            )
        turn = self._asked[pair, key]
        self._asked[pair, key] += 1
        answer = answers[turn % len(answers)]
        if answer.reason:
            raise RunFailed(answer.reason, final=True)
        again = f"recorded {len(answers)} times, answered again"
        return Measurement(
            calls_s=(),
            readings=answer.readings,
            read_back={name: None for name in configuration},
            read_back_reason={
                name: "a replay reads nothing back" for name in configuration
            },
            flags=(again,) if turn >= len(answers) else (),
            conditions=self.conditions(),
        )

    def _runs(self, network: str, workload: str) -> Mapping[Levels, Sequence[Answer]]:
        try:
            return self._recording.runs[network, workload]
        except KeyError:
            there = ", ".join("/".join(pair) for pair in self._recording.runs)
            raise WorkloadError(
                f"{self.address} has no {network!r} on {workload!r}; it has {there}"
            ) from None
