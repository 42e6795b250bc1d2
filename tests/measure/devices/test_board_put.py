"""What a host copies to a board: whole, once, and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from measure.devices.board_agent import (
    Agent,
    Cache,
    Clock,
    Disk,
    MemoryJournal,
    cache_folder,
)

DATA = bytes(range(256)) * 40
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "files"


@pytest.fixture
def agent(tmp_path: Path, folder: Path) -> Iterator[Agent]:
    cache = Cache(str(folder))
    yield Agent(Disk(str(tmp_path)), MemoryJournal(), Clock(), cache)
    cache.drop()


def put(
    agent: Agent, data: bytes | None = None, name: str = NAME, size: int = len(DATA)
) -> dict[str, Any]:
    request: dict[str, Any] = {"do": "put", "sha256": name, "size": size}
    if data is not None:
        request["data"] = base64.b64encode(data).decode()
    reply: dict[str, Any] = agent.handle(request)
    return reply


def test_a_file_comes_in_pieces_and_is_there_afterwards(
    agent: Agent, folder: Path
) -> None:
    assert put(agent) == {"have": False, "offset": 0}
    assert put(agent, DATA[:1000]) == {"have": False, "offset": 1000}
    assert put(agent, DATA[1000:]) == {"have": True, "path": str(folder / NAME)}
    assert (folder / NAME).read_bytes() == DATA
    assert put(agent) == {"have": True, "path": str(folder / NAME)}
    assert os.listdir(folder) == [NAME]
    assert (folder / NAME).stat().st_mode & 0o077 == 0


def test_an_empty_file_needs_no_piece(agent: Agent, folder: Path) -> None:
    name = hashlib.sha256(b"").hexdigest()
    assert put(agent, name=name, size=0)["have"]
    assert (folder / name).read_bytes() == b""


@pytest.mark.parametrize("piece", [DATA[:-1] + b"x", DATA + b"x"])
def test_what_is_not_the_file_is_refused_and_leaves_nothing(
    agent: Agent, folder: Path, piece: bytes
) -> None:
    put(agent)
    assert "refused" in put(agent, piece)
    assert os.listdir(folder) == []
    assert "was begun" in put(agent, DATA)["refused"]
    put(agent)
    assert put(agent, DATA)["have"]


@pytest.mark.parametrize("name", ["../../etc/passwd", NAME + "\n", NAME.upper(), ""])
def test_a_name_that_is_no_hash_is_refused(
    agent: Agent, folder: Path, name: str
) -> None:
    assert "SHA-256" in put(agent, name=name)["refused"]
    assert not folder.exists()


def test_a_copy_that_was_broken_off_begins_anew(agent: Agent, folder: Path) -> None:
    put(agent)
    put(agent, DATA[:10])
    other = hashlib.sha256(b"other").hexdigest()
    assert not put(agent, name=other, size=5)["have"]
    assert put(agent, b"other", name=other, size=5)["have"]
    assert put(agent) == {"have": False, "offset": 0}
    assert put(agent, DATA)["have"]
    assert sorted(os.listdir(folder)) == sorted([NAME, other])


def test_what_a_killed_agent_left_is_taken_away_in_time(
    agent: Agent, folder: Path
) -> None:
    folder.mkdir(parents=True)
    old, new = folder / f"{NAME}.part-1", folder / f"{NAME}.part-2"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    put(agent)
    assert not old.exists() and new.exists()


def test_a_cut_off_file_is_copied_again(agent: Agent, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(DATA[:-1])
    assert not put(agent)["have"]
    assert put(agent, DATA)["have"]
    assert (folder / NAME).read_bytes() == DATA


def test_a_folder_that_cannot_be_written_is_named(agent: Agent, folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("a file")
    assert str(folder) in put(agent)["refused"]


def test_an_agent_without_a_disk_takes_no_files(tmp_path: Path) -> None:
    agent = Agent(Disk(str(tmp_path)), MemoryJournal(), Clock())
    assert "no disk" in put(agent)["refused"]


def test_root_copies_for_the_user_who_called_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    import pwd

    home = tmp_path / "home"
    home.mkdir()
    for path in (home, *home.parents):
        if path.stat().st_uid == 0 and path != Path("/") and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o011)
    os.chown(home, 65534, 65534)
    entry = pwd.struct_passwd(("nobody", "", 65534, 65534, "", str(home), ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda number: entry)
    monkeypatch.setenv("SUDO_UID", "65534")
    monkeypatch.setenv("SUDO_GID", "65534")
    agent = Agent(Disk(str(tmp_path)), MemoryJournal(), Clock(), Cache(cache_folder()))
    put(agent)
    path = Path(put(agent, DATA)["path"])
    assert path.is_relative_to(home) and path.stat().st_uid == 65534
    assert os.geteuid() == 0 and os.getegid() == 0
