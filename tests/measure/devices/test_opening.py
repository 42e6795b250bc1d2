"""Addresses of devices."""

from __future__ import annotations

import sys

import pytest

from measure.devices.opening import open_device
from measure.errors import DeviceError


def test_a_simulated_device_opens_with_its_arguments() -> None:
    with open_device("sim:effects?delay_s=0.25", seed=3) as device:
        assert device.simulated and device.address == "sim:effects?delay_s=0.25"


@pytest.mark.parametrize("address", ["auto", "host"])
def test_this_machine_is_the_host(address: str) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux can be measured")
    with open_device(address) as device:
        assert (device.name, device.address) == ("host", "host")


@pytest.mark.parametrize("address", ["auto", "host"])
def test_a_system_other_than_linux_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(DeviceError, match="darwin and only Linux") as caught:
        open_device(address)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["nvidia", "sim:tk1", "ssh", "toaster", ""],
)
def test_what_cannot_be_opened_is_told_with_what_can(address: str) -> None:
    allowed = "choose one of auto, host, sim:effects"
    with pytest.raises(DeviceError, match=allowed) as caught:
        open_device(address)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["sim:effects?delay_s=x", "sim:effects?speed=1"])
def test_a_simulator_argument_that_it_does_not_know_is_refused(address: str) -> None:
    with pytest.raises(DeviceError, match="is not understood"):
        open_device(address)
