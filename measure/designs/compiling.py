"""Compile the numerical loops of the designs once, and keep the result on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

# Sums may be reordered, which lets the compiler use vectors; infinities and NaN
# keep their meaning, because the callers test for them.
_FAST_MATH = {"reassoc", "nsz", "arcp", "contract"}


def compiled(function: Function) -> Function:
    """Compile `function` with numba at its first call.

    The machine code is cached beside the module, or in the user's cache folder
    where that is read-only; without either it is compiled anew in each process.

    Parameters
    ----------
    function : callable
        Written in the subset of Python that numba compiles.

    Returns
    -------
    callable
        The same function, compiled; its type is kept for the type checker.
    """
    try:
        made = numba.njit(cache=True, fastmath=_FAST_MATH)(function)
    except RuntimeError:  # no folder that could hold the cache
        made = numba.njit(fastmath=_FAST_MATH)(function)
    return cast(Function, made)


def inlined(function: Function) -> Function:
    """Compile `function` into each compiled function that calls it.

    Parameters
    ----------
    function : callable
        Small, and called in an inner loop.

    Returns
    -------
    callable
        The same function; its type is kept for the type checker.
    """
    made = numba.njit(fastmath=_FAST_MATH, forceinline=True)(function)
    return cast(Function, made)
