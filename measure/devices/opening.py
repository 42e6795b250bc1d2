"""From the address that ``--device`` gives to a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from measure.errors import DeviceError

if TYPE_CHECKING:
    from measure.devices.base import Device


def open_device(address: str, **arguments: Any) -> Device:
    """Open the device of an address.

    Parameters
    ----------
    address : str
        ``auto``, ``host`` or ``sim:effects``.
    **arguments : object
        What the device's class takes beside.

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
        return EffectsDevice(delay_s=float(delay or 0.0), **arguments)
    raise DeviceError(
        f"no device {address!r}; choose auto (this machine), host or sim:effects"
    )
