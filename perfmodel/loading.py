"""Build a saved model again, from checked values and nothing that is executed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.errors import MeasureError
from measure.space import ConfigurationSpace
from perfmodel.archive import array, entry, read_folder
from perfmodel.encoding import Encoding
from perfmodel.errors import ArchiveError, ModelError
from perfmodel.intervals import Calibration
from perfmodel.validation import CrossValidation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perfmodel.base import PerformanceModel

__all__ = ["load"]


def load(folder: str | Path) -> PerformanceModel:
    """Load a model that was saved.

    Parameters
    ----------
    folder : str or Path
        What `PerformanceModel.save`, or ``--save``, was given.

    Returns
    -------
    PerformanceModel
        Predicts what the saved one did.

    Raises
    ------
    ArchiveError
        If the folder is no saved model, of a newer schema, incomplete or changed.

    Examples
    --------
    >>> load("nowhere")
    Traceback (most recent call last):
    perfmodel.errors.ArchiveError: nowhere: no saved model (model.json is not ...
    """
    folder = Path(folder)
    document, arrays, files = read_folder(folder)
    try:
        return _rebuilt(document, arrays, files)
    except ArchiveError as error:
        raise ArchiveError(f"{folder}: {error}") from error


def _rebuilt(
    document: dict[str, Any], arrays: dict[str, Any], files: dict[str, bytes]
) -> PerformanceModel:
    """Make the model, give it what all models have, then what this one learned."""
    space = _space(document)
    model = _class_of(entry(document, "model", str))()
    params = entry(document, "params", dict)
    known = model.get_params()
    for name, value in params.items():
        fits = name in known and name != "space"
        plain = value is None or isinstance(value, bool | int | float | str)
        if not fits or not plain:
            raise ArchiveError(f"the saved model has no parameter {name!r}")
    model.set_params(**params)
    if entry(document, "space_given", bool):
        model.set_params(space=space)
    columns = entry(document, "columns", list)
    model.n_features_in_ = len(columns)
    if entry(document, "columns_named", bool):
        model.feature_names_in_ = np.asarray([str(c) for c in columns], dtype=object)
    model.space_ = space
    model.encoding_ = Encoding(space=space)
    model.response_ = entry(document, "response", str)
    model.unit_ = entry(document, "unit", str)
    model.environment_ = entry(document, "environment", dict)
    model.log_response_ = entry(document, "log_response", bool)
    model.noise_log_sd_ = entry(document, "noise_log_sd", float)
    model.choice_ = entry(document, "choice", str)
    model.notes_ = tuple(map(str, entry(document, "notes", list)))
    model.calibration_ = _calibration(document)
    model.codes_ = _codes(arrays, space)
    # Folders of before this was saved have a row for each run, or have lost the number.
    model.runs_ = entry({"runs": len(model.codes_), **document}, "runs", int)
    model.groups_ = _groups(arrays, len(model.codes_))
    model.failed_ = _failed(arrays, space)
    model.target_ = array(arrays, "target", "f", (len(model.codes_),))
    model.cross_validation_ = _cross_validation(document, arrays)
    model._restore(entry(document, "learned", dict), arrays, files)
    return model


def _class_of(name: str) -> type[PerformanceModel]:
    """Find the class of a model, transfer models among them."""
    from perfmodel.catalogue import MODELS, model_class

    if name == "transfer":
        from perfmodel.transfer.base import TransferModel

        return TransferModel
    try:
        return model_class(name)
    except ModelError as error:
        raise ArchiveError(
            f"the saved model is a {name!r}; this version loads "
            f"{', '.join([*MODELS, 'transfer'])}"
        ) from error


def _space(document: dict[str, Any]) -> ConfigurationSpace:
    """Read the space."""
    try:
        return ConfigurationSpace.from_dict(entry(document, "space", dict))
    except MeasureError as error:
        raise ArchiveError(f"the saved space cannot be read: {error}") from error


def _calibration(document: dict[str, Any]) -> Calibration:
    """Read the scores that intervals are calibrated by."""
    scores = entry(document, "calibration", list)
    if not all(
        isinstance(score, int | float) and 0 <= score < np.inf for score in scores
    ):
        raise ArchiveError("the saved calibration is no list of scores; save it again")
    return Calibration(scores=tuple(sorted(map(float, scores))))


def _codes(arrays: dict[str, Any], space: ConfigurationSpace) -> Any:
    """Read the configurations that were learned from."""
    codes = array(arrays, "codes", "f", (-1, len(space.options)))
    for column, option in enumerate(space.options):
        if (
            option.kind != "numeric"
            and not np.isin(codes[:, column], np.arange(len(option.levels))).all()
        ):
            raise ArchiveError(
                f"the saved runs have levels of {option.name!r} that the saved space "
                "lacks; save the model again"
            )
    return codes


def _groups(arrays: dict[str, Any], n: int) -> NDArray[np.int64] | None:
    """Read which rows share a measurement, if any do."""
    if "groups" not in arrays:
        return None
    return np.asarray(array(arrays, "groups", "i", (n,)), dtype=np.int64)


def _failed(arrays: dict[str, Any], space: ConfigurationSpace) -> NDArray[np.int64]:
    """Read which configurations were tried and failed, if any were."""
    if "failed" not in arrays:
        return np.empty((0, len(space.options)), dtype=np.int64)
    failed = array(arrays, "failed", "i", (-1, len(space.options)))
    return np.asarray(failed, dtype=np.int64)


def _cross_validation(
    document: dict[str, Any], arrays: dict[str, Any]
) -> CrossValidation | None:
    """Read what cross-validation found, if it was done."""
    if document.get("cross_validation") is None:
        return None
    saved = entry(document, "cross_validation", dict)
    return CrossValidation(
        error_percent=entry(saved, "error_percent", float),
        lower=entry(saved, "lower", float),
        upper=entry(saved, "upper", float),
        baseline_error_percent=entry(saved, "baseline_error_percent", float),
        learnable=entry(saved, "learnable", bool),
        predictions=array(arrays, "held_out", "f", (-1, -1)),
        folds=entry(saved, "folds", int),
        repeats=entry(saved, "repeats", int),
        seed=entry(saved, "seed", int),
        # Folders of before it was corrected do not have it.
        selection_bias_percent=entry(
            {"selection_bias_percent": 0.0, **saved}, "selection_bias_percent", float
        ),
    )
