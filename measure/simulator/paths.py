"""Files and links in memory, and what a path leads to."""

from __future__ import annotations

import errno
import os


def failure(code: int, path: str) -> OSError:
    """Return the error that a kernel gives.

    Parameters
    ----------
    code : int
        Of `errno`.
    path : str
        Of the file.

    Returns
    -------
    OSError
        To be raised.
    """
    return OSError(code, os.strerror(code), path)


class Paths:
    """A tree of files.

    Parameters
    ----------
    files : dict of str to bytes
        What they hold, by path without links; a folder is where a file is in it.
    links : dict of str to str
        Path to target.

    Examples
    --------
    >>> paths = Paths({"/a/b": b"1"}, {"/c": "/a"})
    >>> paths.place("/c/b"), paths.names("/"), paths.exists("/c")
    ('/a/b', ['a', 'c'], True)
    """

    def __init__(self, files: dict[str, bytes], links: dict[str, str]) -> None:
        self.files, self.links = files, links
        self._places: dict[str, str] = {}

    def forget(self) -> None:
        """Take note that links may have changed."""
        self._places.clear()

    def place(self, path: str) -> str:
        """Return where a file is.

        Parameters
        ----------
        path : str
            From the root.

        Returns
        -------
        str
            Path without links.

        Raises
        ------
        OSError
            If it is not there, or a folder.
        """
        real = self._places.get(path)
        if real is None:
            real = self._places[path] = self.resolve(path)
        if real in self.files:
            return real
        raise failure(errno.EISDIR if self.exists(real) else errno.ENOENT, path)

    def resolve(self, path: str) -> str:
        """Return a path without links.

        Parameters
        ----------
        path : str
            From the root.

        Returns
        -------
        str
            Where it leads.
        """
        parts: list[str] = []
        for name in path.split("/"):
            if name == "..":
                del parts[-1:]
            elif name not in ("", "."):
                parts.append(name)
            here = "/" + "/".join(parts)
            if here in self.links:
                parts = self.resolve(self.links[here]).strip("/").split("/")
        return "/" + "/".join(parts)

    def names(self, path: str) -> list[str]:
        """Return the names in a folder.

        Parameters
        ----------
        path : str
            From the root.

        Returns
        -------
        list of str
            In order.

        Raises
        ------
        OSError
            If there is no such folder.
        """
        start = self.resolve(path).rstrip("/") + "/"
        places = [*self.files, *self.links]
        found = {
            p[len(start) :].partition("/")[0]
            for p in places
            if p[:1] == "/" and p.startswith(start)
        }
        if not found:
            raise failure(errno.ENOENT, path)
        return sorted(found)

    def exists(self, path: str) -> bool:
        """Tell whether something is there.

        Parameters
        ----------
        path : str
            From the root.

        Returns
        -------
        bool
            Whether it is a file or a folder.
        """
        real = self.resolve(path)
        if real in self.files:
            return True
        places = (*self.files, *self.links)
        return any(place.startswith(real + "/") for place in places)
