"""All verdicts on one transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perfmodel.influence import explain
from perfmodel.transfer.agreement import (
    judge_distribution,
    judge_invalid,
    judge_optimum,
    judge_rank,
)
from perfmodel.transfer.base import TransferModel
from perfmodel.transfer.carried import judge_terms
from perfmodel.transfer.evidence import Evidence
from perfmodel.transfer.kinds import judge_shift
from perfmodel.transfer.verdicts import FEWEST_RUNS, Verdict, too_few

if TYPE_CHECKING:
    from perfmodel.influence import InfluenceReport

__all__ = ["judge_all"]


def judge_all(evidence: Evidence, seed: int = 0) -> dict[str, Verdict]:
    """Judge shift, rank, options, interactions, distribution, invalid and optimum.

    Configurations that the source measured are compared where there are twenty, else
    all with the source's model in place of what it lacks.

    Parameters
    ----------
    evidence : Evidence
        Both sides, with the target runs that count.
    seed : int, default=0
        Seed of folds, resamples and draws.

    Returns
    -------
    dict of str to Verdict
        One for each name.
    """
    rows = np.flatnonzero(evidence.measured)
    if len(rows) < min(FEWEST_RUNS, len(evidence.y)):
        rows = np.arange(len(evidence.y))
    a, b = evidence.told[rows], evidence.log_y[rows]
    codes = evidence.encoding.codes(evidence.frame.iloc[rows])
    sign = -1.0 if evidence.maximise else 1.0
    found = {
        "shift": judge_shift(a, b, codes, evidence.encoding, seed),
        "rank": judge_rank(a, b),
        "distribution": judge_distribution(a, b),
        "invalid": judge_invalid(evidence.failed[:, 0], evidence.failed[:, 1]),
        "optimum": judge_optimum(sign * a, sign * b),
    }
    n = len(evidence.y)
    if n < FEWEST_RUNS:
        found["options"] = too_few("shared options", n)
        found["interactions"] = too_few("shared interactions", n)
        return found
    of_source, of_target = influences(evidence, seed)
    found["options"] = judge_terms(of_source, of_target, 1, n)
    found["interactions"] = judge_terms(of_source, of_target, 2, n)
    return found


def influences(
    evidence: Evidence, seed: int = 0
) -> tuple[InfluenceReport, InfluenceReport]:
    """Explain the first source and the target, each by its own runs alone.

    Parameters
    ----------
    evidence : Evidence
        Both sides.
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    tuple of InfluenceReport
        Of source and target, over the same configurations.
    """
    sides = ((evidence.source_frame, evidence.source_y), (evidence.frame, evidence.y))
    reports = []
    for frame, y in sides:
        model = TransferModel(
            method="alone", space=evidence.space, seed=seed, calibrate=False
        )
        reports.append(explain(model.fit(frame, y), seed=seed))
    return reports[0], reports[1]
