"""Pairs of environments from the published data sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd

from perfmodel.dataset import PerformanceDataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One source and one target, every configuration of both measured.

    Parameters
    ----------
    family : str
        The data set, for means.
    name : str
        The pair.
    source, target : PerformanceDataset
        With the same configurations in the same order.
    related : bool
        False where the source's responses were permuted, so that it misleads.
    """

    family: str
    name: str
    source: PerformanceDataset
    target: PerformanceDataset
    related: bool = True


def cases(folder: Path, seed: int) -> Iterator[Case]:
    """Yield the pairs of every data set that is there, and one that misleads each."""
    rng = np.random.default_rng(seed)
    for family, table, options, response, environment, most in _tables(folder):
        places = list(table.groupby(environment, sort=True).groups)
        pairs = list(permutations(places, 2))
        chosen = rng.permutation(len(pairs))[:most]
        for number, place in enumerate(sorted(chosen)):
            sides = [_side(table, environment, one) for one in pairs[place]]
            common = _common(sides, options, response)
            case = _case(family, pairs[place], common, options, response)
            yield case
            if number == 0:
                shuffled = common.assign(source=rng.permutation(common["source"]))
                yield _case(family, ("shuffled", place), shuffled, options, response)


def _case(
    family: str, pair: tuple[object, object], common: pd.DataFrame, options, response
) -> Case:
    return Case(
        family=family,
        name=f"{pair[0]} to {pair[1]}",
        source=_dataset(common, options, "source"),
        target=_dataset(common, options, "target"),
        related=pair[0] != "shuffled",
    )


def _dataset(common: pd.DataFrame, options, side: str) -> PerformanceDataset:
    frame = common[[*options, side]].rename(columns={side: "response"})
    return PerformanceDataset.from_frame(frame, options=options, response="response")


def _side(table: pd.DataFrame, environment: list[str], place) -> pd.DataFrame:
    place = place if isinstance(place, tuple) else (place,)
    rows = np.ones(len(table), dtype=bool)
    for column, value in zip(environment, place, strict=True):
        rows &= (table[column] == value).to_numpy()
    return table[rows]


def _common(sides, options, response) -> pd.DataFrame:
    """Mean responses of the configurations that both sides measured."""
    means = [
        side[side[response] > 0].groupby(options, sort=True)[response].mean()
        for side in sides
    ]
    both = pd.concat(means, axis=1, join="inner", keys=["source", "target"])
    return both.reset_index()


def _tables(folder: Path):
    """Yield family, table, options, response, environment columns, number of pairs."""
    tx2 = ["num_cores", "core_freq_khz", "gpu_freq_hz", "emc_freq_hz"]
    xz = ["check", "preset", "extreme", "no_sparse"]
    for name, options, response, environment, most in (
        ("jetson_tx2_dnn_freq", tx2, "power_consumption", ["dnn", "image_size"], 12),
        ("jetson_tx2_dnn_freq", tx2, "inference_time_s", ["dnn", "image_size"], 6),
        ("icpe2017_xz", xz, "time_s", ["worker_id"], 12),
        ("ase17_sqlite", None, "fillseq_us_per_op", ["hardware"], 6),
        ("ase17_x264", None, "encoding_time_s", ["hardware", "frames"], 6),
        ("sempl_nginx", None, "performance", ["environment"], 4),
    ):
        found = sorted((folder / name).glob(f"{name}.csv*"))
        if not found:
            continue
        table = pd.read_csv(found[0])
        if options is None:
            levels = table.drop(columns=["config_id"], errors="ignore").nunique()
            options = [
                column
                for column in table.columns
                if 1 < levels.get(column, 0) <= 3
                and column not in ("hardware", "version", "frames")
            ]
        yield f"{name}/{response}", table, options, response, environment, most
