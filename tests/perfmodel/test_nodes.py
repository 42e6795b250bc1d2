"""Trees as plain node arrays."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from perfmodel.errors import ArchiveError
from perfmodel.nodes import NodeArrays


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
