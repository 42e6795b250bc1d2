"""An OpenSSH server on loopback, which stands for that of a board."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def missing() -> str:
    """Say why there can be no server here; nothing where there can."""
    if SSHD is None or shutil.which("ssh") is None:
        return "no OpenSSH: install openssh-server and openssh-client"
    return ""


def need_sshd() -> None:
    """Skip with the reason where there is no server; fail in continuous integration."""
    reason = missing()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _key(path: Path) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(words, check=True)


@contextmanager
def sshd(folder: Path, more: str = "") -> Iterator[Path]:
    """Run a server; yield the client's configuration, in which it is ``board``.

    ``more``: NAME=VALUE, for what runs there.
    """
    need_sshd()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    _key(folder / "host_key")
    _key(folder / "user_key")
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    port = free_port()
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nPidFile none\n"
        "StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n"
        f"SetEnv XDG_STATE_HOME={folder}/state XDG_CACHE_HOME={folder}/cache {more}\n"
    )
    host_key = (folder / "host_key.pub").read_text().split()
    (folder / "known_hosts").write_text(
        f"[127.0.0.1]:{port} {host_key[0]} {host_key[1]}\n"
    )
    config = folder / "ssh_config"
    config.write_text(
        f"Host board\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n"
        f"  IdentityFile {folder}/user_key\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile none\n"
    )
    with open(folder / "sshd.log", "w") as log:
        server = subprocess.Popen(
            [str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log
        )
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                said = (folder / "sshd.log").read_text()
                assert server.poll() is None and time.monotonic() < until, said
                time.sleep(0.02)
        yield config
    finally:
        server.terminate()
        server.wait()
