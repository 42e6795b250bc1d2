"""Devices that answer at once do what every device must."""

from __future__ import annotations

import pytest

from measure.devices.base import Device
from measure.devices.simulated import EffectsDevice
from tests.contracts.devices import DeviceContract
from tests.measure.fakes import FakeDevice


class TestFakeDevice(DeviceContract):
    @pytest.fixture
    def device(self) -> Device:
        return FakeDevice()


class TestEffectsDevice(DeviceContract):
    @pytest.fixture
    def device(self) -> Device:
        return EffectsDevice()
