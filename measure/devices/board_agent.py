"""The one program on a board: reads, writes, watches, runs, and puts everything back.

It knows paths, not options. Requests come as JSON lines on standard input, a reply to
each goes to standard output. Before a file is written for the first time, what it
holds is in a journal on the board's disk; when the connection is lost, or nothing has
been heard for too long, the agent puts back what was set and ends. After a kill or a
power cut the next agent does so from the journal. ``board_agent.py restore`` on the
board itself does it without a host.

Standard library only, in the syntax of Python 3.4, which is what the oldest boards
have: no annotations, no f-strings.
"""

import errno
import json
import os
import re
import select
import signal
import sys
import time

VERSION = 1
BEAT_LIMIT_S = 20.0
"""So long after the last word from the host everything is put back."""
ENTRY = ("path", "old", "boot", "root")
"""What an entry of the journal has."""
RESTORE_LIMIT_S = 5.0
PART_S = 3600.0
"""Files that were copied in part and left for so long are taken away."""
STUCK_S = 1.0
"""Files that cannot be put back for so long are given up, until the next restore."""
SETTLE_S = 0.05
"""Files that were written are looked at again so much later, until they stand."""
REPLY_LIMIT = 1000000
PR_SET_PDEATHSIG = 1
ROOTS_STATE = "/var/lib"
LOCKS = "/run/lock"
"""Where root and users can lock the same file."""
TRIES = 3
"""A power sensor that takes single shots may say ``EAGAIN``: it is asked again."""

ALLOWED = (
    "/sys/devices/system/cpu/cpu#/online",
    "/sys/devices/system/cpu/cpu#/cpufreq/scaling_*",
    "/sys/devices/system/cpu/cpufreq/policy#/scaling_*",
    "/sys/devices/system/cpu/cpu#/cpuidle/state#/disable",
    "/sys/devices/system/cpu/cpuquiet/tegra_cpuquiet/enable",
    "/sys/devices/system/cpu/cpuquiet/current_governor",
    "/sys/kernel/cluster/*",
    "/sys/kernel/debug/clock/override.*/rate",
    "/sys/kernel/debug/clock/override.*/state",
    "/sys/kernel/debug/clk/override.*/clk_*",
    "/sys/kernel/debug/bpmp/debug/clk/emc/rate",
    "/sys/kernel/debug/bpmp/debug/clk/emc/state",
    "/sys/kernel/debug/bpmp/debug/clk/emc/mrq_rate_locked",
    "/sys/kernel/debug/tegra_cpufreq/*_CLUSTER/cc3/enable",
    "/sys/kernel/debug/tegra_fan/target_pwm",
    "/sys/devices/pwm-fan/*",
    "/sys/devices/**/railgate_enable",
    "/sys/devices/**/devfreq/*/min_freq",
    "/sys/devices/**/devfreq/*/max_freq",
    "/sys/devices/**/devfreq/*/governor",
    "/sys/class/devfreq/*/min_freq",
    "/sys/class/devfreq/*/max_freq",
    "/sys/class/devfreq/*/governor",
    "/sys/**/running_mode",
    "/sys/module/qos/parameters/enable",
    "/sys/block/*/queue/scheduler",
    "/proc/sys/vm/swappiness",
    "/proc/sys/vm/vfs_cache_pressure",
    "/proc/sys/vm/dirty_*",
    "/proc/sys/vm/overcommit_*",
    "/proc/sys/vm/nr_*hugepages",
    "/proc/sys/kernel/sched_*",
    "/proc/sys/kernel/perf_cpu_time_max_percent",
    "/sys/devices/gpu.0/power/control",
    "/sys/devices/*.gpu/power/control",
    "/sys/devices/*.gp10b/power/control",
    "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap",
    "/sys/kernel/debug/tegra_fan/temp_control",
    "/usr/sbin/nvpmodel",
)
"""What may be written: ``*`` and ``#`` (a number) are within a name, ``**`` is not."""


PROGRAMS = ("/usr/sbin/nvpmodel",)
"""What looks like a file that holds the number of the power mode: reading it asks the
program, writing it has the program set the mode. It keeps the mode over a reboot."""
TELLERS = ("/usr/bin/tegrastats",)
"""Programs that print a line now and then: what is read of them is the last one."""
TELLER_LIMIT_S = 3.0
PROGRAM_LIMIT_S = 10.0
MANY_CORES = 256
"""More than any board has."""
WRITE_ONLY = ("clk_update_rate",)
"""Files that some kernels do not let anyone read: a switch beside them is put back."""


LIVE = (
    (
        "/sys/devices/system/cpu/cpu#/online",
        "/sys/devices/system/cpu/cpuquiet/tegra_cpuquiet/enable",
        "1",
    ),
    ("/sys/kernel/debug/bpmp/debug/clk/emc/rate", "mrq_rate_locked", "0"),
    ("/sys/kernel/debug/tegra_fan/target_pwm", "temp_control", "1"),
    ("/sys/devices/pwm-fan/target_pwm", "temp_control", "1"),
)
"""Files that the kernel moves itself while a switch, beside them or elsewhere, stands
so: once they were put back, and the switch is, what they read is no fault."""


def _pattern(text):
    parts = re.split(r"(\*\*|\*|#)", text)
    means = {"**": ".+", "*": "[^/]*", "#": "[0-9]+"}
    return "".join(means.get(part) or re.escape(part) for part in parts)


_ALLOWED = re.compile("|".join("(?:%s)" % _pattern(text) for text in ALLOWED))


_LIVE = [(re.compile(_pattern(one)), switch, text) for one, switch, text in LIVE]


def _switches(path):
    """Return what leaves a file to the kernel: the switch, and how it stands then."""
    folder = path.rpartition("/")[0]
    return [
        (switch if switch.startswith("/") else "%s/%s" % (folder, switch), text)
        for matches, switch, text in _LIVE
        if matches.match(path)
    ]


def is_allowed(path):
    """Tell whether a path may be written."""
    return ".." not in path.split("/") and _ALLOWED.fullmatch(path) is not None


class Refused(Exception):
    """A request that is not carried out; nothing was changed by it."""


FAULTS = (
    Refused,
    IOError,
    OSError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
)
"""What a request may come to that does not end the agent."""


def _refusal(error):
    """Return the reply to a request that came to a fault."""
    if isinstance(error, Refused):
        return {"refused": str(error)}
    if isinstance(error, (IOError, OSError)):
        return {"refused": "%s: %s" % (error.filename, error.strerror or error)}
    return {"refused": "malformed request: %r" % error}


class Clock(object):
    """The board's clock."""

    def now(self):
        """Return seconds, from an arbitrary moment."""
        return time.monotonic()

    def sleep(self, seconds):
        """Wait."""
        time.sleep(seconds)


class Disk(object):
    """Files below a folder that stands for ``/``; links do not lead out of it."""

    def __init__(self, root="/"):
        self.root = os.path.realpath(root)

    def resolve(self, path):
        """Return a path without links, as seen from the root."""
        rest, done, links = path.split("/")[::-1], [], 0
        while rest:
            name = rest.pop()
            if name in ("", "."):
                continue
            if name == "..":
                del done[-1:]
                continue
            try:
                target = os.readlink(self._place("/" + "/".join(done + [name])))
            except OSError:
                done.append(name)
                continue
            links += 1
            if links > 40:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith("/"):
                done = []
                if self.root != "/" and (target + "/").startswith(self.root + "/"):
                    target = target[len(self.root) :]
            rest.extend(target.split("/")[::-1])
        return "/" + "/".join(done)

    def read(self, path):
        """Return the content of a file; of a power mode, its number."""
        if path in PROGRAMS:
            found = re.search(rb"^(\d+)\s*\Z", self._call(path, "-q"), re.MULTILINE)
            if found is None:
                raise OSError(errno.EIO, "%s -q tells no mode" % path, path)
            return found.group(1) + b"\n"
        if path in TELLERS:
            return Teller(self, path).first()
        with open(self._place(self.resolve(path)), "rb", 0) as file:
            parts = [file.read(65536)]
            while parts[-1]:
                parts.append(file.read(65536))
        return b"".join(parts)

    def write(self, path, content):
        """Write a file that exists, in one piece; or have a power mode set."""
        if path in PROGRAMS:
            if not re.match(rb"\d+\s*\Z", content):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
            self._call(path, "-m", content.decode("ascii").strip())
            return
        place = self._place(self.resolve(path))
        handle = os.open(place, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(handle, content)
        finally:
            os.close(handle)

    def opened(self, path):
        """Return what reads a file again and again."""
        return Teller(self, path) if path in TELLERS else Opened(self, path)

    def names(self, path):
        """Return the names in a folder."""
        return sorted(os.listdir(self._place(self.resolve(path))))

    def exists(self, path):
        """Tell whether something is there."""
        return os.path.exists(self._place(self.resolve(path)))

    def may_write(self, path):
        """Tell whether this process has the rights to write a file."""
        if path in PROGRAMS and self.root == "/":
            return os.geteuid() == 0 and os.path.exists(path)
        return os.access(self._place(self.resolve(path)), os.W_OK)

    def _call(self, path, *words):
        """Return what a program says; its failure is that of a file."""
        import subprocess

        place = self.program(path)
        process = subprocess.Popen(
            [place] + list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            said = process.communicate(timeout=PROGRAM_LIMIT_S)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), path)
        if process.returncode:
            last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise OSError(errno.EINVAL, last or "failed", path)
        return said

    def program(self, path):
        """Return where a program is, if it may be run."""
        if self.root != "/" and os.environ.get("SUDO_UID"):
            # Whoever owns that folder is not to be made root by it.
            raise OSError(errno.EACCES, "not run under sudo", path)
        return self._place(path)

    def _place(self, path):
        return path if self.root == "/" else self.root + path


class Opened(object):
    """A file that stays open: at a low clock, finding it costs more than reading it."""

    def __init__(self, disk, path):
        self.disk, self.path, self.handle = disk, path, None

    def read(self):
        """Return its content as it is now."""
        if self.path in PROGRAMS:
            return self.disk.read(self.path)
        if self.handle is not None:
            try:
                # One that was taken away, and may be there again, is opened anew.
                if os.fstat(self.handle).st_nlink:
                    return os.pread(self.handle, 4096, 0)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    raise
            self.close()
        place = self.disk._place(self.disk.resolve(self.path))
        self.handle = os.open(place, os.O_RDONLY)
        return os.pread(self.handle, 4096, 0)

    def close(self):
        """Let go of it."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


class Teller(object):
    """A program that prints lines, for as long as it is read."""

    def __init__(self, disk, path):
        self.disk, self.path = disk, path
        self.running, self.rest, self.last = [], b"", b""
        # The oldest know no interval, and print a line a second.
        self.ways = [[], ["--interval", "100"]]

    def read(self):
        """Return the last line that it printed."""
        if not self.running:
            self._begin()
        pipe = self.running[0].stdout.fileno()
        while select.select([pipe], [], [], 0.0)[0]:
            data = os.read(pipe, 65536)
            if not data:
                self.close()
                if self.last or not self.ways:
                    raise OSError(errno.EIO, "it has ended", self.path)
                return self.read()
            lines = (self.rest + data).split(b"\n")
            self.rest = lines.pop()
            self.last = lines[-1] if lines else self.last
        if not self.last:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), self.path)
        return self.last

    def first(self):
        """Return the first line that it prints, and end it."""
        until = time.monotonic() + TELLER_LIMIT_S
        try:
            while True:
                try:
                    return self.read()
                except OSError as error:
                    if error.errno != errno.EAGAIN or time.monotonic() > until:
                        raise
                time.sleep(0.02)
        finally:
            self.close()

    def close(self):
        """End it."""
        for process in self.running:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                pass
            process.wait()
            process.stdout.close()
        self.running = []

    def _begin(self):
        import subprocess

        if not self.ways:
            raise OSError(errno.EIO, "it has ended", self.path)
        process = subprocess.Popen(
            [self.disk.program(self.path)] + self.ways.pop(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=os.setsid,
        )
        self.running = [process]


class Named(object):
    """A file that is asked for by its name each time."""

    def __init__(self, files, path):
        self.files, self.path = files, path

    def read(self):
        """Return its content as it is now."""
        return self.files.read(self.path)

    def close(self):
        """Nothing is open."""


def state_folder():
    """Return the folder of journals; root's is nobody else's."""
    base = os.environ.get("XDG_STATE_HOME")
    if not base and os.geteuid() == 0:
        base = ROOTS_STATE
    if not base:
        base = os.path.expanduser("~/.local/state")
    return os.path.join(base, "measure", "boards")


def _sha256(data):
    """Return a hash without loading OpenSSL, which takes a fifth of our memory."""
    for name in ("_sha256", "_sha2"):
        try:
            return __import__(name).sha256(data)
        except ImportError:
            continue
    import hashlib

    return hashlib.sha256(data)


class Journal(object):
    """What stood before, on disk before anything is written."""

    def __init__(self, folder, root, shared=""):
        key = _sha256(root.encode("utf-8", "surrogateescape")).hexdigest()
        self.folder = folder
        self.path = os.path.join(folder, "journal-%s.jsonl" % key[:16])
        self._shared = shared and os.path.join(shared, "measure-%s.lock" % key[:16])
        self._lock = self._shared_lock = None

    def lock(self):
        """Keep other agents off the board, until this process ends."""
        import fcntl

        # Others may see that root's journal is there, not what is in the folder.
        os.makedirs(self.folder, 0o711, exist_ok=True)
        handle = os.open(self.path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._lock = os.fdopen(handle, "r+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (IOError, OSError):
            holder = self._lock.read().strip() or "unknown"
            self.close()
            raise Refused("another agent holds this board (process %s)" % holder)
        self._shared_lock = _opened_by_all(self._shared) if self._shared else None
        if self._shared_lock is not None:
            try:
                fcntl.flock(self._shared_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (IOError, OSError):
                self.close()
                raise Refused("another agent holds this board (of another user)")
        self._lock.truncate(0)
        self._lock.write("%d\n" % os.getpid())
        self._lock.flush()

    def close(self):
        """Let other agents in."""
        for lock in (self._shared_lock, self._lock):
            if lock is not None:
                lock.close()
        self._lock = self._shared_lock = None

    def read(self):
        """Return the entries; a torn last line is of a write that never began."""
        try:
            with open(self.path, "rb") as file:
                lines = file.read().split(b"\n")
        except (IOError, OSError) as error:
            if error.errno == errno.ENOENT:
                return []
            raise
        entries = []
        for line in lines[:-1]:
            try:
                entry = json.loads(line.decode("utf-8"))
                entries.append({key: entry[key] for key in ENTRY})
            except (ValueError, KeyError, TypeError):
                break
        return entries

    def add(self, entries):
        """Append entries, and return when they are on the disk."""
        known = self.read()
        text = "".join(json.dumps(entry) + "\n" for entry in known + entries)
        # A torn line must not end up in the middle: the file is made anew.
        name = self.path + ".new"
        with open(name, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.rename(name, self.path)
        self._sync_folder()

    def clear(self):
        """Forget everything."""
        try:
            os.unlink(self.path)
        except (IOError, OSError) as error:
            if error.errno != errno.ENOENT:
                raise
            return
        self._sync_folder()

    def _sync_folder(self):
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _opened_by_all(path):
    """Return a file that any user can open to lock; None where none can be made.

    Nothing is written to it, nor is a link followed: the folder is everybody's.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    for more in (0, os.O_CREAT | os.O_EXCL, 0):
        try:
            handle = os.open(path, flags | more, 0o644)
        except (IOError, OSError):
            continue
        if more:
            os.fchmod(handle, 0o644)
        return os.fdopen(handle, "rb")
    return None


def other_journals(journal):
    """Name the journals of others on this board: what they set, they put back."""
    name, found = os.path.basename(journal.path), []
    user = _user()
    if os.geteuid() != 0:
        path = os.path.join(ROOTS_STATE, "measure", "boards", name)
        found.append((path, "root's: call this under sudo"))
    elif user is not None:
        path = os.path.join(user.pw_dir, ".local/state/measure/boards", name)
        found.append((path, "that of %s: call this without sudo" % user.pw_name))
    return ["%s is %s" % one for one in found if os.path.exists(one[0])]


def cache_folder():
    """Return the folder of copied files: of the user whom programs run as, if known."""
    if os.geteuid() == 0 and os.environ.get("SUDO_UID"):
        user = _user()
        if user is None:
            return ""
        base = os.path.join(user.pw_dir, ".cache")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "measure", "files")


class Part(object):
    """A file on its way into the cache."""

    def __init__(self, folder, name):
        os.makedirs(folder, 0o700, exist_ok=True)
        for left in os.listdir(folder):
            old = os.path.join(folder, left)
            if ".part-" in left and os.stat(old).st_mtime < time.time() - PART_S:
                os.unlink(old)
        self.name, self.size, self.sum = name, 0, _sha256(b"")
        self.path = os.path.join(folder, "%s.part-%d" % (name, os.getpid()))
        if os.path.lexists(self.path):
            os.unlink(self.path)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.file = os.fdopen(handle, "wb", 0)

    def add(self, data):
        """Append bytes."""
        self.size += len(data)
        self.sum.update(data)
        try:
            while data:
                data = data[self.file.write(data) :]
        except (IOError, OSError) as error:
            raise Refused("%s: %s" % (self.path, error.strerror or error))

    def become(self, path):
        """Be the file, if it is."""
        if self.sum.hexdigest() != self.name:
            raise Refused("what came is not the file %s: send it again" % path)
        os.fsync(self.file.fileno())
        os.rename(self.path, path)

    def close(self):
        """Leave nothing behind."""
        self.file.close()
        try:
            os.unlink(self.path)
        except OSError:
            pass


class Cache(object):
    """Files that a host copied here, each named by the SHA-256 of its content."""

    def __init__(self, folder):
        self.folder = folder
        self._part = None

    def put(self, name, size, data):
        """Add bytes to a file, or ask for it without any; tell what is here of it."""
        if not re.match(r"[0-9a-f]{64}\Z", name) or size < 0:
            raise Refused("a file is named by its SHA-256, in small letters")
        with _rights_of_the_user():
            try:
                return self._put(name, size, data)
            except BaseException:
                self.drop()
                raise

    def _put(self, name, size, data):
        path = os.path.join(self.folder, name)
        if data is None:
            self.drop()
            if _is_whole(path, size):
                return {"have": True, "path": path}
            self._part = Part(self.folder, name)
        part = self._part
        if part is None or part.name != name:
            raise Refused("no file %s was begun" % name)
        part.add(data or b"")
        if part.size < size:
            return {"have": False, "offset": part.size}
        part.become(path)
        self.drop()
        return {"have": True, "path": path}

    def drop(self):
        """Forget a file that is here in part."""
        part, self._part = self._part, None
        if part is not None:
            with _rights_of_the_user():
                part.close()


def _is_whole(path, size):
    """Tell whether a file is there: it has its name only since it was checked."""
    try:
        return os.stat(path).st_size == size
    except OSError:
        return False


class _rights_of_the_user(object):
    """What root does for a user who called sudo, it does as that user."""

    def __enter__(self):
        self.root = os.geteuid() == 0 and bool(os.environ.get("SUDO_UID"))
        if self.root:
            self.groups = os.getgroups()
            os.setgroups([])
            os.setegid(int(os.environ["SUDO_GID"]))
            os.seteuid(int(os.environ["SUDO_UID"]))

    def __exit__(self, kind, error, traceback):
        if self.root:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(self.groups)


class MemoryJournal(object):
    """A journal for an agent in process."""

    def __init__(self):
        self.entries = []

    def read(self):
        """Return the entries."""
        return list(self.entries)

    def add(self, entries):
        """Append entries."""
        self.entries.extend(entries)

    def clear(self):
        """Forget everything."""
        self.entries = []


def _partner(path):
    """Return the maximum that belongs to a minimum, and the other way round."""
    folder, _, name = path.rpartition("/")
    for one, other in (("min", "max"), ("max", "min")):
        if one in name:
            return "%s/%s" % (folder, name.replace(one, other))
    return None


def _number(content):
    try:
        return int(content.decode("ascii", "replace").split()[0])
    except (ValueError, IndexError):
        return None


def _patient(file):
    """Return what a file holds; a sensor that is not ready is asked again."""
    for left in reversed(range(TRIES)):
        try:
            return file.read()
        except (IOError, OSError) as error:
            if error.errno != errno.EAGAIN or not left:
                raise


def _trouble(error, path):
    code = errno.errorcode.get(error.errno, str(error.errno))
    return {"path": path, "errno": code, "error": error.strerror or str(error)}


class Cores(object):
    """The cores that this process may run on."""

    def __init__(self):
        self.moved = False

    def keep_to(self, cores):
        """Stay on some of them, as far as they are online; tell which."""
        try:
            os.sched_setaffinity(0, cores)
            self.moved = True
        except (AttributeError, OSError, ValueError):
            pass
        return sorted(os.sched_getaffinity(0)) if self.moved else []

    def anywhere(self):
        """Run on whichever core again, also on one that comes online later."""
        if self.moved:
            self.keep_to(range(MANY_CORES))
            self.moved = False


class Agent(object):
    """Carries out requests on some files, with a journal and a clock.

    With `cores` it samples on those that the host names: on others than are measured.
    """

    def __init__(self, files, journal, clock, cache=None, cores=None):
        self.files = files
        self.journal = journal
        self.clock = clock
        self.cache = cache
        self.cores = cores
        self.saved = None
        self.watched = None
        self.due_s = None

    def handle(self, request):
        """Return the reply to a request, a dictionary with ``do``."""
        name = "do_%s" % request.get("do")
        if not re.match("do_[a-z]+$", name) or not hasattr(self, name):
            return {"refused": "unknown request %r" % request.get("do")}
        try:
            return getattr(self, name)(request)
        except FAULTS as error:
            return _refusal(error)

    def boot_id(self):
        """Return what differs from boot to boot; nothing where it is not told."""
        try:
            raw = self.files.read("/proc/sys/kernel/random/boot_id")
        except (IOError, OSError):
            return ""
        return raw.decode("ascii", "replace").strip()

    def do_beat(self, request):
        """The host is there."""
        return {"now": self.clock.now()}

    def do_status(self, request):
        """Say who is here, and what an earlier agent left set."""
        return {
            "agent": VERSION,
            "pid": os.getpid(),
            "python": "%d.%d.%d" % sys.version_info[:3],
            "executable": sys.executable,
            "root": getattr(self.files, "root", ""),
            "uid": os.geteuid() if hasattr(os, "geteuid") else 0,
            "left": len(self.journal.read()),
            "now": self.clock.now(),
        }

    def do_read(self, request):
        """Read files, each on its own."""
        return {"files": [self._read(path) for path in request["paths"]]}

    def _read(self, path):
        try:
            return {"text": _patient(Named(self.files, path)).decode("latin-1")}
        except (IOError, OSError) as error:
            return _trouble(error, path)

    def do_access(self, request):
        """Tell which files may be written, by the list and by the rights."""
        may = []
        for path in request["paths"]:
            try:
                may.append(is_allowed(path) and self.files.may_write(path))
            except (IOError, OSError):
                may.append(False)
        return {"may_write": may}

    def do_find(self, request):
        """List the paths that match patterns, with ``*`` within a name."""
        return {"paths": [self._find(pattern) for pattern in request["patterns"]]}

    def _find(self, pattern):
        found = [""]
        for part in pattern.strip("/").split("/"):
            matches = re.compile(_pattern(part)).fullmatch
            longer = []
            for folder in found:
                if "*" not in part and "#" not in part:
                    longer.append("%s/%s" % (folder, part))
                    continue
                try:
                    names = self.files.names(folder or "/")
                except (IOError, OSError):
                    continue
                longer.extend("%s/%s" % (folder, n) for n in names if matches(n))
            found = longer
        return [path for path in found if self._exists(path)]

    def _exists(self, path):
        try:
            return self.files.exists(path)
        except (IOError, OSError):
            return False

    def do_write(self, request):
        """Write files in order, and stop at the first that cannot be."""
        items = [(path, text.encode("latin-1")) for path, text in request["items"]]
        note = request.get("note", ())
        for path in [path for path, _ in items] + list(note):
            self._check(path)
        self._save(list(note) + [path for path, _ in items])
        for done, (path, content) in enumerate(items):
            try:
                # A file may have come with an earlier write of these.
                self._save([path], True)
                self.files.write(path, content)
            except (IOError, OSError) as error:
                return {"done": done, "failed": _trouble(error, path)}
        return {"done": len(items)}

    def _check(self, path):
        if not is_allowed(path):
            raise Refused("%s may not be written by this agent" % path)
        real = self.files.resolve(path)
        if not real.startswith(("/sys/", "/proc/sys/")) and real not in PROGRAMS:
            raise Refused("%s leads to %s, which may not be written" % (path, real))

    def _save(self, paths, there=False):
        """Note what files hold, once each, before they are first written."""
        if self.saved is None:
            self.saved = set(entry["path"] for entry in self._of_this_boot())
        boot, new = None, []
        for path in paths:
            real = self.files.resolve(path)
            if real in self.saved or any(entry["path"] == real for entry in new):
                continue
            try:
                old = self.files.read(real).decode("latin-1")
            except (IOError, OSError):
                if not there:
                    continue
                if real.rpartition("/")[2] not in WRITE_ONLY:
                    raise
                old = None
            boot = self.boot_id() if boot is None else boot
            root = getattr(self.files, "root", "")
            # What a program sets outlives the boot.
            of = "" if real in PROGRAMS else boot
            new.append({"path": real, "old": old, "boot": of, "root": root})
        if new:
            self.journal.add(new)
            self.saved.update(entry["path"] for entry in new)

    def do_restore(self, request):
        """Put back what was set; what cannot be stays in the journal."""
        entries = len(self.journal.read())
        live = self._of_this_boot()
        some = request.get("paths")
        if some is not None:
            real = [self.files.resolve(path) for path in some]
            live = [entry for entry in live if entry["path"] in real]
        failed = self._put_back(live)
        if not failed and some is None:
            self.journal.clear()
            self.saved = set()
        return {
            "restored": [e["path"] for e in live if e["path"] not in failed],
            "of_an_earlier_boot": 0 if some else entries - len(live),
            "failed": [dict(reason, path=path) for path, reason in failed.items()],
        }

    def _of_this_boot(self):
        """Return what is to be undone: settings here end with the boot."""
        entries, boot = self.journal.read(), self.boot_id()
        live = [e for e in entries if not (boot and e["boot"] and e["boot"] != boot)]
        if entries and not live:
            self.journal.clear()
        return live

    def _put_back(self, entries):
        """Go backwards through entries until all read as they were."""
        start = moved = self.clock.now()
        known, tries, stood = None, {}, set()
        while entries:
            failed, changed = {}, []
            for entry in self._ordered(entries):
                path = entry["path"]
                if entry["old"] is None or not is_allowed(path):
                    continue
                if path in stood and self._is_live(path):
                    continue
                old, count = entry["old"].encode("latin-1"), tries.get(path, 0)
                wrote, reason = self._put_back_one(path, old, count)
                if wrote:
                    tries[path] = count + 1
                    changed.append(path)
                if reason:
                    failed[path] = reason
                if not reason or not reason["errno"]:
                    stood.add(path)
            if not failed and not changed:
                return {}
            now = self.clock.now()
            if sorted(failed) != known:
                moved, known = now, sorted(failed)
            stuck = bool(failed) and now - moved >= STUCK_S
            if stuck or now - start >= RESTORE_LIMIT_S:
                for path in changed:
                    error = "does not stay as it was: something else writes it"
                    failed.setdefault(path, {"errno": "", "error": error})
                return failed
            self.clock.sleep(SETTLE_S)
        return {}

    def _put_back_one(self, path, old, count):
        # Where all words are listed a kernel takes the one in brackets only.
        chosen = re.search(rb"\[([^\]]+)\]", old) if count % 2 == 0 else None
        try:
            if self.files.read(path) == old:
                return False, None
            self.files.write(path, old if chosen is None else chosen.group(1))
            now = self.files.read(path)
        except (IOError, OSError) as error:
            return True, _trouble(error, path)
        if now == old:
            return True, None
        texts = old.decode("latin-1").strip(), now.decode("latin-1").strip()
        return True, {"errno": "", "error": "wrote %r and read %r" % texts}

    def _is_live(self, path):
        """Tell whether the kernel moves a file by itself, as things stand."""
        return any(
            self._read(switch).get("text", "").strip() == text
            for switch, text in _switches(path)
        )

    def _ordered(self, entries):
        """Return entries backwards, a minimum and its maximum by what stands.

        Programs come first, since what they move is put back after them; switches that
        leave files to the kernel come last, when those files are back.
        """
        old = dict((entry["path"], entry) for entry in entries)
        done, ordered = set(), []
        switches = set(switch for path in old for switch, _ in _switches(path))
        entries = sorted(
            reversed(entries),
            key=lambda e: (e["path"] in switches) - (e["path"] in PROGRAMS),
        )
        for entry in entries:
            path = entry["path"]
            if path in done:
                continue
            pair, partner = [entry], _partner(path)
            if partner in old:
                name = path.rpartition("/")[2]
                low, high = (path, partner) if "min" in name else (partner, path)
                pair = [old[high], old[low]]
                stands = self._read(low).get("text", "").encode("latin-1")
                top = _number((old[high]["old"] or "").encode("latin-1"))
                bottom = _number(stands)
                if top is not None and bottom is not None and top < bottom:
                    pair.reverse()
            ordered.extend(pair)
            done.update(one["path"] for one in pair)
        return ordered

    def do_put(self, request):
        """Take a file into the cache, piece by piece; without a piece: is it there?"""
        if self.cache is None:
            raise Refused("there is no disk here to copy files to")
        data = request.get("data")
        if data is not None:
            import binascii

            data = binascii.a2b_base64(data.encode("ascii"))
        return self.cache.put(request["sha256"], int(request["size"]), data)

    def do_watch(self, request):
        """Begin to sample files at a rate; ``samples`` gives what came of it."""
        paths = list(request["paths"])
        strides = [max(1, int(one)) for one in request.get("strides") or ()]
        self.forget_watched()
        how = getattr(self.files, "opened", None) or (lambda p: Named(self.files, p))
        files = dict((path, how(path)) for path in paths)
        self.watched = {
            "files": list(zip([files[p] for p in paths], strides or [1] * len(paths))),
            "last": [(b"", "")] * len(paths),
            "period": max(0.001, float(request["period_s"])),
            "samples": [],
            "taken": 0,
        }
        self.due_s = self.clock.now()
        reply = {"now": self.due_s}
        if self.cores is not None and request.get("aside"):
            reply["cores"] = self.cores.keep_to([int(n) for n in request["aside"]])
        return reply

    def do_samples(self, request):
        """Return what was sampled so far: time before and after, and the texts.

        In place of a text: null for a file whose turn it was not, a list with the
        error for one that could not be read.
        """
        if self.watched is None:
            raise Refused("nothing is watched")
        samples, self.watched["samples"] = self.watched["samples"], []
        if request.get("stop"):
            self.forget_watched()
            if self.cores is not None:
                self.cores.anywhere()
        return {"samples": samples, "now": self.clock.now()}

    def forget_watched(self):
        """End the watch."""
        if self.watched is not None:
            for file, _ in self.watched["files"]:
                file.close()
        self.watched = self.due_s = None

    def tick(self):
        """Take a sample if one is due."""
        if self.watched is None or self.clock.now() < self.due_s:
            return
        start, number = self.clock.now(), self.watched["taken"]
        self.watched["taken"] = number + 1
        texts = []  # type: list[object]
        last = self.watched["last"]
        for place, (file, stride) in enumerate(self.watched["files"]):
            if number % stride:
                texts.append(None)
                continue
            try:
                raw = _patient(file)
            except (IOError, OSError) as error:
                texts.append([_trouble(error, file.path)["errno"]])
                continue
            # Most files say what they said before: that text is kept once.
            if raw != last[place][0]:
                last[place] = raw, raw.decode("latin-1")
            texts.append(last[place][1])
        self.watched["samples"].append([start, self.clock.now(), texts])
        period = self.watched["period"]
        # A sample that is missed is missed: the times of the others stay as they are.
        steps = int((self.clock.now() - self.due_s) / period) + 1
        self.due_s += steps * period


class Child(object):
    """One program that the host asked for."""

    def __init__(self, request, clock, cores=None):
        import subprocess
        import tempfile

        argv = request["argv"]
        if not argv or not all(isinstance(word, str) for word in argv):
            raise Refused("argv: a list of words is needed")
        self.request, self.clock, self.cores = request, clock, cores
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.start_s = clock.now()
        self.until_s = self.start_s + float(request.get("limit_s", 60.0))
        self.late = False
        try:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=self.out,
                stderr=self.err,
                env=dict(os.environ, **_names_of_the_user()),
                preexec_fn=self._begin,
            )
        except subprocess.SubprocessError as error:
            raise Refused("%s cannot be begun: %s" % (argv[0], error))

    def _begin(self):
        if self.cores is not None:
            self.cores.anywhere()
        _as_the_user()
        _end_with_the_agent()

    def end(self):
        """Kill the program and what it started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except OSError:
            pass
        self.process.wait()

    def reply(self):
        """Return what came of it once it has ended, else None."""
        if self.process.poll() is None:
            if self.clock.now() < self.until_s:
                return None
            self.late = True
            self.end()
        texts = []
        for file in (self.out, self.err):
            file.seek(0)
            texts.append(file.read(REPLY_LIMIT).decode("utf-8", "replace"))
            file.close()
        return {
            "id": self.request.get("id"),
            "rc": self.process.returncode,
            "late": self.late,
            "stdout": texts[0],
            "stderr": texts[1],
            "start_s": self.start_s,
            "stop_s": self.clock.now(),
        }


def _as_the_user():
    """Leave the agent's process group, and root's rights if they are from sudo."""
    os.setsid()
    if os.geteuid() == 0 and os.environ.get("SUDO_UID"):
        group, user = int(os.environ["SUDO_GID"]), _user()
        if user is None:
            os.setgroups([])
        else:
            # Devices such as the GPU are open to a group of its users.
            os.initgroups(user.pw_name, user.pw_gid)
            group = user.pw_gid
        os.setgid(group)
        os.setuid(int(os.environ["SUDO_UID"]))


def _user():
    """Return the account of the user who called sudo; None where there is none."""
    if os.geteuid() != 0 or not os.environ.get("SUDO_UID"):
        return None
    import pwd

    try:
        return pwd.getpwuid(int(os.environ["SUDO_UID"]))
    except KeyError:
        return None


def _names_of_the_user():
    """Return what the environment of a user's program says of that user."""
    user = _user()
    if user is None:
        return {}
    return {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}


def _end_with_the_agent():
    """Have the kernel kill us when the agent is killed: no load without a host."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def serve(agent, source, sink, limit_s=BEAT_LIMIT_S):
    """Answer requests until the host is gone, then put everything back."""
    import fcntl

    wake_read, wake_write = os.pipe()
    flags = fcntl.fcntl(wake_write, fcntl.F_GETFL)
    fcntl.fcntl(wake_write, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    asked = []

    def on_signal(number, frame):
        if number != signal.SIGCHLD:
            asked.append(number)
        try:
            os.write(wake_write, b"x")
        except OSError:
            pass

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, on_signal)
    child, rest, heard = None, b"", agent.clock.now()
    try:
        while not asked:
            now = agent.clock.now()
            if now - heard > limit_s:
                break
            due = [heard + limit_s + 0.01]
            if agent.due_s is not None:
                due.append(agent.due_s)
            if child is not None:
                due.append(child.until_s)
            try:
                ready = select.select(
                    [source, wake_read], [], [], max(0.0, min(due) - now)
                )[0]
            except (IOError, OSError, select.error):
                continue
            if wake_read in ready:
                os.read(wake_read, 4096)
            agent.tick()
            if child is not None:
                reply = child.reply()
                if reply is not None:
                    child = None
                    _send(sink, reply, limit_s)
            if source not in ready:
                continue
            data = os.read(source, 65536)
            if not data:
                break
            heard = agent.clock.now()
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for line in lines:
                request = _parsed(line)
                if request.get("do") == "run" and child is None:
                    try:
                        child = Child(request, agent.clock, agent.cores)
                    except FAULTS as error:
                        reply = dict(_refusal(error), id=request.get("id"))
                        _send(sink, reply, limit_s)
                    continue
                reply = agent.handle(request)
                reply["id"] = request.get("id")
                _send(sink, reply, limit_s)
    except (IOError, OSError) as error:
        if error.errno != errno.EPIPE:
            raise
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if child is not None:
            child.end()
        if agent.cache is not None:
            agent.cache.drop()
        agent.do_restore({})
        agent.forget_watched()


def _parsed(line):
    try:
        request = json.loads(line.decode("utf-8"))
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _send(sink, reply, limit_s=BEAT_LIMIT_S):
    """Send a reply; a host that takes nothing for too long is gone."""
    data = memoryview((json.dumps(reply) + "\n").encode("utf-8"))
    while data:
        if not select.select([], [sink], [], limit_s)[1]:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        # No more than a pipe that is ready takes without waiting.
        data = data[os.write(sink, data[: select.PIPE_BUF]) :]


def _check_own_file():
    """Refuse to be root from a file that others may change."""
    path = os.path.realpath(__file__)
    for place in (path, os.path.dirname(path)):
        if os.stat(place).st_mode & 0o022:
            raise Refused("%s can be written by others; chmod go-w it" % place)


def _first_line(source):
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(source, 1)
        if not byte:
            raise Refused("nothing was asked")
        line += byte
    return _parsed(line)


def main(words):
    """Serve one host; or, with ``restore [ROOT]``, put back what was left set."""
    try:
        if os.geteuid() == 0 and os.environ.get("SUDO_UID"):
            _check_own_file()
        by_hand = bool(words)
        if by_hand:
            if words[0] != "restore" or len(words) > 2:
                raise Refused("unknown words %s: say restore [ROOT]" % " ".join(words))
            hello = {"root": (words[1:] or ["/"])[0]}
        else:
            hello = _first_line(0)
        files = Disk(hello.get("root") or "/")
        if not os.path.isdir(files.root):
            raise Refused("%s: there is no such folder on the board" % files.root)
        # Whoever names the folder of the state keeps to it.
        shared = files.root == "/" and not os.environ.get("XDG_STATE_HOME")
        journal = Journal(state_folder(), files.root, LOCKS if shared else "")
        journal.lock()
    except (Refused, IOError, OSError) as error:
        _send(1, {"refused": str(error)})
        return 1
    # A root elsewhere stands for a board whose cores are not those of this machine.
    cores = Cores() if files.root == "/" else None
    folder = cache_folder()
    cache = Cache(folder) if folder else None
    agent = Agent(files, journal, Clock(), cache, cores)
    if by_hand:
        reply = dict(agent.handle({"do": "restore"}), others=other_journals(journal))
        _send(1, reply)
        bad = reply.get("failed") or reply["others"] or "refused" in reply
        return 1 if bad else 0
    _send(1, agent.handle({"do": "status"}))
    serve(agent, 0, 1, float(hello.get("beat_limit_s") or BEAT_LIMIT_S))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
