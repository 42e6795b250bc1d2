"""Runs any command on a board, or here, and reads its latency from what it says.

Standard library only, in the syntax of Python 3.4, as all that runs on a board.
"""

import ctypes
import hashlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from measure.workloads.board_timing import Failed, Run

OUTSIDE = (1, 2, 9, 15)
"""Signals that come from outside: what died by one may live when tried again."""
MOST_SAID = 10000000
"""Bytes that are looked through for latencies."""
_PR_SET_PDEATHSIG = 1
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Names that a pattern's group may have, and their seconds."""


def run_command(job):
    """Measure a command: its wall time, or what it prints.

    Parameters
    ----------
    job : dict
        ``argv``, ``pattern``, ``batch_size``, ``echo``, and what `Run` takes.

    Returns
    -------
    dict
        Calls, as plain data.
    """
    import resource

    argv, pattern = job["argv"], None
    if job.get("pattern"):
        pattern = re.compile(job["pattern"], re.MULTILINE)

    def execute(calls):
        start = time.monotonic()
        said = _executed(argv)
        took = time.monotonic() - start
        if job.get("echo"):
            sys.stderr.write(said)
        calls.extend([took] if pattern is None else latencies(pattern, said))

    def cpu_s():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    found = Run(job, execute, cpu_s, tests=False).told()
    found["batch_size"] = int(job.get("batch_size") or 1)
    return found


def find_program(job):
    """Tell where a program is, and the hash of its file.

    Parameters
    ----------
    job : dict
        ``program``, as a shell would find it.

    Returns
    -------
    dict
        ``path`` and ``sha256``, empty where its file cannot be read.

    Raises
    ------
    Failed
        If it is not there.
    """
    path = shutil.which(job["program"])
    if path is None:
        raise Failed("%s is no program, or not on the PATH" % job["program"])
    found = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for part in iter(lambda: file.read(1 << 20), b""):
                found.update(part)
    except (IOError, OSError):
        return {"path": path, "sha256": ""}
    return {"path": path, "sha256": found.hexdigest()}


def end_with_parent():
    """Have the kernel end us when our parent is killed: no load that nobody wants."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        pass


def _executed(argv):
    """Execute a command once; return what it said."""
    # In our own process group: whoever ends us ends it too.
    with tempfile.TemporaryFile() as said:
        try:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                preexec_fn=end_with_parent,
            )
        except (IOError, OSError) as error:
            raise Failed("%s cannot be started: %s" % (argv[0], error.strerror))
        code = child.wait()
        said.seek(0)
        text = said.read(MOST_SAID).decode("utf-8", "replace")
    if code:
        how = "ended by signal %d" % -code if code < 0 else "exit code %d" % code
        reason = "%s: %s%s" % (argv[0], how, _last_words(text))
        raise Failed(reason, -code not in OUTSIDE)
    return text


def latencies(pattern, said):
    """Return the seconds that a pattern finds in what a command said.

    Parameters
    ----------
    pattern : re.Pattern
        With one group, or one that is named as a unit.
    said : str
        All that it printed.

    Returns
    -------
    list of float
        One a match.

    Raises
    ------
    Failed
        If there is none, or one that is no time.
    """
    named = [name for name in UNITS if name in pattern.groupindex]
    scale, found = UNITS[named[0]] if named else 1.0, []
    for match in pattern.finditer(said):
        text = match.group(named[0]) if named else match.group(1)
        try:
            value = float(text)
        except (TypeError, ValueError):
            value = 0.0
        if not 0.0 < value < 1e9:
            raise Failed("the latency pattern found %r, which is no time" % text)
        found.append(value * scale)
    if not found:
        raise Failed(
            "the latency pattern %r matches nothing that the command said%s"
            % (pattern.pattern, _last_words(said))
        )
    return found


def _last_words(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; it ended with: %s" % lines[-1][:300] if lines else "; it said nothing"
