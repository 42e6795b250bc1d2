"""Where a board is, and the words that start the agent there.

Over SSH there is one connection of the system's own OpenSSH, with the user's
configuration and known hosts; the agent's text goes through it and is kept on the
board by its hash. What is run there is a constant: nothing of the input, not even the
root of a tree, is ever part of a command line.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from measure.devices import board_agent
from measure.errors import DeviceError

AGENT = Path(board_agent.__file__)

_BOOT = """
import hashlib, os, sys
size, data = int(sys.argv[1]), b""
while len(data) < size:
    part = os.read(0, size - len(data))
    if not part:
        sys.exit("the agent was cut off")
    data += part
mask = os.umask(0o077)
folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
folder = os.path.join(folder, "measure")
os.makedirs(folder, exist_ok=True)
path = os.path.join(folder, "board_agent-%s.py" % hashlib.sha256(data).hexdigest())
try:
    same = open(path, "rb").read() == data
except IOError:
    same = False
if not same:
    with open("%s.%d" % (path, os.getpid()), "wb") as file:
        file.write(data)
    os.rename(file.name, path)
stable = os.path.join(folder, "board_agent.py")
if os.path.realpath(stable) != os.path.realpath(path):
    link = "%s.%d" % (stable, os.getpid())
    os.symlink(os.path.basename(path), link)
    os.rename(link, stable)
os.umask(mask)
words = ["sudo", "-n"] if sys.argv[2] == "sudo" else []
words += [sys.executable, "-I", path]
os.execvp(words[0], words)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a board is, and as whom.

    Parameters
    ----------
    ssh : str, default=""
        ``USER@HOST`` or a name of the user's SSH configuration; empty: this machine.
    ssh_config : str, default=""
        File in place of the user's configuration.
    sysfs_root : str, default=""
        Folder on the board that stands for ``/``.
    sudo : bool, default=False
        Whether the agent runs under ``sudo -n``.

    Raises
    ------
    DeviceError
        If `ssh` could be taken for an option.

    Examples
    --------
    >>> str(Address(ssh="nvidia@tx1"))
    'nvidia@tx1'
    >>> Address(ssh="-oProxyCommand=reboot")
    Traceback (most recent call last):
    measure.errors.DeviceError: --ssh -oProxyCommand=reboot: write USER@HOST, or ...
    """

    ssh: str = ""
    ssh_config: str = ""
    sysfs_root: str = ""
    sudo: bool = False

    def __post_init__(self) -> None:
        if self.ssh and not re.fullmatch(r"[^\s\x00-\x1f-][^\s\x00-\x1f]*", self.ssh):
            raise DeviceError(
                f"--ssh {self.ssh}: write USER@HOST, or a name from your ssh_config"
            )
        if self.ssh_config and not self.ssh:
            raise DeviceError("--ssh-config needs --ssh: which board is it for?")

    def __str__(self) -> str:
        where = self.ssh or "this machine"
        return f"{where}:{self.sysfs_root}" if self.sysfs_root else where

    def place(self) -> str:
        """Return what all ways to one board have in common, for a lock.

        Users have no part in it, and names of hosts are those that the system's SSH
        makes of them: two names of one host are one place.

        Returns
        -------
        str
            Such as ``board kitchen.local:22``.

        Examples
        --------
        >>> Address(sysfs_root="/tmp/board").place()
        'board here/tmp/board'
        """
        if not self.ssh:
            root = os.path.realpath(self.sysfs_root or "/")
            return f"board here{root}".rstrip("/")
        words = ["ssh", "-G", *self._config(), "--", self.ssh]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return f"board {self.ssh.rpartition('@')[2]}{self.sysfs_root}"
        told = dict(
            line.split(" ", 1) for line in done.stdout.splitlines() if " " in line
        )
        host = told.get("hostname", self.ssh.rpartition("@")[2]).lower()
        ways = [told[name] for name in ("proxyjump", "proxycommand") if name in told]
        by = "".join(f" by {way}" for way in ways if way != "none")
        return f"board {host}:{told.get('port', '22')}{by}{self.sysfs_root}"

    def _config(self) -> list[str]:
        return ["-F", self.ssh_config] if self.ssh_config else []

    def command(self, control: str = "") -> list[str]:
        """Return the words that start the agent.

        Parameters
        ----------
        control : str, optional
            Folder of the socket that later connections share.

        Returns
        -------
        list of str
            To be run without a shell.
        """
        if not self.ssh:
            words = [sys.executable, "-I", str(AGENT)]
            return ["sudo", "-n", *words] if self.sudo else words
        settings = {
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "LogLevel": "ERROR",
        }
        if control:
            settings["ControlMaster"] = "auto"
            settings["ControlPath"] = f"{control}/%C"
            settings["ControlPersist"] = "no"
        words = ["ssh", "-T", "-x", "-a", *self._config()]
        for name, value in settings.items():
            words += ["-o", f"{name}={value}"]
        size, how = AGENT.stat().st_size, "sudo" if self.sudo else "plain"
        # The one shell is the board's login shell, and its words are ours alone.
        there = f"exec python3 -I -c {shlex.quote(_BOOT)} {size} {how}"
        return [*words, "--", self.ssh, there]
