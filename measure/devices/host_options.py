"""The options of a machine that runs TensorFlow, and what excludes what."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence

from measure.constraints import Condition, Forbidden
from measure.devices import machine
from measure.devices.base import OptionOffer
from measure.errors import RunFailed
from measure.levels import Level
from measure.options import Option
from measure.workloads.networks import Network

BACKENDS = ("graph", "xla", "tflite")
CAPS = {"SSE41": ("sse4_1", "avx2"), "AVX2": ("avx2", "avx512f")}
"""Instruction set caps of oneDNN; for each, the CPU's flag for it, and for what it
takes away: without that it would change nothing."""
BATCHES = (1, 8)

_EXCLUDED: tuple[dict[str, tuple[Level, ...]], ...] = (
    {"backend": ("graph", "xla"), "precision": ("int8_dynamic",)},
    {"backend": ("xla", "tflite"), "precision": ("bfloat16",)},
    {"precision": ("bfloat16",), "onednn": (False,)},
    {"precision": ("bfloat16",), "isa": tuple(CAPS)},
    {"backend": ("xla", "tflite"), "onednn": (False,)},
    {"backend": ("xla", "tflite"), "isa": tuple(CAPS)},
    {"onednn": (False,), "isa": tuple(CAPS)},
)


def host_offers(files: Sequence[Network] = ()) -> dict[str, OptionOffer]:
    """Return the options of this machine.

    Parameters
    ----------
    files : sequence of Network
        The user's own; a TFLite file runs on TFLite only, as it is.

    Returns
    -------
    dict of str to OptionOffer
        In the order of a table's columns.

    Examples
    --------
    >>> host_offers()["batch_size"].levels
    (1, 8)
    """
    flags = machine.cpu_flags()
    offers = {
        "backend": OptionOffer(
            option=Option(name="backend", levels=BACKENDS, default="graph")
        ),
        "threads": _threads(len(os.sched_getaffinity(0))),
        "batch_size": OptionOffer(
            option=Option(name="batch_size", levels=BATCHES, default=1)
        ),
        "precision": _precision(flags),
        "onednn": _onednn(),
        "isa": _isa(flags),
    }
    fixed = [network.name for network in files if network.format == "tflite"]
    if fixed:
        reason = f"{fixed[0]} is a TFLite file: it runs on TFLite only, as it is"
        for name in ("backend", "precision", "onednn", "isa"):
            offers[name] = OptionOffer(option=None, available=False, reason=reason)
    return offers


def usual_names(offers: Mapping[str, OptionOffer]) -> list[str]:
    """Return the options of a sweep that names none.

    Parameters
    ----------
    offers : mapping of str to OptionOffer
        As `host_offers` gives them.

    Returns
    -------
    list of str
        Those that can be set.
    """
    return [name for name, offer in offers.items() if offer.available]


def forbidden(options: Iterable[Option]) -> tuple[Forbidden, ...]:
    """Return the combinations that cannot be, or change nothing.

    Dynamic-range int8 is TFLite's; bfloat16, oneDNN and its instruction set cap act
    on graphs only: XLA calls its own kernels, TFLite those of XNNPACK. A level that
    could not be seen to act would be measured again and again as noise.

    Parameters
    ----------
    options : iterable of Option
        Those of a space; what speaks of others is left out.

    Returns
    -------
    tuple of Forbidden
        For `ConfigurationSpace`.
    """
    known = {option.name: option for option in options}
    found = []
    for item in _EXCLUDED:
        if not all(name in known for name in item):
            continue
        kept = {
            name: tuple(level for level in levels if level in known[name].levels)
            for name, levels in item.items()
        }
        if all(kept.values()):
            conditions = [Condition(option=n, any_of=v) for n, v in kept.items()]
            found.append(Forbidden(conditions=tuple(conditions)))
    return tuple(found)


def refuse_impossible(levels: Mapping[str, Level]) -> None:
    """Raise if a configuration cannot be, or a level of it would change nothing.

    Parameters
    ----------
    levels : mapping of str to level
        Of all options of this machine.

    Raises
    ------
    RunFailed
        With the levels that exclude each other.
    """
    for item in _EXCLUDED:
        if all(levels[name] in excluded for name, excluded in item.items()):
            which = " and ".join(f"{name} {levels[name]}" for name in item)
            raise RunFailed(f"{which} exclude each other", final=True)


def _threads(cores: int) -> OptionOffer:
    levels = [1]
    while levels[-1] * 2 < cores:
        levels.append(levels[-1] * 2)
    if cores > 1:
        levels.append(cores)
    if len(levels) < 2:
        return OptionOffer(
            option=None,
            available=False,
            reason="this process may use one core only",
            levels=(1,),
        )
    return OptionOffer(
        option=Option(name="threads", levels=tuple(levels), default=cores)
    )


def _precision(flags: frozenset[str]) -> OptionOffer:
    levels = ["float32", "int8_dynamic"]
    reason = ""
    if flags & {"avx512_bf16", "amx_bf16"}:
        levels.insert(1, "bfloat16")
    else:
        reason = "bfloat16 is left out: this CPU has no instructions for it"
    return OptionOffer(
        option=Option(name="precision", levels=tuple(levels), default="float32"),
        reason=reason,
    )


def _onednn() -> OptionOffer:
    if not is_x86():
        return OptionOffer(
            option=None,
            available=False,
            reason=f"TensorFlow for {platform.machine()} cannot switch oneDNN",
        )
    return OptionOffer(option=Option(name="onednn", kind="boolean", default=True))


def _isa(flags: frozenset[str]) -> OptionOffer:
    caps = [name for name, needed in CAPS.items() if flags.issuperset(needed)]
    if not is_x86() or not caps:
        return OptionOffer(
            option=None,
            available=False,
            reason="oneDNN's instruction sets can be capped on x86 CPUs only",
        )
    return OptionOffer(
        option=Option(name="isa", levels=(*caps, "default"), default="default"),
        reason="a cap for oneDNN's kernels; default: all that the CPU has",
    )


def is_x86() -> bool:
    """Tell whether TensorFlow's oneDNN can be switched and capped on this CPU.

    Returns
    -------
    bool
        Elsewhere the variables mean something else, or nothing.
    """
    return platform.machine().lower() in ("x86_64", "amd64")
