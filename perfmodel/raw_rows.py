"""Configurations as rows of raw levels, checked as scikit-learn checks numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from perfmodel.encoding import Encoding
from perfmodel.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from measure.space import ConfigurationSpace

    Floats = NDArray[np.float64]

__all__ = ["TakesRawRows"]


class TakesRawRows(BaseEstimator):  # type: ignore[misc]
    """What turns the rows that an estimator is given into codes of its options.

    Attributes
    ----------
    space_ : ConfigurationSpace
        The options: those given, else what the rows that were learned from show.
    encoding_ : Encoding
        How their levels become numbers.
    n_features_in_ : int
        Number of columns.
    """

    space: ConfigurationSpace | None

    def _columns(self) -> tuple[str, ...]:
        """Name the columns of X, in order."""
        if hasattr(self, "feature_names_in_"):
            return tuple(map(str, self.feature_names_in_))
        return tuple(f"x{i}" for i in range(self.n_features_in_))

    def _check_runs(self, X: Any, y: ArrayLike) -> tuple[Floats, Floats]:
        """Check rows and responses; learn space and encoding."""
        from perfmodel.cells import infer_space

        if self.space is None and not _has_levels(X):
            X, y = validate_data(
                self, X, y, y_numeric=True, dtype=np.float64, ensure_min_samples=2
            )
            frame = _named(X, self._columns())
        else:
            frame = self._as_frame(X, reset=True)
            y = column_or_1d(y, warn=True, dtype=np.float64)
            check_consistent_length(frame, y)
            assert_all_finite(y, input_name="y")
            if len(frame) < 2:
                raise ModelError(f"{len(frame)} runs to learn from; at least 2 needed")
        response = np.asarray(y, dtype=float)
        self.space_ = self.space if self.space is not None else infer_space(frame)
        self.encoding_ = Encoding(space=self.space_)
        return self.encoding_.codes(frame), response

    def _check_rows(self, X: Any) -> Floats:
        """Check rows to predict, and turn them into codes."""
        check_is_fitted(self, "encoding_")
        if self.space is None and not _has_levels(X):
            X = validate_data(self, X, reset=False, dtype=np.float64)
            frame = _named(X, self._columns())
        else:
            frame = self._as_frame(X, reset=False)
        return self.encoding_.codes(frame)

    def _as_frame(self, X: Any, reset: bool) -> pd.DataFrame:
        """Take raw levels: a frame, or an array with the space's columns."""
        import pandas as pd

        names = self.space.names if self.space is not None else None
        frame = (
            X
            if isinstance(X, pd.DataFrame)
            else pd.DataFrame(np.asarray(X), columns=names)
        )
        if names is None:
            _check_feature_names(self, frame, reset=reset)
            _check_n_features(self, frame, reset=reset)
        elif reset:
            self.feature_names_in_ = np.asarray(names, dtype=object)
            self.n_features_in_ = len(names)
        return frame


def _has_levels(X: Any) -> bool:
    """Say whether `X` is a frame that holds more than plain numbers."""
    import pandas as pd

    if not isinstance(X, pd.DataFrame):
        return False
    numeric = pd.api.types.is_numeric_dtype
    boolean = pd.api.types.is_bool_dtype
    return any(not numeric(kind) or boolean(kind) for kind in X.dtypes)


def _named(X: Floats, columns: tuple[str, ...]) -> pd.DataFrame:
    """Give an array's columns their names."""
    import pandas as pd

    return pd.DataFrame(X, columns=list(columns))
