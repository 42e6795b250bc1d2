"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before numpy is imported: its threads are made then, and cost more than they give.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def published_data() -> Path:
    """The folder of published measurements, or a skip that says why."""
    folder = os.environ.get("PERFMODEL_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("no published measurements: $PERFMODEL_DATA names no folder")
    return Path(folder)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are compared bit for bit, which needs one BLAS thread."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
