"""What every performance model must do: inherit, and say which model it is."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from measure.space import ConfigurationSpace
from perfmodel.base import PerformanceModel
from perfmodel.catalogue import make_model
from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import ArchiveError, ModelError
from perfmodel.fitting import fit
from perfmodel.loading import load
from perfmodel.validation import mape

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "threads": {"kind": "numeric", "levels": [1, 2, 4, 8]},
            "backend": {"kind": "categorical", "levels": ["graph", "tflite", "xla"]},
            "onednn": {"kind": "boolean"},
            "inert": {"kind": "categorical", "levels": ["on", "off"]},
        }
    }
)


def whole_table(noise: float = 0.0, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """All 48 configurations and a response with main effects and one pair."""
    frame = SPACE.decode(SPACE.all_rows())
    threads = np.log2(frame["threads"].to_numpy(dtype=float))
    tflite = (frame["backend"] == "tflite").to_numpy()
    onednn = frame["onednn"].to_numpy(dtype=bool)
    log = 1 - 0.5 * threads + 0.4 * tflite + 0.3 * onednn * (1 - tflite)
    log = log + noise * np.random.default_rng(seed).standard_normal(len(log))
    return frame, np.exp(log)


@cache
def fitted_once(contract: type[ModelContract]) -> PerformanceModel:
    """Fit a contract's model to half of the table, once for all tests."""
    frame, y = whole_table(noise=0.02)
    half = np.random.default_rng(1).permutation(len(y))[: len(y) // 2]
    return contract().make().fit(frame.iloc[half], y[half])


class ModelContract:
    """Inherited by a test class for each model.

    Attributes
    ----------
    name : str
        The model, as the command line calls it.
    error_percent : float
        What it must reach on the half of a table that it has not seen.
    params : dict
        Parameters that make the tests quicker.
    """

    name: ClassVar[str]
    error_percent: ClassVar[float] = 20.0
    params: ClassVar[dict[str, Any]] = {}

    def make(self) -> PerformanceModel:
        """A model of the contract's space that is not fitted."""
        made = make_model(self.name, SPACE, seed=0).set_params(**self.params)
        assert isinstance(made, PerformanceModel)
        return made

    @pytest.fixture
    def fitted(self) -> PerformanceModel:
        """A model that has learned half of a table with 2 % noise."""
        return fitted_once(type(self))

    def test_it_has_the_name_it_is_made_by(self) -> None:
        assert self.make().name == self.name

    def test_unseen_configurations_are_predicted(
        self, fitted: PerformanceModel
    ) -> None:
        frame, y = whole_table()
        assert mape(y, fitted.predict(frame)) < self.error_percent

    def test_an_interval_holds_its_prediction_and_widens_with_its_level(
        self, fitted: PerformanceModel
    ) -> None:
        frame, _ = whole_table()
        narrow = fitted.predict_interval(frame, level=0.5)
        wide = fitted.predict_interval(frame, level=0.95)
        np.testing.assert_array_equal(wide["prediction"], fitted.predict(frame))
        assert (narrow["lower"] >= wide["lower"]).all()
        assert (narrow["upper"] <= wide["upper"]).all()
        assert (wide["lower"] <= wide["prediction"]).all()
        assert (wide["prediction"] <= wide["upper"]).all()
        assert (wide["lower"] > 0).all()

    def test_intervals_keep_the_index_of_the_rows(
        self, fitted: PerformanceModel
    ) -> None:
        frame, _ = whole_table()
        rows = frame.iloc[[7, 3]]
        assert list(fitted.predict_interval(rows).index) == [7, 3]

    def test_a_level_that_is_no_share_is_an_error(
        self, fitted: PerformanceModel
    ) -> None:
        with pytest.raises(ModelError, match="90 % is 0.9"):
            fitted.predict_interval(whole_table()[0], level=90)

    def test_draws_lie_about_the_mean_function_and_differ(
        self, fitted: PerformanceModel
    ) -> None:
        frame, _ = whole_table()
        draws = fitted.draws(frame, n_draws=30, seed=3)
        assert draws.shape == (30, len(frame))
        off = draws.mean(axis=0) - np.log(fitted.predict(frame))
        assert np.abs(off).mean() < 0.15
        assert draws.std(axis=0).max() > 0

    def test_draws_of_one_seed_are_the_same(self, fitted: PerformanceModel) -> None:
        frame, _ = whole_table()
        one, two, other = (fitted.draws(frame, n_draws=4, seed=s) for s in (0, 0, 1))
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, other)

    def test_a_fit_of_one_seed_is_the_same(self, fitted: PerformanceModel) -> None:
        frame, y = whole_table(noise=0.02)
        half = np.random.default_rng(1).permutation(len(y))[: len(y) // 2]
        again = clone(fitted).fit(frame.iloc[half], y[half])
        np.testing.assert_array_equal(again.predict(frame), fitted.predict(frame))

    def test_columns_are_found_by_name_and_others_ignored(
        self, fitted: PerformanceModel
    ) -> None:
        frame, y = whole_table()
        mixed = frame[frame.columns[::-1]].assign(latency_s=y)
        np.testing.assert_array_equal(fitted.predict(mixed), fitted.predict(frame))

    def test_a_missing_column_or_an_unknown_level_is_an_error(
        self, fitted: PerformanceModel
    ) -> None:
        frame, _ = whole_table()
        with pytest.raises(ModelError, match="no column for option 'onednn'"):
            fitted.predict(frame.drop(columns="onednn"))
        with pytest.raises(ModelError, match="row 1, option 'backend': got 'torch'"):
            fitted.predict(frame.assign(backend="torch"))

    def test_the_space_is_learned_from_the_rows_if_none_is_given(self) -> None:
        frame, y = whole_table()
        model = self.make().set_params(space=None).fit(frame, y)
        assert model.space_.names == SPACE.names
        assert model.predict(frame).shape == (len(frame),)

    def test_responses_of_any_sign_are_learned_as_they_are(self) -> None:
        frame, y = whole_table()
        model = self.make().fit(frame, np.log(y))
        assert not model.log_response_
        assert np.corrcoef(model.predict(frame), np.log(y))[0, 1] > 0.9

    def test_a_response_that_never_varies_is_predicted(self) -> None:
        frame, y = whole_table()
        model = self.make().fit(frame, np.full(len(y), 3.0))
        np.testing.assert_allclose(model.predict(frame), 3.0, rtol=1e-6)

    def test_few_runs_are_enough_to_fit(self) -> None:
        frame, y = whole_table(noise=0.02)
        rows = [0, 9, 22, 31, 40]
        model = self.make().fit(frame.iloc[rows], y[rows])
        assert np.isfinite(model.predict_interval(frame).to_numpy()).all()

    def test_numbers_off_the_levels_are_predicted_and_told(
        self, fitted: PerformanceModel
    ) -> None:
        rows = whole_table()[0].iloc[:2].assign(threads=[3, 16])
        assert np.isfinite(fitted.predict(rows)).all()
        assert fitted.extrapolated(rows).tolist() == [False, True]

    def test_a_saved_model_predicts_the_same(self, tmp_path: Path) -> None:
        frame, y = whole_table(noise=0.02)
        data = PerformanceDataset.from_frame(
            frame.assign(latency_s=y, network="tcn"),
            response={"latency_s": "s"},
            environment=["network"],
            space=SPACE,
        ).take(np.arange(0, len(y), 2))
        model = fit(data, model=self.make())
        model.save(tmp_path / "model")
        again = load(tmp_path / "model")
        pd.testing.assert_frame_equal(
            again.predict_interval(frame), model.predict_interval(frame), rtol=1e-12
        )
        np.testing.assert_allclose(
            again.draws(frame, n_draws=3), model.draws(frame, n_draws=3), rtol=1e-9
        )
        assert again.get_params() == model.get_params()
        assert (again.response_, again.unit_) == ("latency_s", "s")
        assert again.environment_ == {"network": "tcn"}
        assert again.runs_ == model.runs_ == 24
        assert again.cross_validation_ is not None
        assert model.cross_validation_ is not None
        assert again.cross_validation_.to_dict() == model.cross_validation_.to_dict()

    def test_a_loaded_model_can_be_saved_again(
        self, fitted: PerformanceModel, tmp_path: Path
    ) -> None:
        frame, _ = whole_table()
        load(fitted.save(tmp_path / "one")).save(tmp_path / "two")
        np.testing.assert_allclose(
            load(tmp_path / "two").predict(frame), fitted.predict(frame), rtol=1e-12
        )

    def test_a_damaged_array_is_refused(
        self, fitted: PerformanceModel, tmp_path: Path
    ) -> None:
        folder = fitted.save(tmp_path / "model")
        path = folder / "arrays.npz"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))
        with pytest.raises(ArchiveError, match="damaged"):
            load(folder)

    def test_a_changed_document_is_refused(
        self, fitted: PerformanceModel, tmp_path: Path
    ) -> None:
        folder = fitted.save(tmp_path / "model")
        path = folder / "model.json"
        document = json.loads(path.read_text())
        document["response"] = "energy_j"
        path.write_text(json.dumps(document))
        with pytest.raises(ArchiveError, match="damaged"):
            load(folder)
