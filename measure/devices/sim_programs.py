"""Networks as programs of a simulated board, and the options that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from measure.constraints import Forbidden
from measure.devices.base import OptionOffer
from measure.devices.board_programs import (
    TIME_LIMIT_S,
    WARM_UP_CAP_S,
    BoardProgram,
    Calls,
    calls_of,
)
from measure.devices.sim_options import MEANINGS, simulated_options
from measure.devices.transport import Link, Reply
from measure.errors import WorkloadError
from measure.levels import Level
from measure.options import Option
from measure.simulator.programs import Job
from measure.workloads.architectures import LAYER_TABLES, layer_table
from measure.workloads.networks import image_size

_FIRST = ("resnet50", "mobilenetv2")
_TWINS = frozenset({"vgg19", "squeezenet1_0"})
"""Not offered: a beginning such as ``vgg`` shall name one network."""
_READ = "the simulator's own"


class SimProgram(BoardProgram):
    """One network and workload on a simulated board.

    Parameters
    ----------
    network : str
        With a layer table.
    size : int
        Pixels a side.
    options : mapping of str to Option
        Of the simulator; those that a configuration lacks are at their reference.
    """

    def __init__(self, network: str, size: int, options: Mapping[str, Option]) -> None:
        self.network, self.size, self.options = network, size, options

    def levels(self, configuration: Mapping[str, Level]) -> dict[str, Level]:
        """Return the level of each of the simulator's options.

        Parameters
        ----------
        configuration : mapping of str to level
            Options of the board have no say.

        Returns
        -------
        dict of str to level
            All of them.
        """
        return {
            name: configuration.get(name, option.reference)
            for name, option in self.options.items()
        }

    def copy(self, link: Link) -> None:
        """Copy nothing.

        Parameters
        ----------
        link : Link
            Not used.
        """

    def argv(
        self,
        configuration: Mapping[str, Level],
        *,
        seconds: float,
        window_s: float,
        lead_s: float,
        min_calls: int,
        quick: bool,
        warm_up_cap_s: float = WARM_UP_CAP_S,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> list[str]:
        """Return the words that start it on the simulated board.

        Parameters
        ----------
        configuration : mapping of str to level
            Options that are none of the simulator's are left out.
        seconds : float
            Measuring time.
        window_s : float
            How long it is under load at least, while measured.
        lead_s : float
            How long it is under load before and after the window.
        min_calls : int
            Calls that are measured at least.
        quick : bool
            Not needed: a simulated network is warm after three calls.
        warm_up_cap_s : float, optional
            Not needed.
        time_limit_s : float, optional
            It is done after so long, with fewer calls if need be.

        Returns
        -------
        list of str
            For `measure.simulator.programs.Programs`.
        """
        levels = self.levels(configuration)
        return Job(
            network=self.network,
            image_size=self.size,
            batch_size=int(levels["batch_size"]),
            precision=str(levels["precision"]),
            runtime=str(levels["runtime"]),
            load_images=bool(levels["load_images"]),
            seconds=seconds,
            window_s=window_s,
            lead_s=lead_s,
            min_calls=min_calls,
            limit_s=time_limit_s,
        ).argv()

    def calls(self, reply: Reply) -> Calls:
        """Return what a run gave.

        Parameters
        ----------
        reply : dict
            Of the request ``run``.

        Returns
        -------
        Calls
            At least one.

        Raises
        ------
        RunFailed
            If it gave none.
        """
        return calls_of(reply)


class SimPrograms:
    """All networks that have a layer table.

    Parameters
    ----------
    board : str
        ``tx1`` or ``tx2``; its usual runtime is the default.
    """

    usual: tuple[str, ...] = ()
    """A sweep that names no options varies none of these."""

    def __init__(self, board: str) -> None:
        self.board = board
        self.options = {one.name: one for one in simulated_options(board)}

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the networks and the workloads of each, the default first.

        Returns
        -------
        mapping of str to tuple of str
            All take images of any size.
        """
        names = dict.fromkeys((*_FIRST, *LAYER_TABLES))
        return {name: ("images",) for name in names if name not in _TWINS}

    def offers(self, cores: int) -> Mapping[str, OptionOffer]:
        """Return the options that only a simulated board has.

        Parameters
        ----------
        cores : int
            Not used.

        Returns
        -------
        mapping of str to OptionOffer
            All of them are available.
        """
        return {
            name: OptionOffer(option=option, reason=MEANINGS.get(name, ""))
            for name, option in self.options.items()
        }

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        """Return that all combinations of them can be.

        Parameters
        ----------
        options : sequence of Option
            Not used.

        Returns
        -------
        tuple of Forbidden
            None.
        """
        return ()

    def program(self, network: str, workload: str) -> SimProgram:
        """Return what runs a network on a workload.

        Parameters
        ----------
        network, workload : str
            Of `networks`; images of any size fit.

        Returns
        -------
        SimProgram
            For the simulated board alone.

        Raises
        ------
        WorkloadError
            If the two do not fit.
        """
        size = image_size(workload)
        if size is None:
            raise WorkloadError(
                f"sim:{self.board}: network {network!r} has no workload {workload!r}; "
                "choose images or images-N"
            )
        layer_table(network, size)
        return SimProgram(network, size, self.options)

    def version(self, link: Link) -> tuple[str, Mapping[str, str]]:
        """Return that all is simulated.

        Parameters
        ----------
        link : Link
            Not used.

        Returns
        -------
        str
            For `Environment.version`.
        mapping of str to str
            For its fingerprint: no simulated board is taken for a real one.
        """
        return "simulated", {"board": f"simulated {self.board}"}

    def close(self) -> None:
        """End nothing."""
