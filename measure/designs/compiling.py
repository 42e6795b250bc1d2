"""Compile the numerical loops of the designs once, and keep the result on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

# No fast math: a function stands in several compiled modules, each optimised in its
# own way, and which copy runs depends on what was loaded first. With the order of
# operations kept all copies round alike, so that a design can be repeated bit for
# bit. Divisions follow IEEE 754 and raise nothing.


def compiled(function: Function) -> Function:
    """Compile `function` with numba at its first call.

    In the functions a loop starts from ``int(np.int64(0))``: a plain 0 has a type of
    its own, for which all that is called would be compiled once more.
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
        made = numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # no folder that could hold the cache
        made = numba.njit(error_model="numpy")(function)
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
    made = numba.njit(forceinline=True, error_model="numpy")(function)
    return cast(Function, made)
