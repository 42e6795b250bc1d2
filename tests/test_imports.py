"""Who may import whom, and what starting up does not load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = (
    "tensorflow",
    "sklearn",
    "xgboost",
    "statsmodels",
    "matplotlib",
    "numba",
    "scipy.stats",
)

PROBE = """
import runpy, sys
sys.argv = {argv!r}
try:
    {statement}
except SystemExit as left:
    assert not left.code, left.code
print("LOADED", *sorted(set({heavy!r}) & set(sys.modules)))
"""


def loaded(statement: str, argv: list[str], folder: Path) -> set[str]:
    """Run a statement in a process of its own; return the heavy modules it loads."""
    code = PROBE.format(argv=argv, statement=statement, heavy=HEAVY)
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.rpartition("LOADED")[2].split())


def run_module(name: str) -> str:
    return f"runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"


def test_the_import_contracts_hold() -> None:
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as c; c()",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("package", ["measure", "perfmodel", "studies"])
def test_importing_a_package_loads_nothing_heavy(package: str, tmp_path: Path) -> None:
    assert loaded(f"import {package}", ["probe"], tmp_path) == set()


@pytest.mark.parametrize("package", ["measure", "perfmodel", "studies"])
def test_help_loads_nothing_heavy(package: str, tmp_path: Path) -> None:
    assert loaded(run_module(package), [package, "--help"], tmp_path) == set()


@pytest.mark.parametrize(
    "words",
    [
        "measure sweep --help",
        "measure design --help",
        "perfmodel fit --help",
        "perfmodel transfer --help",
        "studies report --help",
        "studies list",
    ],
)
def test_the_help_of_a_command_loads_nothing_heavy(words: str, tmp_path: Path) -> None:
    argv = words.split()
    assert loaded(run_module(argv[0]), argv, tmp_path) == set()


def test_a_plackett_burman_design_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(
        "options:\n  a: {kind: boolean}\n  b: {kind: boolean}\n  c: {kind: boolean}\n"
    )
    argv = "measure design --space space.yaml --design plackett-burman --runs 4".split()
    argv += ["--out", "design.csv"]
    assert loaded(run_module("measure"), argv, tmp_path) == set()
    assert (tmp_path / "design.csv").exists()
