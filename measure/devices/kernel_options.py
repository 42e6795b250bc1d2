"""Options of the kernel, by their real names; which a kernel has differs by release."""

from __future__ import annotations

from measure.devices.actuators import Actuator
from measure.devices.switches import Choice
from measure.devices.transport import Link, find, read_texts
from measure.levels import Level

_VM, _KERNEL = "/proc/sys/vm", "/proc/sys/kernel"
LEVELS: dict[str, tuple[str, tuple[int, ...]]] = {
    "vm_swappiness": (f"{_VM}/swappiness", (10, 60, 100)),
    "vm_vfs_cache_pressure": (f"{_VM}/vfs_cache_pressure", (0, 100, 500)),
    "vm_dirty_background_ratio": (f"{_VM}/dirty_background_ratio", (10, 80)),
    "vm_dirty_ratio": (f"{_VM}/dirty_ratio", (5, 10, 20, 50)),
    "vm_overcommit_memory": (f"{_VM}/overcommit_memory", (0, 1, 2)),
    "sched_child_runs_first": (f"{_KERNEL}/sched_child_runs_first", (0, 1)),
    "sched_rt_runtime_us": (f"{_KERNEL}/sched_rt_runtime_us", (500_000, 950_000)),
    "sched_nr_migrate": (f"{_KERNEL}/sched_nr_migrate", (32, 64, 128, 256)),
    "sched_latency_ns": (f"{_KERNEL}/sched_latency_ns", (24_000_000, 96_000_000)),
}
"""File and levels of each: those of published campaigns, without what is an action
(``drop_caches``) or is refused by every kernel (``dirty_bytes`` below two pages)."""
_SCHEDULER = "/sys/block/mmcblk0/queue/scheduler"


def kernel_options(link: Link) -> tuple[list[Actuator], dict[str, str]]:
    """Return what of the kernel can be set.

    Parameters
    ----------
    link : Link
        Leads to the board.

    Returns
    -------
    actuators : list of Actuator
        In a fixed order.
    missing : dict of str to str
        Why others are not there.
    """
    there = set(find(link, *(path for path, _ in LEVELS.values())))
    found: list[Actuator] = []
    missing = {}
    for name, (path, levels) in LEVELS.items():
        if path in there:
            words: dict[Level, str] = {level: str(level) for level in levels}
            found.append(Choice(link, name, path, words))
        else:
            missing[name] = f"this kernel has no {path}"
    text = (read_texts(link, [_SCHEDULER])[_SCHEDULER] or "").replace("[", " ")
    names = text.replace("]", " ").split()
    if names:
        found.append(Choice(link, "io_scheduler", _SCHEDULER, {n: n for n in names}))
    else:
        missing["io_scheduler"] = f"there is no {_SCHEDULER}"
    return found, missing
