"""The command line reference says what ``--help`` says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "cli.md"
GENERATOR = ROOT / "docs" / "make_reference.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("make_reference", GENERATOR)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_reference_page_says_what_help_says(generator: ModuleType) -> None:
    assert (
        PAGE.read_text(encoding="utf-8") == generator.page()
    ), "docs/reference/cli.md is out of date: run `make reference`"


def test_every_command_has_an_example_in_its_help(generator: ModuleType) -> None:
    without = [
        " ".join(words)
        for words, text in generator.helps()
        if "Example" not in text or f"python -m {words[0]}" not in text
    ]
    assert without == []


def test_every_command_offers_json_and_debug(generator: ModuleType) -> None:
    without = [
        " ".join(words)
        for words, text in generator.helps()
        if len(words) > 1 and not ("--json" in text and "--debug" in text)
    ]
    assert without == []
