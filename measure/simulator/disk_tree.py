"""The same board as files on a disk, in real time, for programs that open files.

A thread looks at the files that can be written, a few hundred times a second, gives
what is new to the tree and writes down what follows. A write that a kernel would
refuse is so undone a moment later, where the tree in memory raises at once.

What others write while the thread looks may be missed in one file and seen in the
next. Taken so, a core that is brought online and then left to cpuquiet would be
refused, since cpuquiet came first. So it looks again until nothing is new any more:
what it has then is all that was written up to a moment, and the files' times tell in
which order.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from measure.simulator.tree import BoardTree
from measure.simulator.tree_layouts import CPUQUIET, LAYOUTS
from measure.simulator.tree_modes import PROGRAM, SCRIPT, STATE

PERIOD_S = 0.004


class DiskTree:
    """A board's files below a folder, alive while it is open.

    Parameters
    ----------
    folder : pathlib.Path
        Stands for ``/``; made if need be.
    tree : BoardTree or str
        The board, or its name.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, DiskTree(Path(folder), "tx1-r32") as disk:
    ...     (Path(folder) / "etc/nv_tegra_release").read_text()[:5]
    '# R32'
    """

    def __init__(self, folder: Path, tree: BoardTree | str) -> None:
        if isinstance(tree, str):
            tree = BoardTree(tree, time.monotonic)
        self.folder, self.tree = folder, tree
        self._seen: dict[str, bytes] = {}
        self._linked: dict[str, str] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._write_down()
        if PROGRAM in tree.files:
            program = folder / PROGRAM.lstrip("/")
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_bytes(SCRIPT)
            program.chmod(0o755)

    def snapshot(self) -> dict[str, bytes]:
        """Return what is in the files that can be set, and where links lead.

        Returns
        -------
        dict of str to bytes
            To be compared, byte for byte, with another; with all that follows from
            what was written until now, however far behind the thread is.
        """
        self.step()
        found = {}
        for base, folders, names in os.walk(self.folder):
            for name in folders + names:
                place = Path(base) / name
                path = "/" + str(place.relative_to(self.folder))
                if place.is_symlink():
                    found[path] = os.readlink(place).encode()
                elif path in self.tree.settable or (
                    place.is_file() and path not in self.tree.files
                ):
                    found[path] = place.read_bytes()
        return found

    def step(self) -> None:
        """Take notice of what was written, and write down what follows."""
        with self._lock:
            new = self._news()
            # Of what came at once the order is not known: what is refused may be
            # taken once the rest is.
            for _ in range(len(new)):
                for path in list(new):
                    with contextlib.suppress(OSError):
                        self.tree.write(path, new[path])
                        del new[path]
            self.tree.read("/proc/sys/kernel/osrelease")
            self._write_down()

    def _news(self) -> dict[str, bytes]:
        """Return what others wrote since the last look, the oldest first."""
        found: dict[str, tuple[int, int, bytes]] = {}
        while fresh := self._look(found):
            found.update(fresh)
        for path, (_, _, content) in found.items():
            self._seen[path] = content
        order = sorted(found, key=lambda path: (*found[path][:2], path))
        return {path: found[path][2] for path in order}

    def _look(
        self, found: Mapping[str, tuple[int, int, bytes]]
    ) -> dict[str, tuple[int, int, bytes]]:
        """Return what is in files but neither known nor found: when, rank, what."""
        fresh = {}
        for path in self.tree.settable & self._seen.keys():
            known = found[path][2] if path in found else self._seen[path]
            with contextlib.suppress(OSError):
                place = self._place(path)
                content = place.read_bytes()
                # Empty is between the truncation and the write of someone else.
                if not content or content == known:
                    continue
                # Cpuquiet goes before, and comes after, what it is in the way of.
                rank = 0
                if path == CPUQUIET:
                    rank = 1 if content.strip() == b"1" else -1
                fresh[path] = (place.stat().st_mtime_ns, rank, content)
        return fresh

    def close(self) -> None:
        """Stop; the files stay as they are."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _live(self) -> None:
        while not self._done.wait(PERIOD_S):
            self.step()

    def _place(self, path: str) -> Path:
        # A program keeps what it is told in a file of its own.
        return self.folder / (STATE if path == PROGRAM else path).lstrip("/")

    def _write_down(self) -> None:
        for path, content in self.tree.files.items():
            seen = self._seen.get(path)
            if seen is not None and seen.strip() == content.strip():
                continue
            if self._store(path, content, seen):
                self._seen[path] = content
        for path in self._seen.keys() - self.tree.files.keys():
            self._place(path).unlink(missing_ok=True)
            del self._seen[path]
        for path, target in self.tree.links.items():
            if path not in self._linked:
                place = self._place(path)
                place.parent.mkdir(parents=True, exist_ok=True)
                goal = os.path.relpath(self._place(target), place.parent)
                if not place.is_symlink():
                    place.symlink_to(goal)
                self._linked[path] = target
        for path in self._linked.keys() - self.tree.links.keys():
            self._place(path).unlink(missing_ok=True)
            del self._linked[path]

    def _store(self, path: str, content: bytes, seen: bytes | None) -> bool:
        """Write a file in place, never empty in between; tell whether it was done."""
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if path in self.tree.settable and seen is not None:
                # Someone wrote since we looked: that is news, for the next look.
                if os.pread(handle, len(seen) + 1, 0) != seen:
                    return False
            os.pwrite(handle, content, 0)
            os.ftruncate(handle, len(content))
        finally:
            os.close(handle)
        return True


def main(words: list[str]) -> int:
    """Keep a board alive below a folder, until it is killed.

    Parameters
    ----------
    words : list of str
        The folder, and the board, ``tx1-r32`` by default.

    Returns
    -------
    int
        Exit code; 2 for wrong words.
    """
    if not 1 <= len(words) <= 2 or (words[1:] and words[1] not in LAYOUTS):
        print(f"usage: FOLDER [{'|'.join(LAYOUTS)}]", file=sys.stderr)
        return 2
    with DiskTree(Path(words[0]), *(words[1:] or ["tx1-r32"])):
        print(f"a board lives in {words[0]}", flush=True)
        while True:
            time.sleep(1.0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
