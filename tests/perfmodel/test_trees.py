"""Trees, forests, boosting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from perfmodel.catalogue import make_model
from perfmodel.errors import ArchiveError
from perfmodel.loading import load
from perfmodel.trees import (
    CartModel,
    ExtraTreesModel,
    ForestModel,
    XGBoostModel,
)
from tests.contracts.models import SPACE, ModelContract, whole_table

MODELS = [
    CartModel(calibrate=False),
    ForestModel(n_trees=10, calibrate=False),
    ExtraTreesModel(n_trees=10, calibrate=False),
    XGBoostModel(n_rounds=30),
]


@parametrize_with_checks(MODELS)
def test_they_are_scikit_learn_regressors(estimator: Any, check: Any) -> None:
    check(estimator)


class TestCart(ModelContract):
    """The contract of every model."""

    name = "cart"
    error_percent = 30.0


class TestForest(ModelContract):
    """The contract of every model."""

    name = "forest"
    params = {"n_trees": 20}
    error_percent = 25.0


class TestExtraTrees(ModelContract):
    """The contract of every model."""

    name = "extra-trees"
    params = {"n_trees": 20}
    error_percent = 25.0


class TestXGBoost(ModelContract):
    """The contract of every model."""

    name = "xgboost"
    params = {"n_rounds": 100}
    error_percent = 20.0


def test_a_tree_of_noise_is_pruned_to_its_root() -> None:
    frame, _ = whole_table()
    y = np.random.default_rng(0).lognormal(size=len(frame))
    model = CartModel(space=SPACE, calibrate=False).fit(frame, y)
    assert len(model.nodes_.left) <= 5


def test_a_booster_of_another_space_is_refused(tmp_path: Path) -> None:
    frame, y = whole_table()
    model = XGBoostModel(space=SPACE, n_rounds=3).fit(frame, y)
    other = XGBoostModel(n_rounds=3).fit(frame[["threads"]], y)
    model.booster_ = other.booster_
    with pytest.raises(ArchiveError, match="other features than the saved space"):
        load(model.save(tmp_path / "model"))


def test_a_booster_that_is_none_is_refused(tmp_path: Path) -> None:
    from perfmodel.archive import read_folder, write_folder

    model = make_model("xgboost", SPACE).fit(*whole_table())
    document, arrays, _ = read_folder(model.save(tmp_path / "model"))
    write_folder(tmp_path / "model", document, arrays, {"booster.json": b"[1, 2]"})
    with pytest.raises(ArchiveError, match="is no model of this version of XGBoost"):
        load(tmp_path / "model")
