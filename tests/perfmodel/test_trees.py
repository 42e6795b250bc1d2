"""Trees, forests, boosting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from perfmodel.errors import ArchiveError
from perfmodel.fitting import make_model
from perfmodel.loading import load
from perfmodel.trees import (
    CartModel,
    ExtraTreesModel,
    ForestModel,
    NodeArrays,
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


def grown() -> tuple[RandomForestRegressor, np.ndarray]:
    """A forest on random numbers."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    forest = RandomForestRegressor(n_estimators=7, random_state=0)
    return forest.fit(X, X[:, 0] * X[:, 1]), rng.normal(size=(300, 5))


def test_node_arrays_predict_what_scikit_learn_predicts() -> None:
    forest, rows = grown()
    nodes = NodeArrays.from_trees(forest.estimators_)
    np.testing.assert_allclose(nodes.predict(rows), forest.predict(rows), rtol=1e-12)


def test_node_arrays_round_trip() -> None:
    forest, rows = grown()
    nodes = NodeArrays.from_trees(forest.estimators_)
    again = NodeArrays.from_arrays(nodes.to_arrays(), n_features=5)
    np.testing.assert_array_equal(again.predict(rows), nodes.predict(rows))


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("left", 0, 10**9),  # outside the nodes
        ("left", 0, 0),  # back to itself: a walk without end
        ("right", 3, 1),  # back to a parent
        ("right", 0, -1),  # half a leaf
        ("feature", 0, 5),
        ("feature", 0, -1),
        ("roots", 2, -3),
    ],
)
def test_nodes_that_lead_astray_are_refused(name: str, place: int, value: int) -> None:
    forest, _ = grown()
    arrays = NodeArrays.from_trees(forest.estimators_).to_arrays()
    arrays[f"nodes_{name}"] = arrays[f"nodes_{name}"].copy()
    arrays[f"nodes_{name}"][place] = value
    with pytest.raises(ArchiveError, match="point outside their nodes"):
        NodeArrays.from_arrays(arrays, n_features=5)


def test_thresholds_that_are_not_finite_are_refused() -> None:
    forest, _ = grown()
    arrays = NodeArrays.from_trees(forest.estimators_).to_arrays()
    arrays["nodes_threshold"] = arrays["nodes_threshold"] * np.nan
    with pytest.raises(ArchiveError, match="is not finite"):
        NodeArrays.from_arrays(arrays, n_features=5)


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
