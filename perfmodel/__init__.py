"""Performance models of configurable systems, and transfer between environments.

Names are loaded when they are first used, so that importing the package, and
the command line's ``--help``, stay quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perfmodel.base import PerformanceModel
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.fitting import fit
    from perfmodel.influence import InfluenceReport, explain
    from perfmodel.loading import load
    from perfmodel.pareto import ParetoFront, pareto_front, recommend
    from perfmodel.transfer.ase17 import ase17_metrics
    from perfmodel.transfer.base import TransferModel
    from perfmodel.transfer.guard import fit_transfer
    from perfmodel.transfer.report import TransferReport, transferability

_HOMES = {
    "InfluenceReport": "influence",
    "ParetoFront": "pareto",
    "PerformanceDataset": "dataset",
    "PerformanceModel": "base",
    "TransferModel": "transfer.base",
    "TransferReport": "transfer.report",
    "ase17_metrics": "transfer.ase17",
    "explain": "influence",
    "fit": "fitting",
    "fit_transfer": "transfer.guard",
    "load": "loading",
    "pareto_front": "pareto",
    "recommend": "pareto",
    "transferability": "transfer.report",
}

__all__ = [
    "InfluenceReport",
    "ParetoFront",
    "PerformanceDataset",
    "PerformanceModel",
    "TransferModel",
    "TransferReport",
    "ase17_metrics",
    "explain",
    "fit",
    "fit_transfer",
    "load",
    "pareto_front",
    "recommend",
    "transferability",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"perfmodel.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
