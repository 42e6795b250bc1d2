"""A board in this process, on a clock of its own, and a program that "runs" on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from measure.configuration import Configuration
from measure.constraints import Forbidden
from measure.devices.base import OptionOffer, Told
from measure.devices.board_programs import Calls, calls_of
from measure.devices.transport import InProcessLink, Link, LinkLost, Reply
from measure.errors import WorkloadError
from measure.levels import Level
from measure.options import Option
from measure.simulator.latency import Clocks
from measure.simulator.power import RailPower
from measure.simulator.tree import BoardTree

CALL_S = 0.02
IDLE_W, LOAD_W = 3.0, 5.0
START_S = 0.4


class TreeClock:
    """The board's own clock: waiting takes no time."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += seconds


class RunningLink(InProcessLink):
    """An agent in process that runs programs: they take the clock's time."""

    def __init__(self, tree: BoardTree, clock: TreeClock) -> None:
        super().__init__(tree, clock)
        self.tree = tree
        self.during: Callable[[], None] = lambda: None
        self.lose = ""
        self.load = False
        tree.power = self._power

    def ask(self, do: str, *, limit_s: float = 15.0, **words: Any) -> Reply:
        if do == self.lose:
            self.lose = ""
            self.agent.handle({"do": "restore"})
            raise LinkLost("link to the board lost: it was cut")
        if do != "run":
            return super().ask(do, limit_s=limit_s, **words)
        return self._run(words["argv"])

    def _power(self, clocks: Clocks) -> RailPower:
        total = LOAD_W if self.load else IDLE_W
        return RailPower(total_w=total, gpu_w=0.4 * total, cpu_w=0.2 * total)

    def _run(self, argv: list[str]) -> Reply:
        window_s, lead_s, min_calls = float(argv[1]), float(argv[2]), int(argv[3])
        start = self.clock.now()
        self.clock.sleep(START_S)
        self.load = True
        self.clock.sleep(lead_s + 3 * CALL_S)
        begin, calls = self.clock.now(), 0
        while calls < min_calls or self.clock.now() - begin < window_s:
            self.clock.sleep(CALL_S)
            calls += 1
            if calls == 2:
                self.during()
        end = self.clock.now()
        self.clock.sleep(lead_s)
        self.load = False
        said = {
            "calls_s": [CALL_S] * calls,
            "warm_up_s": [2 * CALL_S],
            "window": [begin, end],
            "cpu_time_s": CALL_S / 2,
            "batch_size": 4,
            **json.loads(argv[4]),
        }
        return {
            "rc": 0,
            "late": False,
            "stdout": json.dumps(said),
            "stderr": "",
            "start_s": start,
            "stop_s": self.clock.now(),
        }


class FakeProgram:
    """A program whose calls all take the same time."""

    def __init__(self, **said: Any) -> None:
        self.said, self.copies = said, 0

    def prepare(
        self, configurations: Iterable[Configuration], progress: Told | None = None
    ) -> None:
        pass

    def artefact(self, configuration: Mapping[str, Level]) -> str:
        return "fake"

    def copy(self, link: Link) -> None:
        self.copies += 1

    def argv(
        self,
        configuration: Mapping[str, Level],
        *,
        seconds: float,
        window_s: float,
        lead_s: float,
        min_calls: int,
        quick: bool,
        warm_up_cap_s: float = 2.0,
        time_limit_s: float = 60.0,
    ) -> list[str]:
        times = [str(window_s), str(lead_s), str(min_calls)]
        return ["fake", *times, json.dumps(self.said)]

    def calls(self, reply: Reply) -> Calls:
        return calls_of(reply)


def board_tree(
    name: str, clock: Callable[[], float], period_s: float | None = None
) -> BoardTree:
    """A board's files, whose power sensor updates as often as one likes."""
    tree = BoardTree(name, clock)
    if period_s is not None and tree._board is not None:
        sensor = replace(tree._board.sensor, period_s=period_s)
        tree._board = replace(tree._board, sensor=sensor)
    return tree


def fake_board(name: str, *, period_s: float | None = None) -> RunningLink:
    """A board in this process, which takes no time."""
    clock = TreeClock()
    return RunningLink(board_tree(name, clock.now, period_s), clock)


class FakePrograms:
    """One network, whose program is a `FakeProgram`."""

    usual: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.one = FakeProgram()
        self.closed = False

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        return {"fake": ("images",)}

    def offers(self, cores: int) -> Mapping[str, OptionOffer]:
        option = Option(name="threads", levels=tuple(range(1, cores + 1)))
        return {"threads": OptionOffer(option=option)}

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        return ()

    def program(self, network: str, workload: str) -> FakeProgram:
        if (network, workload) != ("fake", "images"):
            raise WorkloadError(f"no network {network} on {workload}")
        return self.one

    def version(self, link: Link) -> tuple[str, Mapping[str, str]]:
        return "fake-1.0", {"runtime": "fake 1.0.2"}

    def close(self) -> None:
        self.closed = True
