"""What every `Device` must do: a subclass gives one fixture, ``device``."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from measure.configuration import Configuration
from measure.devices.base import Device, Measurement
from measure.errors import MeasureError
from measure.levels import Level
from measure.records import Conditions
from measure.responses import readings_of
from measure.workloads.base import Timing


class DeviceContract:
    """Inherit this and give the fixture ``device``: an open device."""

    #: How a run is measured; a real device may need more time.
    timing = Timing(seconds=0.02, min_calls=2, warm_up_cap_s=0.5, quick=True)
    #: Whether it times calls; one that answers from recorded runs has readings only.
    times_calls = True
    #: Levels that it must build something for, and that no other test prepares.
    builds: Mapping[str, Level] = {}

    @pytest.fixture
    def device(self) -> Device:
        raise NotImplementedError("a subclass gives an open device")

    @pytest.fixture
    def pair(self, device: Device) -> tuple[str, str]:
        """A network of the device, and its first workload."""
        network, workloads = next(iter(device.networks().items()))
        return network, workloads[0]

    @pytest.fixture
    def measured(self, device: Device, pair: tuple[str, str]) -> Measurement:
        configuration = device.space().reference()
        device.prepare(*pair, [configuration])
        return device.measure(*pair, configuration, self.timing)

    def test_it_has_a_name_and_the_address_that_opens_it(self, device: Device) -> None:
        assert device.name and device.address
        assert isinstance(device.simulated, bool)

    def test_every_network_has_a_workload(self, device: Device) -> None:
        networks = device.networks()
        assert networks
        assert all(workloads for workloads in networks.values())

    def test_an_option_can_be_set_or_says_why_not(self, device: Device) -> None:
        for name, offer in device.offers().items():
            if offer.available:
                assert offer.option is not None and offer.option.name == name
                assert offer.levels
            else:
                assert offer.reason, name

    def test_its_usual_options_can_be_set(self, device: Device) -> None:
        offers = device.offers()
        assert all(offers[name].available for name in device.space().names)

    def test_a_space_has_the_options_asked_for(self, device: Device) -> None:
        names = device.space().names[:2]
        assert device.space(names).names == names
        with pytest.raises(MeasureError, match="no_such_option"):
            device.space(["no_such_option"])

    def test_an_environment_is_the_same_each_time_it_is_asked_for(
        self, device: Device, pair: tuple[str, str]
    ) -> None:
        one, other = device.environment(*pair), device.environment(*pair)
        one.require_match(other)
        assert one == other and one.key == other.key
        assert (one.network, one.workload) == pair
        assert one.device == device.name and one.version

    def test_an_unknown_network_is_refused(
        self, device: Device, pair: tuple[str, str]
    ) -> None:
        with pytest.raises(MeasureError):
            device.environment("no_such_network", pair[1])

    def test_conditions_that_cannot_be_read_have_a_reason(self, device: Device) -> None:
        conditions = device.conditions()
        assert isinstance(conditions, Conditions)
        if conditions.load_1min is None:
            assert conditions.missing["load_1min"]

    def test_an_artefact_is_the_same_each_time(
        self, device: Device, pair: tuple[str, str]
    ) -> None:
        configuration = device.space().reference()
        device.prepare(*pair, [configuration])
        assert device.artefact(*pair, configuration) == device.artefact(
            *pair, configuration
        )

    def test_what_is_built_is_told_and_what_is_there_is_not(
        self, device: Device, pair: tuple[str, str]
    ) -> None:
        told: list[tuple[int, int, str]] = []

        def tell(done: int, total: int, text: str) -> None:
            told.append((done, total, text))

        configuration = Configuration(self.builds)
        device.prepare(*pair, [configuration], tell)
        assert bool(told) == bool(self.builds)
        assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
        if told:
            assert all(text for done, total, text in told if done < total)
            assert told[-1][0] == told[-1][1] > 0
        told.clear()
        device.prepare(*pair, [configuration], tell)
        assert told == []

    def test_a_measurement_has_the_time_of_each_call(
        self, measured: Measurement
    ) -> None:
        assert bool(measured.calls_s) == self.times_calls
        assert self.times_calls or measured.readings
        assert all(value > 0 for value in measured.calls_s)
        assert all(math.isfinite(value) for value in measured.calls_s)
        assert measured.batch_size >= 1

    def test_a_level_that_is_read_back_is_the_level_set(
        self, device: Device, measured: Measurement
    ) -> None:
        asked = device.space().reference()
        for name, level in measured.read_back.items():
            if level is None:
                assert measured.read_back_reason[name], name
            elif name in asked:
                assert level == asked[name], name

    def test_a_missing_response_has_a_reason(self, measured: Measurement) -> None:
        readings = readings_of(measured)
        assert readings[0].value
        assert readings[0].name == "latency_s" or not self.times_calls
        for reading in readings:
            assert reading.value is not None or reading.reason, reading.name

    def test_a_configuration_may_leave_options_as_they_are(
        self, device: Device, pair: tuple[str, str]
    ) -> None:
        name = device.space().names[0]
        part = Configuration({name: device.space().reference()[name]})
        device.prepare(*pair, [part])
        assert readings_of(device.measure(*pair, part, self.timing))

    def test_closing_twice_is_closing(self, device: Device) -> None:
        device.close()
        device.close()
