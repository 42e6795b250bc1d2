"""What can be set on a simulated board beside what any board has."""

from __future__ import annotations

from measure.options import Option
from measure.simulator.runtimes import CO_RUNNERS, RUNTIMES

USUAL_RUNTIME = {"tx1": "caffe", "tx2": "tensorflow"}
"""What a board's parameters were fixed on."""
MEANINGS = {
    "runtime": "what runs the network: its launches, its fusions, its fixed costs",
    "load_images": "each call first reads, decodes and resizes its images on the CPU",
    "co_runner": "a program of MiBench that runs on the CPU meanwhile",
}
"""What an option means, where its name does not say it."""


def simulated_options(board: str) -> tuple[Option, ...]:
    """Return what can be set on a simulated board only.

    Parameters
    ----------
    board : str
        ``tx1`` or ``tx2``.

    Returns
    -------
    tuple of Option
        Of the network that runs, and of what runs beside it.

    Examples
    --------
    >>> [option.name for option in simulated_options("tx1")]
    ['batch_size', 'precision', 'runtime', 'load_images', 'co_runner']
    """
    return (
        Option(name="batch_size", levels=(1, 2, 4, 8, 16), default=1),
        Option(name="precision", levels=("float32", "float16"), default="float32"),
        Option(name="runtime", levels=tuple(RUNTIMES), default=USUAL_RUNTIME[board]),
        Option(name="load_images", levels=(False, True), default=False),
        Option(name="co_runner", levels=tuple(CO_RUNNERS), default="none"),
    )
