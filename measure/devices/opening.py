"""From the address that ``--device`` gives to a device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from measure.errors import DeviceError

if TYPE_CHECKING:
    from measure.devices.base import Device


def open_device(
    address: str, *, networks: Sequence[str] | None = None, seed: int = 0
) -> Device:
    """Open the device of an address.

    Parameters
    ----------
    address : str
        ``auto``, ``host`` or ``sim:effects``.
    networks : sequence of str, optional
        Networks asked for; files among them are added to those it knows.
    seed : int, default=0
        Of random weights, and of a simulator's noise.

    Returns
    -------
    Device
        Ready to measure; to be closed.

    Raises
    ------
    DeviceError
        If there is no such device, or it is not there.
    """
    if address == "sim:effects" or address.startswith("sim:effects?delay_s="):
        from measure.devices.simulated import EffectsDevice

        _, _, delay = address.partition("?delay_s=")
        return EffectsDevice(delay_s=float(delay or 0.0), seed=seed)
    raise DeviceError(
        f"no device {address!r}; choose auto (this machine), host or sim:effects"
    )
