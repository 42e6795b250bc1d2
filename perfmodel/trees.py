"""Trees on the log response: CART, forest, extra-trees, XGBoost.

scikit-learn grows the trees; from then on they are plain node arrays, walked by numpy,
so that a model predicts the same before it is saved and after it is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from perfmodel.archive import entry
from perfmodel.base import PerformanceModel
from perfmodel.errors import ArchiveError
from perfmodel.folds import split_folds
from perfmodel.nodes import NodeArrays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace

    Floats = NDArray[np.float64]

__all__ = [
    "CartModel",
    "ExtraTreesModel",
    "ForestModel",
    "XGBoostModel",
]

#: Pruning strengths that CART's own cross-validation chooses from.
PRUNING_STEPS = 10


class _NodesModel(PerformanceModel):
    """What models of scikit-learn's trees share."""

    nodes_: NodeArrays

    def _grown(self, features: Floats, target: Floats) -> Sequence[Any]:
        """Grow trees with scikit-learn."""
        raise NotImplementedError

    def _learn(self, codes: Floats, target: Floats) -> None:
        features = self.encoding_.features(codes)
        self.nodes_ = NodeArrays.from_trees(self._grown(features, target))
        residuals = target - self.nodes_.predict(features)
        self.noise_log_sd_ = float(np.sqrt(np.mean(residuals**2)))

    def _mean(self, codes: Floats) -> Floats:
        return self.nodes_.predict(self.encoding_.features(codes))

    def _state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
        return {}, self.nodes_.to_arrays(), {}

    def _restore(
        self,
        values: dict[str, Any],
        arrays: dict[str, Any],
        files: dict[str, bytes],
    ) -> None:
        n_features = len(self.encoding_.columns)
        self.nodes_ = NodeArrays.from_arrays(arrays, n_features)


class CartModel(_NodesModel):
    """One regression tree, pruned to what cross-validation supports.

    Parameters
    ----------
    space : ConfigurationSpace, optional
        The options; by default what the rows show.
    min_samples_leaf : int, default=2
        Fewest runs in a leaf.
    seed : int, default=0
        Seed of the folds and of ties between splits.
    calibrate : bool, default=True
        Whether prediction intervals are calibrated on held-out runs.

    References
    ----------
    .. [1] Breiman, Friedman, Olshen, Stone, *Classification and Regression Trees*,
       1984.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"threads": [1, 1, 1, 8, 8, 8]})
    >>> model = CartModel().fit(frame, [4.0, 4.0, 4.0, 1.0, 1.0, 1.0])
    >>> model.predict(pd.DataFrame({"threads": [1, 8]})).tolist()
    [4.0, 1.0]
    """

    name: ClassVar[str] = "cart"

    def __init__(
        self,
        *,
        space: ConfigurationSpace | None = None,
        min_samples_leaf: int = 2,
        seed: int = 0,
        calibrate: bool = True,
    ) -> None:
        super().__init__(space=space, seed=seed, calibrate=calibrate)
        self.min_samples_leaf = min_samples_leaf

    def _grown(self, features: Floats, target: Floats) -> Sequence[Any]:
        from sklearn.tree import DecisionTreeRegressor

        def tree(strength: float) -> Any:
            return DecisionTreeRegressor(
                min_samples_leaf=self.min_samples_leaf,
                ccp_alpha=strength,
                random_state=self.seed,
            )

        path = tree(0.0).cost_complexity_pruning_path(features, target)
        strengths = np.unique(np.maximum(path.ccp_alphas, 0.0))
        if len(strengths) > PRUNING_STEPS:
            places = np.linspace(0, len(strengths) - 1, PRUNING_STEPS).round()
            strengths = strengths[places.astype(int)]
        # Between two strengths the tree is the same: try the middles.
        tried = np.sqrt(strengths * np.append(strengths[1:], strengths[-1]))
        n = len(target)
        lost = np.zeros(len(tried))
        for fold in split_folds(n, 5, np.random.default_rng(self.seed)):
            learn = np.setdiff1d(np.arange(n), fold)
            for i, strength in enumerate(tried):
                grown = tree(float(strength)).fit(features[learn], target[learn])
                lost[i] += np.sum((grown.predict(features[fold]) - target[fold]) ** 2)
        return [tree(float(tried[lost.argmin()])).fit(features, target)]


class _ManyTrees(_NodesModel):
    """What the two averages of randomised trees share: all but scikit-learn's class."""

    def __init__(
        self,
        *,
        space: ConfigurationSpace | None = None,
        n_trees: int = 100,
        min_samples_leaf: int = 1,
        max_features: float = 1.0,
        seed: int = 0,
        calibrate: bool = True,
    ) -> None:
        super().__init__(space=space, seed=seed, calibrate=calibrate)
        self.n_trees = n_trees
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features

    def _regressor(self) -> type[Any]:
        """Return scikit-learn's class."""
        raise NotImplementedError

    def _grown(self, features: Floats, target: Floats) -> Sequence[Any]:
        forest = self._regressor()(
            n_estimators=self.n_trees,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            random_state=self.seed,
        )
        return list(forest.fit(features, target).estimators_)


class ForestModel(_ManyTrees):
    """Random forest.

    Parameters
    ----------
    space : ConfigurationSpace, optional
        The options; by default what the rows show.
    n_trees : int, default=100
        Number of trees.
    min_samples_leaf : int, default=1
        Fewest runs in a leaf.
    max_features : float, default=1.0
        Share of the features that each split chooses from.
    seed : int, default=0
        Seed of resampling and splits.
    calibrate : bool, default=True
        Whether prediction intervals are calibrated on held-out runs.

    References
    ----------
    .. [1] Breiman, "Random forests", Machine Learning 45, 2001.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"threads": [1, 1, 1, 8, 8, 8]})
    >>> model = ForestModel(n_trees=10).fit(frame, [4.0, 4.0, 4.0, 1.0, 1.0, 1.0])
    >>> model.predict(frame).shape
    (6,)
    """

    name: ClassVar[str] = "forest"

    def _regressor(self) -> type[Any]:
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor  # type: ignore[no-any-return]


class ExtraTreesModel(_ManyTrees):
    """Extremely randomised trees.

    Parameters
    ----------
    space : ConfigurationSpace, optional
        The options; by default what the rows show.
    n_trees : int, default=100
        Number of trees.
    min_samples_leaf : int, default=1
        Fewest runs in a leaf.
    max_features : float, default=1.0
        Share of the features that each split chooses from.
    seed : int, default=0
        Seed of the splits.
    calibrate : bool, default=True
        Whether prediction intervals are calibrated on held-out runs.

    References
    ----------
    .. [1] Geurts, Ernst, Wehenkel, "Extremely randomized trees", Machine Learning 63,
       2006.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"threads": [1, 1, 1, 8, 8, 8]})
    >>> model = ExtraTreesModel(n_trees=10).fit(frame, [4.0] * 3 + [1.0] * 3)
    >>> model.predict(pd.DataFrame({"threads": [1, 8]})).round(9).tolist()
    [4.0, 1.0]
    """

    name: ClassVar[str] = "extra-trees"

    def _regressor(self) -> type[Any]:
        from sklearn.ensemble import ExtraTreesRegressor

        return ExtraTreesRegressor  # type: ignore[no-any-return]


class XGBoostModel(PerformanceModel):
    """Gradient-boosted trees of XGBoost.

    Parameters
    ----------
    space : ConfigurationSpace, optional
        The options; by default what the rows show.
    n_rounds : int, default=200
        Number of boosting rounds.
    learning_rate : float, default=0.1
        Share of each tree that is taken.
    max_depth : int, default=4
        Deepest tree: how many options may interact.
    seed : int, default=0
        Seed of XGBoost, and of the folds that calibrate intervals.
    calibrate : bool, default=True
        Whether prediction intervals are calibrated on held-out runs.

    References
    ----------
    .. [1] Chen, Guestrin, "XGBoost: a scalable tree boosting system", KDD 2016.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"threads": [1, 1, 1, 8, 8, 8]})
    >>> model = XGBoostModel().fit(frame, [4.0, 4.0, 4.0, 1.0, 1.0, 1.0])
    >>> model.predict(pd.DataFrame({"threads": [1, 8]})).round(2).tolist()
    [4.0, 1.0]
    """

    name: ClassVar[str] = "xgboost"

    def __init__(
        self,
        *,
        space: ConfigurationSpace | None = None,
        n_rounds: int = 200,
        learning_rate: float = 0.1,
        max_depth: int = 4,
        seed: int = 0,
        calibrate: bool = True,
    ) -> None:
        super().__init__(space=space, seed=seed, calibrate=calibrate)
        self.n_rounds = n_rounds
        self.learning_rate = learning_rate
        self.max_depth = max_depth

    def _learn(self, codes: Floats, target: Floats) -> None:
        import xgboost

        # In single precision a large mean would eat the small differences.
        self.centre_ = float(target.mean())
        self.scale_ = float(target.std()) or 1.0
        matrix = xgboost.DMatrix(
            self.encoding_.features(codes),
            label=(target - self.centre_) / self.scale_,
            nthread=1,
        )
        self.booster_ = xgboost.train(
            {
                "eta": self.learning_rate,
                "max_depth": self.max_depth,
                "objective": "reg:squarederror",
                "tree_method": "exact",
                "base_score": 0.0,
                "nthread": 1,
                "seed": self.seed,
                "verbosity": 0,
            },
            matrix,
            num_boost_round=self.n_rounds,
        )
        residuals = target - self._mean(codes)
        self.noise_log_sd_ = float(np.sqrt(np.mean(residuals**2)))

    def _mean(self, codes: Floats) -> Floats:
        import xgboost

        rows = xgboost.DMatrix(self.encoding_.features(codes), nthread=1)
        return np.asarray(
            self.centre_ + self.scale_ * self.booster_.predict(rows).astype(float)
        )

    def _state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
        content = bytes(self.booster_.save_raw(raw_format="json"))
        values = {"centre": self.centre_, "scale": self.scale_}
        return values, {}, {"booster.json": content}

    def _restore(
        self,
        values: dict[str, Any],
        arrays: dict[str, Any],
        files: dict[str, bytes],
    ) -> None:
        import xgboost

        self.centre_ = entry(values, "centre", float)
        self.scale_ = entry(values, "scale", float)
        content = files.get("booster.json")
        if content is None:
            raise ArchiveError("the saved model has no booster.json; save it again")
        self.booster_ = xgboost.Booster({"nthread": 1})
        try:
            self.booster_.load_model(bytearray(content))
        except xgboost.core.XGBoostError as error:
            raise ArchiveError(
                "booster.json is no model of this version of XGBoost; save it again"
            ) from error
        if self.booster_.num_features() != len(self.encoding_.columns):
            raise ArchiveError(
                "booster.json has other features than the saved space; save it again"
            )
