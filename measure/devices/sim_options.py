"""What can be set on a simulated board."""

from __future__ import annotations

from measure.options import Option
from measure.simulator.boards import Board
from measure.simulator.runtimes import CO_RUNNERS, RUNTIMES

USUAL = ("cpu_cores", "cpu_freq_hz", "gpu_freq_hz", "emc_freq_hz")
"""Options of a sweep that names none."""
USUAL_RUNTIME = {"tx1": "caffe", "tx2": "tensorflow"}
"""What a board's parameters were fixed on."""
MEANINGS = {
    "cpu_cores": "cores online, the first included",
    "emc_freq_hz": "set by override, whatever the CPU clock asks for",
    "runtime": "what runs the network: its launches, its fusions, its fixed costs",
    "load_images": "each call first reads, decodes and resizes its images on the CPU",
    "co_runner": "a program of MiBench that runs on the CPU meanwhile",
}
"""What an option means, where its name does not say it."""


def board_options(board: Board) -> tuple[Option, ...]:
    """Return what can be set on a board; by default all is at its highest.

    Parameters
    ----------
    board : Board
        Whose.

    Returns
    -------
    tuple of Option
        Levels as the board reports them.
    """

    def clock(name: str, levels: tuple[int, ...]) -> Option:
        return Option(name=name, levels=levels, unit="Hz", default=levels[-1])

    return (
        Option(
            name="cpu_cores",
            levels=tuple(range(1, board.cores + 1)),
            default=board.cores,
        ),
        clock("cpu_freq_hz", board.cpu.frequencies_hz),
        clock("gpu_freq_hz", board.gpu.frequencies_hz),
        clock("emc_freq_hz", board.emc_hz),
        Option(name="batch_size", levels=(1, 2, 4, 8, 16), default=1),
        Option(name="precision", levels=("float32", "float16"), default="float32"),
        Option(
            name="runtime", levels=tuple(RUNTIMES), default=USUAL_RUNTIME[board.name]
        ),
        Option(name="load_images", levels=(False, True), default=False),
        Option(name="co_runner", levels=tuple(CO_RUNNERS), default="none"),
    )
