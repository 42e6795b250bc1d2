"""Measure a device: options, designs, sweeps, stores.

Names are loaded when they are first used, so that importing the package, and
the command line's ``--help``, stay quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from measure.protocol import MeasurementProtocol
    from measure.records import Conditions, Environment, Plan, Reading, Run
    from measure.space import (
        Condition,
        Configuration,
        ConfigurationSpace,
        Forbidden,
        Option,
    )
    from measure.store import MemoryStore, SqliteStore
    from measure.sweep import Sweep
    from measure.terms import Term

__version__ = "0.1.0"

_HOMES = {
    "Condition": "space",
    "Conditions": "records",
    "Configuration": "space",
    "ConfigurationSpace": "space",
    "Environment": "records",
    "Forbidden": "space",
    "MeasurementProtocol": "protocol",
    "MemoryStore": "store",
    "Option": "space",
    "Plan": "records",
    "Reading": "records",
    "Run": "records",
    "SqliteStore": "store",
    "Sweep": "sweep",
    "Term": "terms",
}

__all__ = [
    "Condition",
    "Conditions",
    "Configuration",
    "ConfigurationSpace",
    "Environment",
    "Forbidden",
    "MeasurementProtocol",
    "MemoryStore",
    "Option",
    "Plan",
    "Reading",
    "Run",
    "SqliteStore",
    "Sweep",
    "Term",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"measure.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
