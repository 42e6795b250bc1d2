"""Any command as the program that runs on a board."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from measure.configuration import Configuration
from measure.devices.address import Address
from measure.devices.board_commands import CommandPrograms
from measure.devices.board_programs import Calls, calls_of
from measure.devices.transport import AgentLink
from measure.errors import DeviceError, RunFailed, WorkloadError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the agent is Unix's")

SPACE = {"options": {"n": {"kind": "numeric", "levels": [1, 2]}}}
COMMAND = "sh -c 'echo $0 cores; echo took 0.00$1 s' {cpu_cores} {n}"
PAIR = ("command", "own")


@pytest.fixture
def link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentLink]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "root").mkdir()
    opened = AgentLink(Address(sysfs_root=str(tmp_path / "root")))
    yield opened
    opened.close()


def run(programs: CommandPrograms, link: AgentLink, **levels: Any) -> Calls:
    program = programs.program(*PAIR)
    configuration = Configuration(levels)
    program.prepare([configuration])
    assert program.artefact(configuration) == ""
    program.copy(link)
    argv = program.argv(
        configuration,
        seconds=0.001,
        window_s=0.05,
        lead_s=0.01,
        min_calls=2,
        quick=True,
    )
    return program.calls(link.ask("run", argv=argv, limit_s=30.0))


def test_a_command_runs_on_a_board_and_tells_its_latency(link: AgentLink) -> None:
    programs = CommandPrograms(COMMAND, "took (.*) s", SPACE)
    calls = run(programs, link, cpu_cores=4, n=2)
    assert set(calls.calls_s) == {0.002} and len(calls.calls_s) >= 2
    assert calls.window is not None and calls.window[1] - calls.window[0] >= 0.05
    assert calls.read_back == {"n": None} and calls.read_back_reason["n"]


def test_its_options_are_those_that_have_levels() -> None:
    programs = CommandPrograms(COMMAND, space=SPACE)
    assert programs.usual == ("n",) == tuple(programs.offers(4))
    assert programs.networks() == {"command": ("own",)}
    assert programs.forbidden([]) == ()
    with pytest.raises(WorkloadError, match="one network, command"):
        programs.program("resnet50", "images")
    with pytest.raises(WorkloadError, match="{cpu_cores} has no level"):
        programs.program(*PAIR).prepare([Configuration({"n": 1})])


def test_the_version_is_the_programs_name_and_its_file_must_match(
    link: AgentLink, tmp_path: Path
) -> None:
    program = tmp_path / "bench"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    programs = CommandPrograms(f"{program} -v")
    version, more = programs.version(link)
    assert version == "bench" and more["command"] == f"{program} -v"
    program.write_text("#!/bin/sh\n#\n")
    assert programs.version(link)[1]["program"] != more["program"]
    with pytest.raises(DeviceError, match="not on the PATH; write its whole path"):
        CommandPrograms("no-such-program").version(link)


def test_a_command_that_fails_says_its_last_words(link: AgentLink) -> None:
    programs = CommandPrograms("sh -c 'echo no engine >&2; exit 2'")
    with pytest.raises(RunFailed, match="exit code 2; it ended with: no engine") as why:
        run(programs, link)
    assert why.value.final


def test_the_end_of_the_time_limit_ends_the_command_too(
    link: AgentLink, tmp_path: Path
) -> None:
    file = tmp_path / "alive"
    programs = CommandPrograms(
        f"sh -c 'while true; do date > {file}; sleep 0.05; done'"
    )
    program = programs.program(*PAIR)
    program.copy(link)
    words = {"seconds": 0.1, "window_s": 0.0, "lead_s": 0.0, "min_calls": 1}
    argv = program.argv({}, **words, quick=True)  # type: ignore[arg-type]
    with pytest.raises(RunFailed, match="time limit"):
        calls_of(link.ask("run", argv=argv, limit_s=1.0))
    file.unlink(missing_ok=True)
    link.clock.sleep(0.3)
    assert not file.exists()
