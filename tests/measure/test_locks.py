"""One sweep at a time on a device, whatever it is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from measure.devices.address import Address
from measure.devices.opening import board_at, open_device
from measure.errors import DeviceError
from measure.locks import device_lock

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from measure.locks import device_lock
with device_lock(sys.argv[1], "kitchen.db"):
    pass
"""


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def another(place: str) -> str:
    """Try to hold a place in another process; return what it said."""
    words = [sys.executable, "-c", HOLD, place]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stderr


def test_two_boards_of_a_kind_are_two_devices(tmp_path: Path) -> None:
    one, two = (Address(sysfs_root=str(tmp_path / name)).place() for name in "ab")
    with device_lock(one, "a.db"), device_lock(one, "a.db"):
        assert another(two) == ""
        assert "is sweeping it" in another(one) and "store a.db" in another(one)
    assert another(one) == ""


def test_a_place_with_a_long_name_can_be_held(tmp_path: Path) -> None:
    place = Address(sysfs_root=str(tmp_path / "x" / ("y" * 240))).place()
    with device_lock(place, "a.db"):
        assert "is sweeping it" in another(place)
        assert another(place[:-1]) == ""


def test_all_ways_to_a_board_are_one_place(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "Host kitchen k2\n  HostName 10.0.0.5\n  Port 2222\n"
        "Host cellar\n  HostName 10.0.0.5\n  Port 2222\n  ProxyJump gate\n"
    )
    kitchen, root, other, cellar, alone = (
        Address(ssh=ssh, ssh_config=str(config)).place()
        for ssh in ("kitchen", "root@kitchen", "k2", "cellar", "10.0.0.5")
    )
    if "10.0.0.5" not in kitchen:
        pytest.skip("no ssh here")
    assert kitchen == root == other == "board 10.0.0.5:2222"
    assert len({kitchen, cellar, alone}) == 3
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    assert (
        Address(sysfs_root=str(link)).place()
        == Address(sysfs_root=str(tmp_path)).place()
    )


def test_what_is_said_of_a_board_is_refused_of_others() -> None:
    assert board_at("host", {"seed": 1}) is None
    assert board_at("tk1", {}) == Address()
    assert board_at("auto", {"ssh": "kitchen"}) == Address(ssh="kitchen")
    with pytest.raises(DeviceError, match="--ssh-config is for boards"):
        board_at("sim:tx1", {"ssh_config": "F"})


def test_a_simulated_board_is_a_place_of_its_own() -> None:
    with open_device("sim:tx1") as one, open_device("sim:tx2") as other:
        assert (one.place, other.place) == ("sim:tx1", "sim:tx2")
