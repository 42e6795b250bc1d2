"""The transfers that words select: one for each target environment and response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perfmodel.errors import DataError
from perfmodel.progress import Progress, part_of, silent
from perfmodel.selection import describe, pair_environments
from perfmodel.transfer.report import TransferReport, transferability

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset

__all__ = ["transfer_reports"]


def transfer_reports(
    data: PerformanceDataset,
    src: str | Sequence[str],
    dst: str,
    *,
    target_runs: int | None = None,
    metrics: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> list[TransferReport]:
    """Report every transfer that words select, for each response.

    Parameters
    ----------
    data : PerformanceDataset
        Runs of several environments.
    src : str or sequence of str
        Words that select sources, or ``all``.
    dst : str
        Words that select targets.
    target_runs : int, optional
        As for `transferability`.
    metrics : {"ase17"}, optional
        As for `transferability`.
    seed : int, default=0
        Seed of everything random.
    progress : callable, optional
        Told what is being done, and the share done, from 0 to 1.

    Returns
    -------
    list of TransferReport
        One for each target environment and response; a response that one side has
        nowhere is left out, and the notes say so.

    Raises
    ------
    SelectionError
        If the words select nothing, or not clearly.
    DataError
        As for `transferability`; or if no response is left.
    """
    words = [src] if isinstance(src, str) else list(src)
    words = [part for word in words for part in _sources(word)]
    pairs = pair_environments(data.environments(), words, dst)
    wanted = [(pair, response) for pair in pairs for response in data.responses]
    reports = []
    left_out = []
    for place, (pair, response) in enumerate(wanted):
        one = data.for_response(response)
        sides = [one.select(**where) for where in (*pair.sources, pair.target)]
        empty = [s for s in sides if s.frame[response].isna().all()]
        if empty:
            where = describe(empty[0].environments()[0])
            left_out.append(f"{response} is missing in {where}: not judged")
            continue
        share = part_of(progress, place / len(wanted), (place + 1) / len(wanted))
        reports.append(
            transferability(
                sides[:-1],
                sides[-1],
                target_runs=target_runs,
                metrics=metrics,
                seed=seed,
                progress=_named(share, f"{describe(pair.target)} {response}"),
            )
        )
    if not reports:
        raise DataError("no response to transfer: " + "; ".join(left_out))
    if left_out:
        reports[0] = replace(reports[0], notes=(*reports[0].notes, *left_out))
    return reports


def _named(progress: Progress, name: str) -> Progress:
    """Say with each step what it belongs to."""

    def told(what: str, share: float) -> None:
        progress(f"{name}: {what}", share)

    return told


def _sources(word: str) -> list[str]:
    """Split a list of words; ``network=a,workload=b`` is one."""
    return [word] if "=" in word else [part.strip() for part in word.split(",")]
