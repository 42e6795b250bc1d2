"""Devices that answer at once do what every device must."""

from __future__ import annotations

import pytest

from measure.devices.base import Device
from measure.devices.jetson import JetsonDevice
from measure.devices.simulated import EffectsDevice
from tests.contracts.devices import DeviceContract
from tests.measure.devices.fake_board import FakePrograms, fake_board
from tests.measure.fakes import FakeDevice


class TestFakeDevice(DeviceContract):
    @pytest.fixture
    def device(self) -> Device:
        return FakeDevice()


class TestEffectsDevice(DeviceContract):
    @pytest.fixture
    def device(self) -> Device:
        return EffectsDevice()


@pytest.mark.parametrize("name", ["tx1-r24", "tx1-r32", "tx2", "tk1"], scope="class")
class TestJetsonDevice(DeviceContract):
    @pytest.fixture
    def device(self, name: str) -> Device:
        link = fake_board(name, period_s=0.02)
        return JetsonDevice("auto", link=link, programs=FakePrograms())
