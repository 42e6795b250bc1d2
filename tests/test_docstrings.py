"""Docstrings follow numpydoc, and their examples give what they say."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from numpydoc.validate import validate

PACKAGES = ("measure", "perfmodel", "studies")

CHECKED = {
    "GL06",  # a section that numpydoc does not know
    "GL07",  # sections in the wrong order
    "GL08",  # no docstring
    "SS02",  # summary does not start with a capital letter
    "SS03",  # summary does not end with a period
    "PR01",  # parameters not documented
    "PR02",  # parameters documented that are not there
    "PR03",  # parameters in another order
    "PR04",  # parameter without a type
    "PR06",  # a type that numpydoc spells otherwise
    "PR07",  # parameter without a description
    "PR10",  # no space before the colon of a type
    "RT01",  # no Returns
    "RT03",  # no description of what is returned
    "YD01",  # no Yields
}
"""Not checked: layout that black would not keep, "See Also" and the like, and
examples (EX01) or extended summaries (ES01) where there is nothing to add."""

RUNS_ON_IMPORT = ("__main__", "board_worker", "board_agent")


def modules() -> Iterator[str]:
    """Yield the names of all modules but those that run when imported."""
    for package in PACKAGES:
        yield package
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if module.name.rpartition(".")[2] not in RUNS_ON_IMPORT:
                yield module.name


def own(module: ModuleType, value: object) -> bool:
    return getattr(value, "__module__", None) == module.__name__


def public_objects(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield the public classes, methods and functions that a module defines."""
    names = getattr(module, "__all__", None)
    for name, value in vars(module).items():
        if name.startswith("_") or (names is not None and name not in names):
            continue
        if not own(module, value):
            continue
        if inspect.isfunction(value):
            yield f"{module.__name__}.{name}", value
        elif inspect.isclass(value):
            yield f"{module.__name__}.{name}", value
            for method, member in vars(value).items():
                if not method.startswith("_") and callable(
                    getattr(member, "__func__", member)
                ):
                    yield f"{module.__name__}.{name}.{method}", member


def problems(module: ModuleType) -> list[str]:
    """List what numpydoc finds in a module's public objects."""
    found = []
    for path, value in public_objects(module):
        if _inherits_its_docstring(path, value):
            continue
        allowed = CHECKED - excused(value)
        for code, message in validate(path)["errors"]:
            if code in allowed:
                found.append(f"{path}: {code} {message}")
    return found


def excused(value: object) -> set[str]:
    """Return the codes that mean nothing for an object.

    An inherited constructor is documented where it is written, and the order of
    parameters that can only be given by name is the reader's, not the signature's.
    """
    if not inspect.isclass(value):
        return set()
    if "__init__" not in vars(value) or getattr(value, "_is_protocol", False):
        return {"PR01", "PR02", "PR03"}
    kinds = {p.kind for p in inspect.signature(value).parameters.values()}
    return {"PR03"} if kinds == {inspect.Parameter.KEYWORD_ONLY} else set()


def _inherits_its_docstring(path: str, value: object) -> bool:
    """Tell a method without a docstring that overrides a documented one."""
    module_name, _, class_name = path.rpartition(".")[0].rpartition(".")
    if getattr(value, "__doc__", None) or not module_name:
        return False
    owner = (
        getattr(importlib.import_module(module_name), class_name, None)
        if (module_name in MODULES)
        else None
    )
    name = path.rpartition(".")[2]
    return inspect.isclass(owner) and any(
        getattr(getattr(base, name, None), "__doc__", None)
        for base in owner.__mro__[1:]
    )


MODULES = tuple(modules())


@pytest.mark.parametrize("name", MODULES)
def test_public_objects_are_documented_as_numpydoc_asks(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert problems(importlib.import_module(name)) == []


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    assert (importlib.import_module(name).__doc__ or "").strip().endswith((".", ":"))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_say(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "MPLBACKEND", "agg")
    module = importlib.import_module(name)
    result = doctest.testmod(
        module,
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
    )
    assert result.failed == 0
