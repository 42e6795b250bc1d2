"""Every shell and Python block of the README and the documentation runs.

The blocks of a page run in order, in one empty folder, as a reader would type
them: ```` ```bash ```` by bash, ```` ```python ```` in one namespace a page. A
block that cannot run in a test stands in `NOT_RUN` with the reason.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
PAGES += sorted((ROOT / "studies").glob("*/README.md"))
TIME_LIMIT_S = 240

NOT_RUN = {
    "make ": "sets up a virtual environment, or measures for minutes",
    "python -m studies run quickstart": "measures this machine for five minutes",
    "python -m studies run tx1": "takes a minute; test_tx1.py has fewer runs",
    "python -m measure sweep --networks": "measures this machine",
}
"""How a block that is not run begins, and why."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, text and first line in the page."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the bash and python blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(
        r"^```(bash|python)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    )
    return [
        Block(match[1], match[2], text[: match.start()].count("\n") + 2)
        for match in found
    ]


def reason_not_run(block: Block) -> str | None:
    """Return why a block is not run, or None."""
    for start, reason in NOT_RUN.items():
        if block.language == "bash" and block.text.startswith(start):
            return reason
    return None


def script(page: Path, folder: Path) -> str:
    """Write one bash script for a page; Python blocks share one namespace file."""
    lines = ["set -euo pipefail"]
    python: list[str] = []
    for number, block in enumerate(blocks(page)):
        if reason_not_run(block):
            continue
        lines.append(f"echo '--- {page.name}, line {block.line}' >&2")
        if block.language == "bash":
            lines.append(block.text)
            continue
        file = folder / f".block{number}.py"
        earlier = "\n".join(python)
        file.write_text(
            "import contextlib, io\n"
            "with contextlib.redirect_stdout(io.StringIO()):\n"
            f"    exec(compile({earlier!r}, 'blocks before', 'exec'), globals())\n"
            f"exec(compile({block.text!r}, {str(page)!r}, 'exec'), globals())\n",
            encoding="utf-8",
        )
        lines.append(f"python {file.name}")
        python.append(block.text)
    return "\n".join(lines)


def pages_with_blocks() -> list[Path]:
    """Return the pages of which at least one block is run."""
    return [page for page in PAGES if any(not reason_not_run(b) for b in blocks(page))]


@pytest.mark.parametrize(
    "page", pages_with_blocks(), ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_blocks_of_a_page_run_as_a_reader_would_type_them(
    page: Path, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",
        "XDG_STATE_HOME": str(tmp_path / ".state"),
        "COLUMNS": "88",
    }
    result = subprocess.run(
        ["bash", "-c", script(page, tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
        check=False,
    )
    assert result.returncode == 0, f"{result.stdout[-2000:]}\n{result.stderr[-3000:]}"


def test_every_reason_not_to_run_a_block_is_still_needed() -> None:
    texts = [b.text for page in PAGES for b in blocks(page) if b.language == "bash"]
    unused = [start for start in NOT_RUN if not any(t.startswith(start) for t in texts)]
    assert unused == []


def links(page: Path) -> list[str]:
    """Return the targets of a page's links and images, without anchors."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target.split("#")[0] for target in targets if not target.startswith("#")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_of_a_page_leads_to_a_file(page: Path) -> None:
    broken = [
        target
        for target in links(page)
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached:
            continue
        reached.add(page)
        for target in links(page):
            path = page.parent / target
            if "://" not in target and path.suffix == ".md" and path.exists():
                waiting.append(path)
    documentation = {p.resolve() for p in (ROOT / "docs").rglob("*.md")}
    assert sorted(documentation - reached) == []


def test_pictures_are_small_enough_to_clone() -> None:
    large = {
        path.name: path.stat().st_size
        for path in (ROOT / "docs").rglob("*.png")
        if path.stat().st_size >= 200_000
    }
    assert large == {}
