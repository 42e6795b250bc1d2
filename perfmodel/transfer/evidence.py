"""Both sides of a transfer, aligned: what verdicts and models rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from measure.spelling import several
from perfmodel.constraints import direction
from perfmodel.encoding import Encoding
from perfmodel.errors import DataError
from perfmodel.selection import describe
from perfmodel.transfer.pairing import common_options, configuration_keys
from perfmodel.transfer.similarity import spearman
from perfmodel.transfer.source import Source, learn_source

if TYPE_CHECKING:
    import pandas as pd

    from measure.space import ConfigurationSpace
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.transfer.pairing import Options

__all__ = ["Evidence", "gather"]

Floats = NDArray[np.float64]

FEWEST_RESPONSES = 5
MANY_SOURCES = 3  # of two that differ, nobody can say which is the strange one
AGREEING = 0.3  # Spearman's correlation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """The target's runs, what the sources say of them, and what failed.

    Parameters
    ----------
    space : ConfigurationSpace
        Options of all sides.
    sources : tuple of Source
        What was learned of each source.
    frame : DataFrame of shape (n, n_options)
        The target's configurations.
    y : ndarray of shape (n,)
        Their responses.
    told : ndarray of shape (n,)
        The sources' mean log prediction of them.
    measured : ndarray of bool of shape (n,)
        Whether every source measured the configuration.
    failed : ndarray of bool of shape (m, 2)
        Of the configurations tried on the first source and the target: which failed.
    maximise : bool
        Whether a high response is good.
    source_frame : DataFrame of shape (k, n_options)
        The first source's configurations.
    source_y : ndarray of shape (k,)
        Their responses.
    notes : tuple of str
        What a reader must know, a line each.
    groups : ndarray of int of shape (n,), or None
        Rows with equal numbers share a measurement; None: no two do.
    """

    space: ConfigurationSpace
    sources: tuple[Source, ...]
    frame: pd.DataFrame
    y: Floats
    told: Floats
    measured: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    maximise: bool
    source_frame: pd.DataFrame
    source_y: Floats
    notes: tuple[str, ...] = ()
    groups: NDArray[np.int64] | None = None

    @property
    def log_y(self) -> Floats:
        """Log responses of the target."""
        return np.log(self.y)

    @property
    def encoding(self) -> Encoding:
        """How levels become numbers."""
        return Encoding(space=self.space)

    def taken(self, rows: Any) -> Evidence:
        """Give the same with some of the target's runs.

        Parameters
        ----------
        rows : ndarray of int
            Positions.

        Returns
        -------
        Evidence
            Failed configurations stay.
        """
        return replace(
            self,
            frame=self.frame.iloc[rows],
            y=self.y[rows],
            told=self.told[rows],
            measured=self.measured[rows],
            groups=None if self.groups is None else self.groups[rows],
        )


def gather(
    sources: Sequence[PerformanceDataset], target: PerformanceDataset
) -> Evidence:
    """Align sources and target, and learn what the sources say.

    Parameters
    ----------
    sources : sequence of PerformanceDataset
        One environment and one response each.
    target : PerformanceDataset
        The target's runs.

    Returns
    -------
    Evidence
        With all runs of the target.

    Raises
    ------
    DataError
        If there is no source, a side has fewer than five responses or one that is not
        positive, or the sides have no option in common.
    """
    if not sources:
        raise DataError("a transfer needs a source; give one or more")
    for side in (*sources, target):
        _check(side)
    options = common_options(*sources, target)
    encoding = Encoding(space=options.space)
    learned = tuple(
        learn_source(
            encoding.codes(options.frame(side)),
            np.log(side.y),
            encoding,
            describe(side.environments()[0]),
        )
        for side in sources
    )
    frame = options.frame(target)
    codes = encoding.codes(frame)
    each = [source.log_predict(codes, encoding) for source in learned]
    rows = [row.tobytes() for row in np.ascontiguousarray(codes)]
    known = [{row.tobytes() for row in source.codes} for source in learned]
    measured = np.array([all(row in keys for keys in known) for row in rows])
    notes = list(options.notes)
    if not measured.all():
        notes.append(
            "target configurations not measured on the source: "
            f"{int(np.sum(~measured))} of {len(measured)}; the source's model stands in"
        )
    notes += _strangers([source.name for source in learned], each)
    for side, name in ((sources[0], "source"), (target, "target")):
        notes += [f"{name}: {phrase}" for phrase in side.counted]
    return Evidence(
        space=options.space,
        sources=learned,
        frame=frame,
        y=target.y,
        told=np.mean(each, axis=0),
        measured=measured,
        failed=_failures(sources[0], target, options),
        maximise=direction(target.response, target.responses)[1],
        source_frame=options.frame(sources[0]),
        source_y=sources[0].y,
        notes=tuple(notes),
        groups=target.groups,
    )


def _strangers(names: Sequence[str], told: Sequence[Floats]) -> list[str]:
    """Name the sources, of three or more, that order configurations as no other."""
    if len(told) < MANY_SOURCES:
        return []
    found = []
    for i, name in enumerate(names):
        rho = [spearman(told[i], other) for j, other in enumerate(told) if j != i]
        best = max((r for r in rho if r == r), default=0.0)
        if best < AGREEING:
            found.append(
                f"source {name} agrees with no other (Spearman {best:.2f} at most): "
                "leave it out, or measure it again"
            )
    return found


def _check(side: PerformanceDataset) -> None:
    where = describe(side.environments()[0])
    if len(side.y) < FEWEST_RESPONSES:
        raise DataError(
            f"{where} has {several(len(side.y), 'configuration')} with a finite "
            f"{side.response}; at "
            f"least {FEWEST_RESPONSES} are needed, measure more"
        )
    if not np.all(side.y > 0):
        raise DataError(
            f"{where} has a {side.response} of {side.y.min():.4g}; a transfer needs "
            "positive responses, leave such cells empty"
        )


def _failures(
    source: PerformanceDataset, target: PerformanceDataset, options: Options
) -> NDArray[np.bool_]:
    """Which of the configurations that both sides tried failed every time."""
    sides: list[dict[Any, bool]] = []
    for side in (source, target):
        frame = options.complete(side.frame)
        keys = configuration_keys(frame, options.space.names)
        failed = ~np.isfinite(side.frame[side.response].to_numpy(dtype=float))
        found: dict[Any, bool] = {}
        for key, one in zip(keys, failed):
            found[key] = found.get(key, True) and bool(one)
        sides.append(found)
    common = [key for key in sides[1] if key in sides[0]]
    pairs = [[sides[0][key], sides[1][key]] for key in common]
    return np.array(pairs, dtype=bool).reshape(-1, 2)
