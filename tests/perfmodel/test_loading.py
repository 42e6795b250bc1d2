"""Saved models that are not what they should be; the models' contract has the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perfmodel.archive import read_folder, write_folder
from perfmodel.catalogue import make_model
from perfmodel.errors import ArchiveError
from perfmodel.loading import load
from tests.contracts.models import SPACE, whole_table


@pytest.fixture
def parts(tmp_path: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    """What a saved tree consists of."""
    model = make_model("cart", SPACE).fit(*whole_table())
    return read_folder(model.save(tmp_path / "saved"))


def reload(tmp_path: Path, parts: Any, **changes: Any) -> Any:
    """Write a folder whose hashes are right and whose content is changed; load it."""
    document, arrays, files = parts
    arrays = {**arrays, **changes.pop("arrays", {})}
    return load(
        write_folder(tmp_path / "changed", {**document, **changes}, arrays, files)
    )


def test_unchanged_parts_are_loaded(tmp_path: Path, parts: Any) -> None:
    frame, y = whole_table()
    np.testing.assert_allclose(reload(tmp_path, parts).predict(frame), y, rtol=0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "oracle"}, "is a 'oracle'; this version loads gaussian-process, st"),
        ({"params": {"seed": 0, "shell": "rm"}}, "no parameter 'shell'"),
        ({"params": {"seed": [1]}}, "no parameter 'seed'"),
        ({"space": {"options": {}}}, "the saved space cannot be read"),
        ({"space": 3}, "'space' is int, not dict"),
        ({"log_response": "yes"}, "'log_response' is str, not bool"),
        ({"calibration": [1.0, -2.0]}, "is no list of scores"),
        ({"calibration": ["a"]}, "is no list of scores"),
        (
            {"arrays": {"codes": np.full((48, 4), 7.0)}},
            "levels of 'backend' that the s",
        ),
        ({"arrays": {"codes": np.zeros((48, 3))}}, r"'codes' is float64 of shape"),
        ({"arrays": {"target": np.zeros(3)}}, r"'target' is float64 of shape \(3,\)"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, parts: Any, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArchiveError, match=message) as caught:
        reload(tmp_path, parts, **changes)
    assert str(tmp_path / "changed") in str(caught.value)


def test_a_model_of_plain_numbers_is_loaded(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(40, 3))
    model = make_model("gaussian-process").fit(X, X.sum(axis=1) - 1)
    again = load(model.save(tmp_path / "m"))
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-12)
    assert again.n_features_in_ == 3
