"""Write docs/reference/cli.md from the help texts: ``make reference``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

PAGE = Path(__file__).parent / "reference" / "cli.md"
WIDTH = 80

# flake8: noqa: E501 (table rows cannot be broken)
INTRODUCTION = """\
# Command line

Three programs, one for each package. Made from the help texts by
`make reference`; a test compares the two.

| Exit code | Meaning |
|---|---|
| 0 | done |
| 1 | refused or failed; exactly one line on standard error says where, what came, what is allowed and how to go on (`--debug` adds the traceback) |
| 2 | wrong usage |
| 3 | done, but the result cannot be trusted: drift, a level that does not read back, failed runs, too few runs |
| 130 | interrupted; the last line is the command that goes on |

`--json FILE` writes everything that is printed ([its keys](json.md)); with
`--json -` the JSON goes to standard output and the text to standard error.
"""


def _groups() -> dict[str, click.Group]:
    from measure.cli import main as measure
    from perfmodel.cli import main as perfmodel
    from studies.__main__ import main as studies

    return {"measure": measure, "perfmodel": perfmodel, "studies": studies}


def helps() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the words of each command, and its help text."""
    os.environ["COLUMNS"] = str(WIDTH)
    os.environ["NO_COLOR"] = "1"
    runner = CliRunner()
    for program, group in _groups().items():
        context = click.Context(group)
        for words in ((), *((name,) for name in group.list_commands(context))):
            result = runner.invoke(
                group,
                [*words, "--help"],
                prog_name=f"python -m {program}",
                terminal_width=WIDTH,
                max_content_width=WIDTH,
            )
            if result.exit_code != 0:
                raise RuntimeError(f"{program} {words}: {result.output}")
            yield (program, *words), result.output


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for words, text in helps():
        level = "##" if len(words) == 1 else "###"
        lines = "\n".join(line.rstrip() for line in text.rstrip().splitlines())
        parts.append(f"{level} python -m {' '.join(words)}\n\n```text\n{lines}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
