"""The configurations that a front or a recommendation chooses from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import ModelError, SelectionError
from perfmodel.facts import facts_of
from perfmodel.failures import failed_configurations, left_out

if TYPE_CHECKING:
    import pandas as pd

    from measure.space import ConfigurationSpace

__all__ = ["Candidates"]

PREDICTED_LIMIT = 50_000
"""Most configurations to predict: a larger space is sampled."""
_CHUNK = 4_096


class Candidates:
    """All configurations to compare, and what is known of their responses.

    Parameters
    ----------
    sources : model, PerformanceDataset, or a sequence of either
        One model a response, or runs with one or more responses.
    space : ConfigurationSpace or None
        Configurations to predict; None: the first source's.
    data : PerformanceDataset or None
        Runs that stand in place of models' predictions.
    level : float
        Level of the prediction intervals.
    seed : int
        Seed of the sample of a large space.

    Attributes
    ----------
    rows : DataFrame
        One row a configuration: options, responses, ``measured``, and once asked for
        ``NAME_lower`` and ``NAME_upper``.
    responses : dict of str to str
        Each response and its unit.
    space : ConfigurationSpace
        The options.
    notes : list of str
        What a reader must know, a line each.

    Raises
    ------
    SelectionError
        If a response is there twice, or nothing is measured in full.
    ModelError
        If a model does not know its response.
    """

    def __init__(
        self,
        sources: Any,
        space: ConfigurationSpace | None,
        data: PerformanceDataset | None,
        level: float,
        seed: int,
    ) -> None:
        given = list(sources) if isinstance(sources, Sequence) else [sources]
        runs = [one for one in given if isinstance(one, PerformanceDataset)]
        if not given or 0 < len(runs) < len(given):
            raise SelectionError(
                "give models, or datasets, not both and not nothing; measured runs "
                "beside models are data="
            )
        self.level = level
        self.notes: list[str] = []
        self.models: dict[str, Any] = {}
        self.responses: dict[str, str] = {}
        if runs:
            self.space = space or runs[0].space
            for one in runs:
                for name, unit in one.responses.items():
                    self._add(name, unit)
            self.rows = _measured(runs, self.space, list(self.responses))
            self._failed(runs)
        else:
            for model in given:
                facts = facts_of(model)
                name = facts.response
                if not name:
                    raise ModelError(
                        f"{type(model).__name__} does not know its response; fit it "
                        "with perfmodel.fit on a PerformanceDataset"
                    )
                self._add(name, facts.unit)
                self.models[name] = model
            self.space = space or given[0].space_
            self._check_options()
            self.rows = self._predicted(data, seed)
        if self.rows.empty:
            raise SelectionError(
                f"no configuration has all of {', '.join(self.responses)} measured"
            )

    def _add(self, name: str, unit: str) -> None:
        if name in self.responses:
            raise SelectionError(
                f"two sources have the response {name!r}; a front needs one of each, "
                "of one environment"
            )
        self.responses[name] = unit

    def _check_options(self) -> None:
        for name, model in self.models.items():
            for option in model.space_.names:
                if option not in self.space.names:
                    raise ModelError(
                        f"the model of {name} has the option {option!r}, the space has "
                        f"{', '.join(self.space.names)}; fit all models to runs with "
                        "the same options, or give space= with all of them"
                    )

    def _predicted(self, data: PerformanceDataset | None, seed: int) -> pd.DataFrame:
        import pandas as pd

        size = self.space.size()
        if size <= PREDICTED_LIMIT:
            indices = self.space.all_rows()
        else:
            rng = np.random.default_rng(seed)
            indices = self.space.sample(PREDICTED_LIMIT, rng)
            self.notes.append(
                f"{PREDICTED_LIMIT} of {size} valid configurations were predicted, "
                "drawn at random: better ones may exist"
            )
        rows = self.space.decode(indices)
        for name, model in self.models.items():
            chunks = [
                model.predict(rows.iloc[start : start + _CHUNK][list(self.space.names)])
                for start in range(0, len(rows), _CHUNK)
            ]
            rows[name] = np.concatenate(chunks)
        rows["measured"] = False
        passed_over = self._failed([] if data is None else [data])
        if data is None:
            known = rows.head(0)
        else:
            known = _measured([data], self.space, list(self.responses))
            passed_over |= {tuple(row) for row in self.space.encode(known).tolist()}
        if passed_over:
            new = [tuple(row) not in passed_over for row in indices.tolist()]
            parts = [part for part in (known, rows[new]) if len(part)]
            rows = pd.concat(parts or [known], ignore_index=True)
        return rows

    def _failed(self, runs: Sequence[PerformanceDataset]) -> set[tuple[int, ...]]:
        """Find the configurations that failed in all responses; note how many."""
        failed = [failed_configurations(one, self.space) for one in runs]
        for model in self.models.values():
            codes = getattr(model, "failed_", None)
            if codes is not None and set(model.space_.names) == set(self.space.names):
                levels = model.space_.decode(codes)
                failed.append(self.space.encode(levels))
        found = [{tuple(row) for row in one.tolist()} for one in failed]
        gone = set.intersection(*found) if found else set()
        self.notes.extend(left_out(len(gone)))
        return gone

    def add_intervals(self, index: Any) -> None:
        """Add the interval of each prediction among some rows.

        Parameters
        ----------
        index : Index
            Labels of `rows`; those that are measured stay NaN.
        """
        for name in self.responses:
            for end in ("lower", "upper"):
                if f"{name}_{end}" not in self.rows:
                    self.rows[f"{name}_{end}"] = np.nan
        for name, model in self.models.items():
            rows = self.rows.loc[index]
            rows = rows[~rows["measured"] & rows[f"{name}_lower"].isna()]
            for start in range(0, len(rows), _CHUNK):
                part = rows.iloc[start : start + _CHUNK]
                interval = model.predict_interval(
                    part[list(self.space.names)], level=self.level
                )
                for end in ("lower", "upper"):
                    self.rows.loc[part.index, f"{name}_{end}"] = interval[
                        end
                    ].to_numpy()


def _measured(
    runs: Sequence[PerformanceDataset],
    space: ConfigurationSpace,
    responses: Sequence[str],
) -> pd.DataFrame:
    """Return the configurations that have all responses, replicates averaged."""
    values: dict[tuple[int, ...], dict[str, float]] = {}
    for one in runs:
        for name in one.responses:
            if name in responses:
                single = one.for_response(name)
                indices = space.encode(single.X).tolist()
                for row, value in zip(indices, single.y):
                    values.setdefault(tuple(row), {})[name] = float(value)
    whole = {
        row: found for row, found in values.items() if len(found) == len(responses)
    }
    indices = np.array(list(whole), dtype=np.int64).reshape(-1, len(space.names))
    frame = space.decode(indices)
    for name in responses:
        frame[name] = np.array([found[name] for found in whole.values()], dtype=float)
    frame["measured"] = True
    return frame
