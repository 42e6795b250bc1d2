"""Which networks are measured on which workloads, from the words of a user."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from measure.errors import WorkloadError
from measure.spelling import did_you_mean

if TYPE_CHECKING:
    from measure.devices.base import Device

#: What a word means where several networks begin with it.
PREFERRED = {"mobilenet": "mobilenetv2", "resnet": "resnet50"}
#: Networks of a sweep that names none, as far as the device has them.
USUAL_NETWORKS = ("resnet50", "mobilenetv2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Networks and workloads that are to be measured.

    Parameters
    ----------
    pairs : tuple of (str, str)
        Network and workload, in the order asked for.
    left_out : tuple of str
        Pairs that do not fit, as ``network/workload``.
    """

    pairs: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...] = ()


def select(
    device: Device,
    networks: Sequence[str] | None = None,
    workloads: Sequence[str] | None = None,
) -> Selection:
    """Return which networks are measured on which workloads.

    Parameters
    ----------
    device : Device
        What offers them.
    networks : sequence of str, optional
        Names or unambiguous prefixes; ResNet50 and MobileNetV2 by default, or all
        that the device has where it has neither, or where it says so.
    workloads : sequence of str, optional
        Names; each network's first by default, or all where the device says so.

    Returns
    -------
    Selection
        Pairs that fit, and the others.

    Raises
    ------
    WorkloadError
        If a network or workload is unknown, or no pair fits.
    """
    offered = device.networks()
    if not offered:
        raise WorkloadError(
            f"device {device.name}: no network can be run on it yet; `measure check "
            "--device` shows what can be set, and sim:tx1 can be measured"
        )
    every = device.measures_all
    if networks is None:
        usual = [name for name in USUAL_NETWORKS if name in offered and not every]
        chosen = usual or list(offered)
    else:
        chosen = [match_network(word, list(offered), device.name) for word in networks]
    chosen = list(dict.fromkeys(chosen))
    if workloads is None:
        pairs = [
            (name, w) for name in chosen for w in offered[name][: None if every else 1]
        ]
        return Selection(pairs=tuple(pairs))
    known = dict.fromkeys(w for fitting in offered.values() for w in fitting)
    for word in workloads:
        if word not in known and not _is_sized(word, known):
            raise WorkloadError(
                f"device {device.name}: no workload {word!r}; choose from "
                f"{', '.join(known)}{did_you_mean(word, known)}"
            )
    wanted = dict.fromkeys(workloads)
    fits: list[tuple[str, str]] = []
    misfits: list[tuple[str, str]] = []
    for name, word in itertools.product(chosen, wanted):
        good = word in offered[name] or _is_sized(word, dict.fromkeys(offered[name]))
        (fits if good else misfits).append((name, word))
    if not fits:
        offers = "; ".join(f"{n}: {', '.join(offered[n])}" for n in chosen)
        raise WorkloadError(
            f"device {device.name}: none of {', '.join(wanted)} fits any of "
            f"{', '.join(chosen)}; choose from {offers}"
        )
    return Selection(
        pairs=tuple(fits), left_out=tuple("/".join(pair) for pair in misfits)
    )


def match_network(word: str, offered: Sequence[str], device: str) -> str:
    """Return the network that a word names.

    Parameters
    ----------
    word : str
        A name, or the beginning of one.
    offered : sequence of str
        What there is.
    device : str
        For the message.

    Returns
    -------
    str
        An exact name wins, else the only one that begins so; ``resnet`` is
        ``resnet50`` and ``mobilenet`` is ``mobilenetv2`` where there are several.

    Raises
    ------
    WorkloadError
        If there is none, or several.

    Examples
    --------
    >>> match_network("resnet", ["resnet152", "resnet50", "tcn"], "host")
    'resnet50'
    """
    if word in offered:
        return word
    found = [name for name in offered if name.startswith(word)]
    if len(found) > 1 and PREFERRED.get(word) in found:
        return PREFERRED[word]
    if len(found) == 1:
        return found[0]
    what = f"could be {', '.join(found)}" if found else "is unknown"
    meant = "" if found else did_you_mean(word, offered)
    raise WorkloadError(
        f"device {device}: network {word!r} {what}; choose from {', '.join(offered)}"
        f"{meant}"
    )


def _is_sized(word: str, known: Mapping[str, Any]) -> bool:
    """Tell whether a word is ``images-N`` where images are known."""
    name, _, size = word.rpartition("-")
    return name in known and size.isdigit() and int(size) > 0
