"""Compile the numerical loops of the designs once, and keep the result on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def _sources() -> str:
    """Return a digest of all files whose functions are compiled here."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        text = path.read_bytes()
        if b"measure.designs.compiling" in text or path == Path(__file__):
            digest.update(text)
    return digest.hexdigest()


# Python never calls such a function: what would let it takes much time to compile.
_INLINED: dict[str, Any] = {
    "forceinline": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}

# numba forgets what it keeps of a function when the function's own file changes.
# The functions that it calls are part of its machine code: their files count too.
_STAMP = _sources()

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
    kept = _kept(made)
    if kept is not None:
        kept._source_stamp = _STAMP
    return cast(Function, made)


def is_compiled(function: Callable[..., object]) -> bool:
    """Return whether machine code of a function is kept from an earlier process.

    Parameters
    ----------
    function : callable
        As `compiled` returns it.

    Returns
    -------
    bool
        True also where numba does not let it be seen.
    """
    kept = _kept(function)
    return kept is None or bool(kept._load_index())


def _kept(made: object) -> Any:
    """Return what numba keeps of a function on disk, None where it does not tell."""
    kept = getattr(getattr(made, "_cache", None), "_cache_file", None)
    known = hasattr(kept, "_source_stamp") and hasattr(kept, "_load_index")
    return kept if known else None


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
    made = numba.njit(**_INLINED)(function)
    return cast(Function, made)
