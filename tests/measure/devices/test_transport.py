"""The way to the agent on a board: in process, as a process, over SSH."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from measure.devices.address import Address
from measure.devices.links import remembered
from measure.devices.transport import (
    AgentLink,
    InProcessLink,
    Link,
    LinkLost,
    find,
    read_texts,
)
from measure.errors import DeviceError, RunFailed
from measure.simulator.disk_tree import DiskTree
from measure.simulator.tree import BoardTree
from measure.simulator.tree_layouts import CPU, CPUQUIET
from tests.measure.devices.sshd import sshd

ROOT = Path(__file__).parents[3]
MINIMUM, MAXIMUM = (f"{CPU}/cpu0/cpufreq/scaling_{end}_freq" for end in ("min", "max"))
ITEMS = [
    [CPUQUIET, "0"],
    [f"{CPU}/cpu2/online", "0"],
    [MAXIMUM, "1020000"],
    [MINIMUM, "1020000"],
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with sshd(tmp_path_factory.mktemp("sshd")) as config:
        yield config


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskTree]:
    # A name that a shell would make something of.
    with DiskTree(tmp_path / "a b'; touch $(hostname)", "tx1-r32") as opened:
        yield opened


def address(kind: str, disk: DiskTree, request: pytest.FixtureRequest) -> Address:
    root = str(disk.folder)
    if kind == "local":
        return Address(sysfs_root=root)
    config = str(request.getfixturevalue("server"))
    return Address(ssh="board", ssh_config=config, sysfs_root=root)


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def exercise(link: Link) -> None:
    texts = read_texts(link, [MINIMUM, "/sys/none", "/proc/device-tree/compatible"])
    assert texts[MINIMUM] == "102000" and texts["/sys/none"] is None
    assert (texts["/proc/device-tree/compatible"] or "").endswith("nvidia,tegra210")
    assert len(find(link, f"{CPU}/cpu#", f"{CPU}/cpu0")) == 4
    assert link.ask("write", items=ITEMS)["done"] == 4
    assert read_texts(link, [MINIMUM])[MINIMUM] == "1020000"
    with pytest.raises(DeviceError, match="/etc/passwd may not be written"):
        link.ask("write", items=[["/etc/passwd", "x"]])


def test_an_agent_in_process_is_an_agent() -> None:
    tree = BoardTree("tx1-r32")
    before = dict(tree.files)
    link = InProcessLink(tree)
    exercise(link)
    assert tree.files != before
    link.close()
    assert tree.files == before


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_closing_the_link_puts_the_board_back(
    kind: str, disk: DiskTree, request: pytest.FixtureRequest
) -> None:
    before = disk.snapshot()
    link = AgentLink(address(kind, disk, request))
    exercise(link)
    assert disk.snapshot() != before
    assert remembered() == [link.address]
    link.close()
    link.close()
    assert disk.snapshot() == before and remembered() == []
    with pytest.raises(LinkLost, match="closed"):
        link.ask("beat")


@pytest.mark.parametrize("kind", ["local", "ssh"])
@pytest.mark.parametrize("victim", ["agent", "way"])
def test_a_killed_link_is_a_failure_from_outside_and_comes_back(
    kind: str, victim: str, disk: DiskTree, request: pytest.FixtureRequest
) -> None:
    before = disk.snapshot()
    waits: list[float] = []
    link = AgentLink(address(kind, disk, request), sleep=waits.append)
    link.ask("write", items=ITEMS)
    os.kill(link.hello["pid"] if victim == "agent" else link.pid, signal.SIGKILL)
    with pytest.raises(RunFailed, match="link to .* lost") as raised:
        for _ in range(3):
            link.ask("beat")
            time.sleep(0.1)
    assert not raised.value.final

    def slow(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    link._sleep = slow
    link.reconnect()
    assert waits and within(5.0, lambda: disk.snapshot() == before)
    link.ask("write", items=ITEMS)
    link.close()
    assert disk.snapshot() == before


def test_closing_a_lost_link_puts_the_board_back_too(
    disk: DiskTree, request: pytest.FixtureRequest
) -> None:
    before = disk.snapshot()
    link = AgentLink(address("local", disk, request))
    link.ask("write", items=ITEMS)
    os.kill(link.pid, signal.SIGKILL)
    link.close()
    assert disk.snapshot() == before and remembered() == []


def test_an_agent_that_does_not_answer_is_lost(
    disk: DiskTree, request: pytest.FixtureRequest
) -> None:
    link = AgentLink(address("local", disk, request))
    os.kill(link.pid, signal.SIGSTOP)
    with pytest.raises(LinkLost, match="no answer for 0.2 s"):
        link.ask("beat", limit_s=0.2)
    os.kill(link.pid, signal.SIGCONT)
    assert "now" in link.ask("beat")
    link.close()


def test_a_host_that_has_nothing_to_say_is_still_there(
    disk: DiskTree, request: pytest.FixtureRequest
) -> None:
    link = AgentLink(address("local", disk, request), beat_limit_s=0.8)
    link.ask("write", items=ITEMS)
    time.sleep(1.6)
    assert read_texts(link, [MINIMUM])[MINIMUM] == "1020000"
    link.close()


def test_attempts_to_connect_end(
    disk: DiskTree, request: pytest.FixtureRequest
) -> None:
    waits: list[float] = []
    where = address("local", disk, request)
    link = AgentLink(where, sleep=waits.append)
    link.close()
    link.address = Address(sysfs_root=str(disk.folder / "none"))
    with pytest.raises(DeviceError, match="no such folder on the board"):
        link.reconnect((0.1, 1.0, 4.0))
    assert len(waits) == 3 and waits == sorted(waits)


def test_a_second_host_is_told_who_holds_the_board(
    disk: DiskTree, request: pytest.FixtureRequest
) -> None:
    link = AgentLink(address("local", disk, request))
    with pytest.raises(DeviceError, match=f"holds this board .process {link.pid}"):
        AgentLink(link.address)
    link.close()


def test_a_host_key_that_is_not_known_is_refused(
    disk: DiskTree, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    config = Path(address("ssh", disk, request).ssh_config)
    strange = tmp_path / "ssh_config"
    known = str(config.parent / "known_hosts")
    strange.write_text(config.read_text().replace(known, str(tmp_path / "none")))
    with pytest.raises(DeviceError, match="Host key verification failed.*by hand"):
        AgentLink(Address(ssh="board", ssh_config=str(strange)))


def test_a_host_key_that_has_changed_is_refused(
    disk: DiskTree, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    config = Path(address("ssh", disk, request).ssh_config)
    known = config.parent / "known_hosts"
    where = known.read_text().split()[0]
    other = (config.parent / "user_key.pub").read_text().split()
    (tmp_path / "changed").write_text(f"{where} {other[0]} {other[1]}\n")
    strange = tmp_path / "ssh_config"
    text = config.read_text().replace(str(known), str(tmp_path / "changed"))
    strange.write_text(text)
    with pytest.raises(DeviceError, match="Host key verification failed.*by hand"):
        AgentLink(Address(ssh="board", ssh_config=str(strange)))


def test_a_board_that_is_not_there_is_named(request: pytest.FixtureRequest) -> None:
    config = request.getfixturevalue("server")
    with pytest.raises(DeviceError, match="no.such.invalid: .*resolve"):
        AgentLink(Address(ssh="no.such.invalid", ssh_config=str(config)))


@pytest.mark.parametrize("ssh", ["-oProxyCommand=x", "a b", "a\nb", "-p"])
def test_a_board_that_could_be_an_option_is_refused(ssh: str) -> None:
    with pytest.raises(DeviceError, match="write USER@HOST"):
        Address(ssh=ssh)


def test_nothing_of_the_input_is_in_what_the_board_runs() -> None:
    here = Address(ssh="u@h", ssh_config="f", sysfs_root="/x; reboot").command("/c")
    assert here[-2] == "u@h" and here[-3] == "--"
    assert not any("reboot" in word for word in here)
    assert here.count("BatchMode=yes") == 1
    # Without it an unknown key is refused, as nobody is asked; who set it meant it.
    assert not any("StrictHostKeyChecking" in word for word in here)


HOST = """
import sys, time
from measure.devices.transport import Address, AgentLink
ssh, config, root = sys.argv[1:]
link = AgentLink(Address(ssh=ssh, ssh_config=config, sysfs_root=root))
for number in range(1000):
    link.ask("write", items=[[path, text] for path, text in {items!r}])
    print(number, flush=True)
"""


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_a_killed_host_leaves_a_board_as_it_was(
    kind: str, disk: DiskTree, request: pytest.FixtureRequest
) -> None:
    before = disk.snapshot()
    where = address(kind, disk, request)
    host = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOST.format(items=ITEMS),
            where.ssh,
            where.ssh_config,
            str(disk.folder),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert host.stdout is not None
    host.stdout.readline()
    assert disk.snapshot() != before
    host.kill()
    host.wait()
    host.stdout.close()
    assert within(10.0, lambda: disk.snapshot() == before)


def test_a_program_has_as_long_as_its_answer_is_waited_for(
    disk: DiskTree, request: pytest.FixtureRequest
) -> None:
    link = AgentLink(address("local", disk, request))
    words = [sys.executable, "-c", "import time; time.sleep(20)"]
    reply = link.ask("run", argv=words, limit_s=0.3)
    assert reply["late"] and reply["stop_s"] - reply["start_s"] < 5.0
    link.close()
