"""Designs of experiments: which configurations to measure.

Names are loaded when they are first used: a Plackett-Burman design needs no
compiler, an optimal one does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from measure.designs.base import Design
    from measure.designs.diagnostics import DesignReport, evaluate
    from measure.designs.factorial import full_factorial
    from measure.designs.optimal import d_optimal
    from measure.designs.two_level import hadamard, plackett_burman

_HOMES = {
    "Design": "base",
    "DesignReport": "diagnostics",
    "d_optimal": "optimal",
    "evaluate": "diagnostics",
    "full_factorial": "factorial",
    "hadamard": "two_level",
    "plackett_burman": "two_level",
}

__all__ = [
    "Design",
    "DesignReport",
    "d_optimal",
    "evaluate",
    "full_factorial",
    "hadamard",
    "plackett_burman",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"measure.designs.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
