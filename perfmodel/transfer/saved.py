"""Sources and parts of a transfer as plain values and arrays, and built from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perfmodel.archive import array, entry
from perfmodel.errors import ArchiveError
from perfmodel.transfer.candidates import (
    ALONE,
    DELTA,
    FEATURE,
    SCALE,
    SHIFT,
    Fitted,
    Known,
)
from perfmodel.transfer.delta import Delta, Feature, with_sources
from perfmodel.transfer.inputs import Inputs
from perfmodel.transfer.process import Process, conditioned, rows_conditioned_on
from perfmodel.transfer.shift import LogShift
from perfmodel.transfer.source import Source, inputs_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perfmodel.encoding import Encoding

    Floats = NDArray[np.float64]

__all__ = ["part_again", "part_state", "source_again", "source_state"]


def source_state(source: Source, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give a source as plain values, and arrays.

    Parameters
    ----------
    source : Source
        What was learned of it.
    name : str
        What its arrays' names begin with.

    Returns
    -------
    tuple of dict
        Values, arrays.
    """
    arrays = {
        f"{name}_codes": source.codes,
        f"{name}_log_y": source.log_y,
        f"{name}_parameters": source.process.parameters,
    }
    return {"name": source.name, **_values(source.process)}, arrays


def source_again(
    told: dict[str, Any], arrays: dict[str, Any], name: str, encoding: Encoding
) -> Source:
    """Build a source from what was saved.

    Parameters
    ----------
    told : dict
        Its values.
    arrays : dict of str to ndarray
        Of the whole model.
    name : str
        What its arrays' names begin with.
    encoding : Encoding
        How levels become numbers.

    Returns
    -------
    Source
        With its process conditioned on its runs again.
    """
    n_options = len(encoding.space.options)
    codes = array(arrays, f"{name}_codes", "f", (-1, n_options))
    log_y = array(arrays, f"{name}_log_y", "f", (len(codes),))
    inputs = inputs_of(codes, encoding)
    return Source(
        codes=codes,
        log_y=log_y,
        process=_process_again(inputs, log_y, arrays, name, told),
        name=entry(told, "name", str),
    )


def part_state(part: Fitted, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give one part of a blend as plain values, and arrays.

    Parameters
    ----------
    part : Fitted
        A shift, a process, or what holds one.
    name : str
        Its method.

    Returns
    -------
    tuple of dict
        Values, arrays.
    """
    if isinstance(part, LogShift):
        return {"residual_sd": part.residual_sd}, {
            f"{name}_line": np.array([part.level, *part.slopes]),
            f"{name}_covariance": part.covariance,
        }
    process = part.process if isinstance(part, Delta | Feature) else part
    assert isinstance(process, Process)
    return _values(process), {f"{name}_parameters": process.parameters}


def part_again(
    name: str,
    told: dict[str, Any],
    arrays: dict[str, Any],
    inputs: Inputs,
    target: Floats,
    known: Known | None,
) -> Fitted:
    """Build one part of a blend from what was saved.

    Parameters
    ----------
    name : str
        Its method.
    told : dict
        Its values.
    arrays : dict of str to ndarray
        Of the whole model.
    inputs : Inputs
        The target's runs.
    target : ndarray of shape (n,)
        Their log responses.
    known : Known or None
        What the sources say; None: there are none.

    Returns
    -------
    Fitted
        As `candidates_for` would have fitted it.

    Raises
    ------
    ArchiveError
        If it needs a source and there is none, or is no part of a blend.
    """
    if name == ALONE:
        return _process_again(inputs, target, arrays, name, told)
    if known is None or name not in (SCALE, SHIFT, DELTA, FEATURE):
        raise ArchiveError(
            f"the saved model blends {name!r}, which it has no source for"
        )
    if name in (SCALE, SHIFT):
        k = len(known.means)
        line = array(arrays, f"{name}_line", "f", (k + 1,))
        return LogShift(
            level=float(line[0]),
            slopes=line[1:],
            residual_sd=entry(told, "residual_sd", float),
            covariance=array(arrays, f"{name}_covariance", "f", (k + 1, k + 1)),
        )
    if name == DELTA:
        left = target - known.base(inputs)
        process = _process_again(inputs, left, arrays, name, told)
        return Delta(process=process, base=known.base)
    wide = with_sources(inputs)
    return Feature(process=_process_again(wide, target, arrays, name, told))


def _values(process: Process) -> dict[str, Any]:
    """What of a process is neither its runs nor its parameters."""
    return {
        "linear": process.linear,
        "offset": process.offset,
        "scale": process.scale,
    }


def _process_again(
    inputs: Inputs, y: Floats, arrays: dict[str, Any], name: str, told: dict[str, Any]
) -> Process:
    """Condition a saved process on its runs again."""
    scale = entry(told, "scale", float)
    if not scale > 0:
        raise ArchiveError(f"the saved model's scale of {name!r} is {scale:g}")
    kept = rows_conditioned_on(len(y))
    return conditioned(
        inputs[kept],
        y[kept],
        array(arrays, f"{name}_parameters", "f", (3 + inputs.n_inputs,)),
        entry(told, "linear", bool),
        entry(told, "offset", float),
        scale,
    )
