"""The agent on a board: what it writes, and that it puts everything back."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from measure.devices import board_agent
from measure.devices.board_agent import Agent, Clock, Disk, Journal, MemoryJournal

SOURCE = Path(board_agent.__file__)
CPU = "/sys/devices/system/cpu"
POLICY = f"{CPU}/cpufreq/policy0"
FILES = {
    f"{CPU}/cpu1/online": "1\n",
    f"{CPU}/cpuquiet/tegra_cpuquiet/enable": "1\n",
    f"{POLICY}/scaling_min_freq": "102000\n",
    f"{POLICY}/scaling_max_freq": "1734000\n",
    f"{POLICY}/scaling_governor": "interactive\n",
    f"{POLICY}/scaling_available_frequencies": "102000 1734000 \n",
    "/sys/block/mmcblk0/queue/scheduler": "noop deadline [cfq] \n",
    "/proc/sys/kernel/random/boot_id": "one\n",
    "/etc/passwd": "root\n",
}
MINIMUM, MAXIMUM = f"{POLICY}/scaling_min_freq", f"{POLICY}/scaling_max_freq"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of plain files that stands for a board's root."""
    folder = tmp_path / "root"
    for path, text in FILES.items():
        place = folder / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (folder / f"{CPU[1:]}/cpu0").mkdir()
    (folder / f"{CPU[1:]}/cpu0/cpufreq").symlink_to(POLICY)
    return folder


@pytest.fixture
def agent(root: Path) -> Agent:
    return Agent(Disk(str(root)), MemoryJournal(), Clock())


def content(root: Path) -> dict[str, str]:
    return {path: (root / path[1:]).read_text() for path in FILES}


def write(*items: tuple[str, str]) -> dict[str, Any]:
    return {"do": "write", "items": [list(item) for item in items]}


def test_the_agent_is_in_the_syntax_of_python_3_4() -> None:
    start = "from vermin import main; main()"
    words = [sys.executable, "-c", start, "-t=3.4-", "--no-tips", str(SOURCE)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_imports_the_standard_library_only() -> None:
    probe = f"import runpy, sys; runpy.run_path({str(SOURCE)!r}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", probe], capture_output=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.decode().split()}
    assert loaded - set(sys.stdlib_module_names) <= {"__main__", "sitecustomize"}


def test_files_are_read_each_on_its_own(agent: Agent) -> None:
    reply = agent.handle({"do": "read", "paths": [MINIMUM, "/sys/none"]})
    assert reply["files"][0] == {"text": "102000\n"}
    assert reply["files"][1]["errno"] == "ENOENT"


def test_paths_are_found_by_pattern_also_through_links(agent: Agent) -> None:
    patterns = [f"{CPU}/cpu#", f"{CPU}/cpu0/cpufreq/scaling_m*_freq", "/sys/no/*"]
    assert agent.handle({"do": "find", "patterns": patterns})["paths"] == [
        [f"{CPU}/cpu0", f"{CPU}/cpu1"],
        [f"{CPU}/cpu0/cpufreq/scaling_{end}_freq" for end in ("max", "min")],
        [],
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        f"{CPU}/cpu1/../../../../../etc/passwd",
        f"{POLICY}/scaling_available",
        "/proc/sys/kernel/core_pattern",
        "/sys/power/state",
    ],
)
def test_what_is_not_on_the_list_is_not_written(
    agent: Agent, root: Path, path: str
) -> None:
    asked = write((MINIMUM, "1"), (path, "x"))
    if path.endswith("available"):
        # On the list, as all of cpufreq is, and not there: nothing is made.
        assert agent.handle(asked)["failed"]["errno"] == "ENOENT"
        agent.handle({"do": "restore"})
    else:
        assert "may not be written" in agent.handle(asked)["refused"]
    assert content(root) == FILES


def test_a_link_out_of_the_list_is_not_followed(agent: Agent, root: Path) -> None:
    place = root / f"{CPU[1:]}/cpu1/online"
    place.unlink()
    place.symlink_to("/etc/passwd")
    reply = agent.handle(write((f"{CPU}/cpu1/online", "0")))
    assert "/etc/passwd" in reply["refused"]
    assert (root / "etc/passwd").read_text() == "root\n"


@pytest.fixture
def journal(root: Path) -> Iterator[Journal]:
    opened = Journal(str(root / "state"), str(root))
    opened.lock()
    yield opened
    opened.close()


def test_the_journal_is_on_the_disk_before_the_first_write(
    root: Path, journal: Journal
) -> None:
    seen = []

    class Watched(Disk):
        def write(self, path: str, data: bytes) -> None:
            seen.append([entry["path"] for entry in journal.read()])
            super().write(path, data)

    agent = Agent(Watched(str(root)), journal, Clock())
    # Two names of one file are one file.
    agent.handle(write((f"{CPU}/cpu0/cpufreq/scaling_min_freq", "1"), (MAXIMUM, "2")))
    assert seen[0] == [MINIMUM, MAXIMUM]
    agent.handle(write((MINIMUM, "3")))
    assert [entry["old"] for entry in journal.read()] == ["102000\n", "1734000\n"]
    assert len(agent.handle({"do": "restore"})["restored"]) == 2
    assert content(root) == FILES and journal.read() == []


def test_a_torn_line_of_the_journal_is_of_a_write_that_never_began(
    root: Path, journal: Journal
) -> None:
    Agent(Disk(str(root)), journal, Clock()).handle(write((MINIMUM, "7")))
    with open(journal.path, "a") as file:
        file.write('{"path": "/sys/dev')
    again = Agent(Disk(str(root)), journal, Clock())
    again.handle(write((MAXIMUM, "8")))
    assert len(again.handle({"do": "restore"})["restored"]) == 2
    assert content(root) == FILES


def test_two_agents_do_not_share_a_board(root: Path, journal: Journal) -> None:
    with pytest.raises(board_agent.Refused, match=f"process {os.getpid()}"):
        Journal(str(root / "state"), str(root)).lock()


def test_after_a_reboot_nothing_is_written_back(agent: Agent, root: Path) -> None:
    agent.handle(write((MINIMUM, "7")))
    (root / "proc/sys/kernel/random/boot_id").write_text("two\n")
    reply = agent.handle({"do": "restore"})
    assert (reply["restored"], reply["of_an_earlier_boot"]) == ([], 1)
    assert content(root)[MINIMUM] == "7"


def test_without_a_boot_id_a_journal_counts_as_of_this_boot(
    agent: Agent, root: Path
) -> None:
    agent.handle(write((MINIMUM, "7")))
    (root / "proc/sys/kernel/random/boot_id").unlink()
    assert len(agent.handle({"do": "restore"})["restored"]) == 1
    assert (root / MINIMUM[1:]).read_text() == FILES[MINIMUM]


class Strict(Disk):
    """Files of a kernel that keeps a minimum below its maximum, and a scheduler."""

    def write(self, path: str, data: bytes) -> None:
        if path.endswith(("min_freq", "max_freq")):
            bounds = {
                end: int(self.read(f"{POLICY}/scaling_{end}_freq"))
                for end in ("min", "max")
            }
            bounds["min" if path.endswith("min_freq") else "max"] = int(data)
            if bounds["min"] > bounds["max"]:
                raise OSError(22, "Invalid argument", path)
        if path.endswith("scheduler"):
            if data.strip() not in (b"noop", b"deadline", b"cfq"):
                raise OSError(22, "Invalid argument", path)
            names = b"noop deadline cfq ".replace(
                data.strip(), b"[" + data.strip() + b"]"
            )
            data = names + b"\n"
        super().write(path, data)


@pytest.mark.parametrize("order", [(MINIMUM, MAXIMUM), (MAXIMUM, MINIMUM)])
@pytest.mark.parametrize("level", ["51000", "306000", "2000000"])
def test_a_minimum_and_its_maximum_are_put_back_in_the_order_that_works(
    root: Path, order: tuple[str, str], level: str
) -> None:
    agent = Agent(Strict(str(root)), MemoryJournal(), Clock())
    up = int(level) > 1734000
    agent.handle(write((order[0], FILES[order[0]])))
    going = (MAXIMUM, MINIMUM) if up else (MINIMUM, MAXIMUM)
    assert agent.handle(write(*((path, level) for path in going)))["done"] == 2
    start = time.monotonic()
    assert agent.handle({"do": "restore"})["failed"] == []
    assert content(root) == FILES
    assert time.monotonic() - start < 4.0


def test_a_choice_among_several_is_put_back(root: Path) -> None:
    agent = Agent(Strict(str(root)), MemoryJournal(), Clock())
    path = "/sys/block/mmcblk0/queue/scheduler"
    agent.handle(write((path, "noop")))
    assert content(root)[path] == "[noop] deadline cfq \n"
    assert agent.handle({"do": "restore"})["failed"] == []
    assert content(root) == FILES


def test_a_choice_is_put_back_where_only_files_stand_for_the_kernel(
    agent: Agent, root: Path
) -> None:
    agent.handle(write(("/sys/block/mmcblk0/queue/scheduler", "noop")))
    assert agent.handle({"do": "restore"})["failed"] == []
    assert content(root) == FILES


def test_a_write_that_fails_names_path_and_error_and_stops(
    root: Path,
) -> None:
    agent = Agent(Strict(str(root)), MemoryJournal(), Clock())
    online = f"{CPU}/cpu1/online"
    reply = agent.handle(write((MINIMUM, "204000"), (MAXIMUM, "1"), (online, "0")))
    assert reply["done"] == 1
    assert (reply["failed"]["path"], reply["failed"]["errno"]) == (MAXIMUM, "EINVAL")
    assert content(root)[online] == "1\n"


def test_what_cannot_be_put_back_is_named_and_stays_in_the_journal(
    agent: Agent, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_agent, "RESTORE_LIMIT_S", 0.1)
    agent.handle(write((f"{CPU}/cpu1/online", "0"), (MINIMUM, "7")))
    (root / f"{CPU[1:]}/cpu1/online").unlink()
    reply = agent.handle({"do": "restore"})
    assert [one["path"] for one in reply["failed"]] == [f"{CPU}/cpu1/online"]
    assert content_of(root, MINIMUM) == FILES[MINIMUM]
    (root / f"{CPU[1:]}/cpu1/online").write_text("0")
    assert agent.handle({"do": "restore"})["failed"] == []
    assert content(root) == FILES


def test_what_something_else_writes_all_the_time_is_not_taken_for_put_back(
    agent: Agent, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_agent, "RESTORE_LIMIT_S", 0.2)
    agent.handle(write((MINIMUM, "204000")))

    def meddle(seconds: float) -> None:
        time.sleep(seconds)
        (root / MINIMUM[1:]).write_text("306000\n")

    monkeypatch.setattr(agent.clock, "sleep", meddle)
    (failed,) = agent.handle({"do": "restore"})["failed"]
    assert failed["path"] == MINIMUM and "something else writes it" in failed["error"]
    monkeypatch.undo()
    assert agent.handle({"do": "restore"})["failed"] == []
    assert content(root) == FILES


@pytest.mark.parametrize("quiet", ["1", "0"])
def test_cores_that_are_left_to_cpuquiet_again_may_be_where_it_wants(
    root: Path, quiet: str
) -> None:
    switch, online = f"{CPU}/cpuquiet/tegra_cpuquiet/enable", f"{CPU}/cpu1/online"

    class Quiet(Disk):
        """Cpuquiet takes the core off as soon as it is on again."""

        def write(self, path: str, data: bytes) -> None:
            super().write(path, data)
            if path == switch and data.strip() == b"1":
                super().write(online, b"0\n")

    (root / switch[1:]).write_text(f"{quiet}\n")
    agent = Agent(Quiet(str(root)), MemoryJournal(), Clock())
    agent.handle(write((switch, "0"), (online, "0")))
    assert agent.handle({"do": "restore"})["failed"] == []
    now = content(root)
    assert (now[switch], now[online]) == (
        f"{quiet}\n",
        "0\n" if quiet == "1" else "1\n",
    )


@pytest.mark.parametrize("note", [[], [f"{CPU}/cpu1/online"]])
def test_cores_are_put_back_before_cpuquiet_whichever_was_noted_first(
    root: Path, note: list[str]
) -> None:
    switch, online = f"{CPU}/cpuquiet/tegra_cpuquiet/enable", f"{CPU}/cpu1/online"
    order: list[str] = []

    class Noting(Disk):
        def write(self, path: str, data: bytes) -> None:
            order.append(path)
            super().write(path, data)

    agent = Agent(Noting(str(root)), MemoryJournal(), Clock())
    agent.handle({**write((switch, "0"), (MINIMUM, "204000")), "note": note})
    agent.handle(write((online, "0")))
    order.clear()
    assert agent.handle({"do": "restore"})["failed"] == []
    assert order.index(online) < order.index(switch) == len(order) - 1
    assert content(root) == FILES


def content_of(root: Path, path: str) -> str:
    return (root / path[1:]).read_text()


class FakeClock(Clock):
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += seconds


def test_files_are_sampled_at_a_rate_on_the_clock_passed_in(root: Path) -> None:
    clock = FakeClock()
    agent = Agent(Disk(str(root)), MemoryJournal(), clock)
    asked = {"do": "watch", "paths": [MINIMUM, "/sys/none"], "period_s": 0.1}
    agent.handle(asked)
    for _ in range(50):
        agent.tick()
        clock.sleep(0.02)
    clock.sleep(1.0)
    agent.tick()
    samples = agent.handle({"do": "samples", "stop": True})["samples"]
    assert len(samples) == 11
    assert samples[0][2] == ["102000\n", ["ENOENT"]]
    assert samples[1][0] == pytest.approx(100.1, abs=0.021)
    assert "nothing is watched" in agent.handle({"do": "samples"})["refused"]


@pytest.mark.parametrize(
    "request_", [{}, {"do": "_save"}, {"do": "boot_id"}, {"do": 3}]
)
def test_an_unknown_request_is_refused(agent: Agent, request_: dict[str, Any]) -> None:
    assert "unknown request" in agent.handle(request_)["refused"]


@pytest.mark.parametrize("request_", [{"do": "read"}, {"do": "write", "items": [3]}])
def test_a_malformed_request_is_refused(agent: Agent, request_: dict[str, Any]) -> None:
    assert "malformed request" in agent.handle(request_)["refused"]


class Program:
    """The agent as a process, as a host has it."""

    def __init__(self, folder: Path, **hello: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(SOURCE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "XDG_STATE_HOME": str(folder.parent / "state")},
        )
        self.hello = self.ask(**{"root": str(folder), **hello})

    def send(self, **request: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write((json.dumps(request) + "\n").encode())
        self.process.stdin.flush()

    def ask(self, **request: Any) -> dict[str, Any]:
        self.send(**request)
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def close(self) -> int:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(10)
        self.process.stdout.close()
        return code


@pytest.fixture
def program(root: Path) -> Iterator[Program]:
    opened = Program(root)
    yield opened
    opened.process.kill()
    opened.close()


def set_two(program: Program) -> None:
    program.ask(do="write", items=[[MINIMUM, "204000"], [f"{CPU}/cpu1/online", "0"]])


def test_the_end_of_the_connection_puts_everything_back(
    program: Program, root: Path
) -> None:
    set_two(program)
    assert content(root) != FILES
    assert program.close() == 0
    assert content(root) == FILES


def test_a_host_that_is_silent_for_too_long_is_gone(root: Path) -> None:
    program = Program(root, beat_limit_s=0.4)
    set_two(program)
    for _ in range(6):
        time.sleep(0.1)
        program.ask(do="beat")
    assert content(root) != FILES
    program.process.wait(10)
    assert content(root) == FILES
    program.close()


def test_a_host_that_takes_no_answer_for_too_long_is_gone(root: Path) -> None:
    program = Program(root, beat_limit_s=0.4)
    set_two(program)
    code = "print('x' * 500000)"
    program.send(do="run", argv=[sys.executable, "-c", code])
    program.process.wait(10)
    assert content(root) == FILES
    program.close()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_that_ends_it_puts_everything_back(
    program: Program, root: Path, name: str
) -> None:
    import signal

    set_two(program)
    program.process.send_signal(getattr(signal, name))
    program.process.wait(10)
    assert content(root) == FILES


def test_after_kill_9_the_next_agent_knows_and_restores(
    program: Program, root: Path
) -> None:
    set_two(program)
    program.process.kill()
    program.process.wait(10)
    assert content(root) != FILES
    after = Program(root)
    assert after.hello["left"] == 2
    assert len(after.ask(do="restore")["restored"]) == 2
    assert content(root) == FILES
    after.close()


def test_restore_on_the_board_itself_needs_no_host(
    program: Program, root: Path
) -> None:
    set_two(program)
    program.process.kill()
    program.process.wait(10)
    words = [sys.executable, "-I", str(SOURCE), "restore", str(root)]
    env = {**os.environ, "XDG_STATE_HOME": str(root.parent / "state")}
    for restored in (2, 0):
        done = subprocess.run(words, env=env, capture_output=True, check=True)
        assert len(json.loads(done.stdout)["restored"]) == restored
    assert content(root) == FILES


def test_words_that_are_unknown_are_refused_and_nothing_is_waited_for() -> None:
    for words in (["restroe"], ["board_agent-2.py", "restore"], ["restore", "/", "x"]):
        asked = [sys.executable, "-I", str(SOURCE), *words]
        done = subprocess.run(asked, stdin=None, capture_output=True, timeout=20)
        assert done.returncode == 1
        assert "say restore [ROOT]" in json.loads(done.stdout)["refused"]


def test_the_last_version_on_a_board_restores_by_a_name_that_stays(
    program: Program, root: Path, tmp_path: Path
) -> None:
    from measure.devices.address import _BOOT

    set_two(program)
    program.process.kill()
    program.process.wait(10)
    state = str(root.parent / "state")
    cache = tmp_path / "cache"
    env = {**os.environ, "XDG_STATE_HOME": state, "XDG_CACHE_HOME": str(cache)}
    data = SOURCE.read_bytes()
    for version in (
        data.replace(b"def main(", b"def old(").split(b"\n\nif __n")[0],
        data,
    ):
        words = [sys.executable, "-I", "-c", _BOOT, str(len(version)), "plain"]
        subprocess.run(words, env=env, input=version, capture_output=True, timeout=20)
    names = sorted(path.name for path in (cache / "measure").glob("board_agent*"))
    assert len(names) == 3 and names[-1] == "board_agent.py"
    stable = str(cache / "measure" / "board_agent.py")
    words = [sys.executable, stable, "restore", str(root)]
    done = subprocess.run(words, env=env, capture_output=True, check=True)
    assert len(json.loads(done.stdout)["restored"]) == 2
    assert content(root) == FILES


def test_a_restore_by_hand_names_the_journal_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_agent, "ROOTS_STATE", str(tmp_path / "root"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    mine = Journal(str(tmp_path / "mine"), "/")
    assert board_agent.other_journals(mine) == []
    theirs = Journal(str(tmp_path / "root" / "measure" / "boards"), "/")
    theirs.lock()
    theirs.add([{"path": "/sys/x", "old": "1", "boot": "", "root": "/"}])
    theirs.close()
    (named,) = board_agent.other_journals(mine)
    assert named == f"{theirs.path} is root's: call this under sudo"


def test_roots_agent_and_a_users_do_not_hold_one_board_at_once(tmp_path: Path) -> None:
    shared = str(tmp_path)
    one, other = (Journal(str(tmp_path / n), "/", shared) for n in ("root", "user"))
    one.lock()
    with pytest.raises(board_agent.Refused, match="another agent holds this board"):
        other.lock()
    one.close()
    other.lock()
    other.close()
    # A place that cannot be locked by all is none: each has its own lock.
    alone = Journal(str(tmp_path / "alone"), "/", str(tmp_path / "none"))
    alone.lock()
    alone.close()


def test_kill_9_at_any_moment_leaves_what_restore_puts_back(root: Path) -> None:
    draw = random.Random(1)
    paths = [path for path in FILES if board_agent.is_allowed(path)]
    for _ in range(8):
        program = Program(root)
        for number in range(200):
            program.send(do="write", items=[[p, str(number)] for p in paths])
        time.sleep(draw.uniform(0.0, 0.05))
        program.process.kill()
        program.close()
        after = Program(root)
        after.ask(do="restore")
        after.close()
        assert content(root) == FILES


def test_a_program_runs_beside_requests_and_is_answered_when_it_ends(
    program: Program,
) -> None:
    code = "import time; time.sleep(.2); print('done')"
    program.send(do="run", id=1, argv=[sys.executable, "-c", code])
    assert program.ask(do="beat", id=2)["id"] == 2
    assert program.process.stdout is not None
    reply = json.loads(program.process.stdout.readline())
    assert (reply["id"], reply["rc"], reply["stdout"]) == (1, 0, "done\n")
    assert reply["stop_s"] - reply["start_s"] > 0.2


def test_a_program_that_takes_too_long_is_killed_with_its_children(
    program: Program,
) -> None:
    words = ["sh", "-c", "sleep 60 & wait"]
    reply = program.ask(do="run", argv=words, limit_s=0.2)
    assert reply["late"] and reply["rc"] < 0


def test_a_program_ends_with_an_agent_that_is_killed(
    program: Program, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid()))\n"
    program.send(do="run", argv=[sys.executable, "-c", f"{code}time.sleep(60)"])
    until = time.monotonic() + 20.0
    while not note.exists() or not note.read_text():
        assert time.monotonic() < until
        time.sleep(0.01)
    program.process.kill()
    program.process.wait()
    place = Path(f"/proc/{note.read_text()}/cmdline")
    while place.exists() and place.read_bytes():
        assert time.monotonic() < until, "it still runs"
        time.sleep(0.01)


def test_a_program_that_is_not_there_is_refused(program: Program) -> None:
    assert "no_such" in program.ask(do="run", argv=["no_such_program"])["refused"]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"argv": 5},
        {"argv": ["true"], "limit_s": "long"},
        {"argv": ["true"], "limit_s": None},
        {"argv": ["true", "\0"]},
        {"argv": [1]},
    ],
)
def test_a_malformed_run_is_refused_and_the_agent_stays(
    program: Program, request_: dict[str, Any]
) -> None:
    set_two(program)
    assert "refused" in program.ask(do="run", **request_)
    assert program.ask(do="status")["left"] == 2
    assert program.ask(do="run", argv=["true"])["rc"] == 0


def test_a_root_that_is_not_there_is_refused(tmp_path: Path) -> None:
    program = Program(tmp_path / "none")
    assert "no such folder" in program.hello["refused"]
    assert program.close() == 1


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="one core leaves no choice",
)
def test_it_samples_on_the_cores_it_is_told_and_runs_programs_on_all(
    tmp_path: Path,
) -> None:
    everywhere = os.sched_getaffinity(0)
    aside = max(everywhere)
    program = Program(tmp_path / "none", root="/")
    asked = {"do": "watch", "paths": ["/proc/loadavg"], "period_s": 0.1}
    assert program.ask(**asked, aside=[aside])["cores"] == [aside]
    assert os.sched_getaffinity(program.hello["pid"]) == {aside}
    code = "import os; print(sorted(os.sched_getaffinity(0)))"
    reply = program.ask(do="run", argv=[sys.executable, "-c", code])
    assert json.loads(reply["stdout"]) == sorted(everywhere)
    assert program.ask(do="samples", stop=True)["samples"]
    assert os.sched_getaffinity(program.hello["pid"]) == everywhere
    # Cores that are not there leave it where it is.
    assert program.ask(**asked, aside=[200])["cores"] == []
    assert program.close() == 0


def test_on_an_imitated_board_it_stays_where_it_is(program: Program) -> None:
    asked = {"do": "watch", "paths": ["/proc/loadavg"], "period_s": 0.1}
    assert "cores" not in program.ask(**asked, aside=[0])


def test_it_loads_little_until_it_has_to() -> None:
    code = f"import sys; sys.argv = ['x']; sys.path.insert(0, {str(SOURCE.parent)!r})\n"
    code += "import board_agent; board_agent.Journal('/x', '/')\n"
    code += "print([m for m in ('hashlib', 'subprocess', 'tempfile', 'base64') "
    code += "if m in sys.modules])"
    said = subprocess.run([sys.executable, "-I", "-c", code], stdout=subprocess.PIPE)
    assert said.stdout == b"[]\n"


def test_a_file_that_stays_open_is_read_as_it_is_now_also_after_it_was_gone(
    root: Path,
) -> None:
    clock = FakeClock()
    agent = Agent(Disk(str(root)), MemoryJournal(), clock)
    place = root / MINIMUM[1:]
    agent.handle({"do": "watch", "paths": [MINIMUM], "period_s": 0.1})

    def sampled() -> Any:
        agent.tick()
        clock.sleep(0.1)
        (sample,) = agent.handle({"do": "samples"})["samples"]
        return sample[2][0]

    before = len(os.listdir("/proc/self/fd"))
    assert sampled() == "102000\n"
    place.write_text("204000\n")
    assert sampled() == "204000\n"
    place.unlink()
    assert sampled() == ["ENOENT"]
    place.write_text("306000\n")
    assert [sampled(), sampled()] == ["306000\n", "306000\n"]
    agent.handle({"do": "samples", "stop": True})
    assert len(os.listdir("/proc/self/fd")) == before
