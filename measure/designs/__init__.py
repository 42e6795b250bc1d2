"""Designs of experiments: which configurations to measure.

Names are loaded when they are first used: a Plackett-Burman design needs no
compiler, an optimal one does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from measure.designs.base import Design
    from measure.designs.covering import pairwise
    from measure.designs.diagnostics import DesignReport, evaluate
    from measure.designs.factorial import full_factorial
    from measure.designs.fractional import fractional_factorial
    from measure.designs.optimal import d_optimal
    from measure.designs.screening import definitive_screening
    from measure.designs.space_filling import latin_hypercube, random_design, sobol
    from measure.designs.two_level import hadamard, plackett_burman
    from measure.designs.whole_plots import split_plot

_HOMES = {
    "Design": "base",
    "DesignReport": "diagnostics",
    "d_optimal": "optimal",
    "definitive_screening": "screening",
    "evaluate": "diagnostics",
    "fractional_factorial": "fractional",
    "full_factorial": "factorial",
    "hadamard": "two_level",
    "latin_hypercube": "space_filling",
    "pairwise": "covering",
    "plackett_burman": "two_level",
    "random_design": "space_filling",
    "sobol": "space_filling",
    "split_plot": "whole_plots",
}

__all__ = [
    "Design",
    "DesignReport",
    "d_optimal",
    "definitive_screening",
    "evaluate",
    "fractional_factorial",
    "full_factorial",
    "hadamard",
    "latin_hypercube",
    "pairwise",
    "plackett_burman",
    "random_design",
    "sobol",
    "split_plot",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"measure.designs.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
