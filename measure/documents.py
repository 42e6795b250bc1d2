"""YAML and JSON documents whose errors name the line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measure.errors import SpaceError

Place = tuple[str | int, ...]


def read_document(path: str | Path) -> tuple[Any, Mapping[Place, int]]:
    """Read a YAML or JSON file.

    Parameters
    ----------
    path : str or Path
        A name that ends in ``.json`` is read as JSON, all others as YAML.

    Returns
    -------
    document : object
        Dicts, lists and scalars.
    lines : mapping from tuple to int
        The line of each entry of a YAML file, by its path from the top; empty
        for JSON.

    Raises
    ------
    SpaceError
        If the file cannot be read or parsed, or a key stands twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpaceError(f"{path}: cannot be read: {reason}") from error
    if path.suffix.lower() == ".json":
        return _read_json(path, text), {}
    return _read_yaml(path, text)


def _read_json(path: Path, text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise SpaceError(f"{path}: the key {twice!r} stands twice in one mapping")
        return entries

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise SpaceError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error


def _read_yaml(path: Path, text: str) -> tuple[Any, Mapping[Place, int]]:
    import yaml

    lines: dict[Place, int] = {}

    def visit(node: yaml.Node, place: Place) -> None:
        lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                line = key.start_mark.line + 1
                if key.value in seen:
                    raise SpaceError(
                        f"{path}:{line}: the key {key.value!r} stands twice in one "
                        "mapping"
                    )
                seen.add(key.value)
                lines[(*place, key.value)] = line
                visit(value, (*place, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                visit(value, (*place, position))

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return None, lines
        visit(node, ())
        return yaml.safe_load(text), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SpaceError(f"{path}{line}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise SpaceError(f"{path}: not YAML: {first}") from error


def write_document(document: Any, path: str | Path) -> None:
    """Write a YAML or JSON file that `read_document` reads back.

    Parameters
    ----------
    document : object
        Dicts, lists and scalars.
    path : str or Path
        A name that ends in ``.json`` is written as JSON, all others as YAML.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    else:
        import yaml

        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
