"""Whatever is killed, at whatever moment: the board is byte for byte what it was."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from measure.devices.address import Address
from measure.devices.links import remembered
from measure.devices.transport import AgentLink
from measure.errors import DeviceError
from measure.simulator.disk_tree import DiskTree
from tests.measure.devices.sshd import sshd

ROOT = Path(__file__).parents[3]
SWEEP = """
import random, sys
from measure.devices.address import Address
from measure.devices.configured import configured
from measure.devices.jetson import JetsonDevice
from measure.errors import RunFailed
ssh, config, root, word, seed = sys.argv[1:]
draw = random.Random(int(seed))
with JetsonDevice(word, Address(ssh=ssh, ssh_config=config, sysfs_root=root)) as device:
    offers = {n: o for n, o in device.controls.offers.items() if o.available}
    for number in range(4):
        levels = {name: draw.choice(offer.levels) for name, offer in offers.items()}
        try:
            with configured(device.controls, levels):
                print(device.link.hello["pid"], device.link.pid, flush=True)
        except RunFailed as error:
            assert not error.final, error
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with sshd(tmp_path_factory.mktemp("sshd")) as config:
        yield config


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def start(where: Address, word: str, seed: int) -> subprocess.Popen[str]:
    words = [where.ssh, where.ssh_config, where.sysfs_root, word, str(seed)]
    return subprocess.Popen(
        [sys.executable, "-c", SWEEP, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("victim", "name", "over_ssh"),
    [
        ("host", "tx1-r32", True),
        ("agent", "tx1-r24", True),
        ("way", "tx2", True),
        ("host and agent", "tx1-r28", False),
        ("agent", "tk1", False),
    ],
)
def test_a_kill_at_a_random_moment_leaves_what_restore_puts_back(
    victim: str,
    name: str,
    over_ssh: bool,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    seed = random.randrange(10**6)
    config = str(request.getfixturevalue("server")) if over_ssh else ""
    ssh = "board" if over_ssh else ""
    with DiskTree(tmp_path / "board", name) as disk:
        before = disk.snapshot()
        where = Address(ssh=ssh, ssh_config=config, sysfs_root=str(disk.folder))
        sweep = start(where, name.partition("-")[0], seed)
        assert sweep.stdout is not None
        agent, way = map(int, sweep.stdout.readline().split())
        time.sleep(random.uniform(0.0, 0.4))
        for one, pid in (("agent", agent), ("way", way), ("host", sweep.pid)):
            if one in victim:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pytest.fail(f"the {one} had ended, seed {seed}")
        code = sweep.wait(60)
        sweep.stdout.close()
        if "host" in victim:
            assert code == -signal.SIGKILL
            assert remembered() == [where]
            for wait in (0.1, 0.5, 1.0, 2.0, 4.0):
                try:
                    AgentLink(where).close()
                    break
                except DeviceError as error:
                    # The agent that lost its host may still be at it.
                    assert "another agent" in str(error)
                    time.sleep(wait)
        else:
            assert code == 0, f"seed {seed}"
        assert disk.snapshot() == before, f"seed {seed}"
        assert remembered() == []


@pytest.fixture
def sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``sudo`` that says what it was asked, and changes nobody's rights."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "sudo"
    program.write_text(
        f'#!/bin/sh\necho "$1 $3" >{tmp_path}/asked\n[ "$1" = -n ] || exit 1\nshift\n'
        'SUDO_UID=12345 SUDO_GID=12345 exec "$@"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path / "asked"


def test_under_sudo_no_password_is_asked_for(sudo: Path, tmp_path: Path) -> None:
    with DiskTree(tmp_path / "board", "tx1-r32") as disk:
        link = AgentLink(Address(sysfs_root=str(disk.folder), sudo=True))
        assert sudo.read_text().split() == ["-n", "-I"]
        if os.geteuid() == 0:
            words = ["sh", "-c", "id -u"]
            # What the user runs is run by the user, not by root.
            assert link.ask("run", argv=words)["stdout"] == "12345\n"
        link.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="sudo makes an agent root")
def test_under_sudo_a_program_has_the_groups_and_the_home_of_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import grp
    import pwd

    known = {user.pw_name: user for user in pwd.getpwall() if user.pw_uid}
    also = (
        (known[name], g) for g in grp.getgrall() for name in g.gr_mem if name in known
    )
    user, group = next(also, (next(iter(known.values())), None))
    wanted = {user.pw_gid} if group is None else {user.pw_gid, group.gr_gid}
    monkeypatch.setenv("SUDO_UID", str(user.pw_uid))
    monkeypatch.setenv("SUDO_GID", str(user.pw_gid))
    link = AgentLink(Address(sysfs_root=str(tmp_path)))
    try:
        words = ["sh", "-c", "id -u; id -G; echo $HOME; echo $USER $LOGNAME"]
        said = link.ask("run", argv=words)["stdout"].splitlines()
    finally:
        link.close()
    assert said[0] == str(user.pw_uid)
    assert {int(word) for word in said[1].split()} >= wanted
    assert said[2:] == [user.pw_dir, f"{user.pw_name} {user.pw_name}"]


@pytest.mark.skipif(os.geteuid() != 0, reason="sudo makes an agent root")
def test_an_agent_that_others_may_change_is_not_run_as_root(
    sudo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from measure.devices import address

    open_to_all = tmp_path / "board_agent.py"
    open_to_all.write_bytes(address.AGENT.read_bytes())
    open_to_all.chmod(0o666)
    monkeypatch.setattr(address, "AGENT", open_to_all)
    with pytest.raises(DeviceError, match="can be written by others"):
        AgentLink(Address(sudo=True))


def test_a_password_that_is_asked_for_is_a_refusal_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "sudo"
    program.write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(DeviceError, match="password is required; allow it without"):
        AgentLink(Address(sudo=True))
