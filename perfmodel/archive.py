"""A saved model's folder: written in one go, and checked when it is read.

``model.json`` holds what the model is, its versions and the SHA-256 of each further
file; ``arrays.npz`` holds numbers and is read without pickle. A hash finds damage, not
an attacker: nothing in the folder is ever executed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import zipfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from perfmodel.errors import ArchiveError

__all__ = ["SCHEMA", "array", "entry", "read_folder", "write_folder"]

#: Version of the folder's layout; a newer one is refused.
SCHEMA = 1
FORMAT = "performance model"
DOCUMENT = "model.json"
ARRAYS = "arrays.npz"
#: What a folder may hold besides the document.
FILES = (ARRAYS, "booster.json")
#: Libraries whose versions stand in the record.
LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost", "xgboost-cpu")

T = TypeVar("T")


def write_folder(
    folder: Path,
    document: Mapping[str, Any],
    arrays: Mapping[str, Any],
    files: Mapping[str, bytes],
) -> Path:
    """Write a model's folder whole or not at all: an earlier model stays until then.

    Parameters
    ----------
    folder : Path
        Made if it is not there; its parent must be.
    document : mapping
        Plain data.
    arrays : mapping of str to ndarray
        Numbers, truth values or text.
    files : mapping of str to bytes
        Further files, of the names in `FILES`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ArchiveError
        If the folder holds something that is no saved model, or cannot be written.
    """
    if not folder.parent.is_dir():
        raise ArchiveError(f"{folder}: no folder {folder.parent} to save in; make it")
    if folder.exists() and not folder.is_dir():
        raise ArchiveError(f"{folder}: is a file; name a folder to save in")
    if folder.is_dir():
        foreign = sorted({p.name for p in folder.iterdir()} - {DOCUMENT, *FILES})
        if foreign:
            raise ArchiveError(
                f"{folder}: holds {foreign[0]!r}, which is no part of a saved model; "
                "save to a new folder"
            )
    buffer = io.BytesIO()
    plain: dict[str, Any] = {name: np.asarray(a) for name, a in arrays.items()}
    np.savez_compressed(buffer, **plain)
    contents = {ARRAYS: buffer.getvalue(), **files}
    whole = {
        "format": FORMAT,
        "schema": SCHEMA,
        **document,
        "versions": _versions(),
        "files": {name: _sha256(content) for name, content in contents.items()},
    }
    whole["sha256"] = _document_hash(whole)
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        _swap(folder.resolve(), {**contents, DOCUMENT: (text + "\n").encode()})
    except OSError as error:
        raise ArchiveError(
            f"{folder}: cannot be written: {error.strerror}; save elsewhere"
        ) from error
    return folder


def read_folder(
    folder: Path,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    """Read a model's folder, refusing one that is damaged or foreign.

    Parameters
    ----------
    folder : Path
        As `write_folder` left it.

    Returns
    -------
    dict
        The document.
    dict of str to ndarray
        Its arrays.
    dict of str to bytes
        Its further files.

    Raises
    ------
    ArchiveError
        If it is no saved model, of a newer schema, incomplete or changed.
    """
    path = folder / DOCUMENT
    if not path.is_file():
        raise ArchiveError(
            f"{folder}: no saved model ({DOCUMENT} is not there); save one with "
            "`python -m perfmodel fit --save DIR`"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, "it is no JSON") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ArchiveError(f"{path}: not a saved performance model")
    schema = document.get("schema")
    if not isinstance(schema, int) or schema < 1:
        raise _damaged(path, f"its schema is {schema!r}")
    if schema > SCHEMA:
        raise ArchiveError(
            f"{path}: schema {schema} is newer than {SCHEMA}, the newest that this "
            "version reads; upgrade, or save the model again"
        )
    if document.get("sha256") != _document_hash(document):
        raise _damaged(path, "its SHA-256 is not the recorded one")
    contents = _contents(folder, document.get("files"))
    arrays = _arrays(folder / ARRAYS, contents.pop(ARRAYS))
    return document, arrays, contents


def entry(document: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """Take an entry of a document, of the type that it must have.

    Parameters
    ----------
    document : mapping
        As `read_folder` gave it.
    name : str
        The key.
    kind : type
        What the entry must be; ``float`` takes whole numbers, too.

    Returns
    -------
    object
        The entry.

    Raises
    ------
    ArchiveError
        If it is not there, or of another type.
    """
    value = document.get(name)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind):
        raise ArchiveError(
            f"the saved model's {name!r} is {type(value).__name__}, not "
            f"{kind.__name__}; save it again"
        )
    return value


def array(
    arrays: Mapping[str, Any], name: str, kinds: str, shape: tuple[int, ...]
) -> Any:
    """Take an array, of the kind and shape that it must have.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As `read_folder` gave them.
    name : str
        The key.
    kinds : str
        Allowed ``dtype.kind`` letters, such as ``"f"`` or ``"iu"``.
    shape : tuple of int
        What its shape must be; -1 stands for any length.

    Returns
    -------
    ndarray
        Numbers are all finite.

    Raises
    ------
    ArchiveError
        If it is not there, or is something else.
    """
    found = arrays.get(name)
    if found is None:
        raise ArchiveError(f"the saved model has no array {name!r}; save it again")
    fits = len(found.shape) == len(shape) and all(
        want in (-1, have) for want, have in zip(shape, found.shape, strict=True)
    )
    if found.dtype.kind not in kinds or not fits:
        raise ArchiveError(
            f"the saved model's array {name!r} is {found.dtype} of shape "
            f"{found.shape}, not of shape {shape}; save it again"
        )
    if found.dtype.kind == "f" and not np.all(np.isfinite(found)):
        raise ArchiveError(
            f"the saved model's array {name!r} is not finite; save it again"
        )
    return found


def _swap(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder beside the place where it belongs, and put it there when whole."""
    fresh = folder.with_name(f".{folder.name}.writing-{os.getpid()}")
    earlier = folder.with_name(f".{folder.name}.earlier-{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir()
        for name, content in contents.items():
            (fresh / name).write_bytes(content)
        replaces = folder.is_dir()
        if replaces:
            folder.rename(earlier)
        try:
            fresh.rename(folder)
        except OSError:
            if replaces:
                earlier.rename(folder)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(earlier, ignore_errors=True)


def _contents(folder: Path, recorded: Any) -> dict[str, bytes]:
    """Read the further files, comparing each with its hash."""
    if not isinstance(recorded, dict) or ARRAYS not in recorded:
        raise _damaged(folder / DOCUMENT, "it does not list its files")
    contents = {}
    for name, expected in recorded.items():
        if name not in FILES:
            raise ArchiveError(
                f"{folder}: lists a file {name!r} that is no part of a saved model"
            )
        try:
            contents[name] = (folder / name).read_bytes()
        except OSError as error:
            raise _damaged(folder / name, "it cannot be read") from error
        if _sha256(contents[name]) != expected:
            raise _damaged(folder / name, "its SHA-256 is not the recorded one")
    return contents


def _arrays(path: Path, content: bytes) -> dict[str, Any]:
    """Unpack arrays; an array of objects would need pickle and is refused."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(path, "it holds no plain arrays") from error


def _damaged(path: Path, what: str) -> ArchiveError:
    return ArchiveError(f"{path}: damaged, {what}; save the model again")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _document_hash(document: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in document.items() if name != "sha256"}
    return _sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())


def _versions() -> dict[str, str]:
    """Versions of what the model was made by."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
