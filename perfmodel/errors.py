"""Errors of `perfmodel`: where, what came, what is allowed, how to go on."""

from __future__ import annotations

__all__ = [
    "ArchiveError",
    "DataError",
    "ModelError",
    "PerfmodelError",
    "SelectionError",
]


class PerfmodelError(Exception):
    """Parent of every error that `perfmodel` raises on purpose."""


class DataError(PerfmodelError, ValueError):
    """A table cannot be used as performance data."""


class SelectionError(PerfmodelError, ValueError):
    """An environment, option or response was asked for that is not one thing."""


class ModelError(PerfmodelError, ValueError):
    """A model is unknown, or cannot be learned from, or applied to, these runs."""


class ArchiveError(PerfmodelError):
    """A saved model's folder is damaged, foreign or of a newer schema."""
