"""``python -m measure``: a group whose commands are loaded when they are run."""

from __future__ import annotations

from measure.command_group import LazyGroup

_HELP = """Measure a device under a designed set of configurations.

\b
Example:
  python -m measure sweep --device sim:effects --runs 60
  python -m measure show
  python -m measure export --out table.csv
"""

main = LazyGroup(
    name="python -m measure",
    help=_HELP,
    commands={
        "sweep": ("measure.commands.sweep:sweep", "Measure a designed set of runs."),
        "resume": ("measure.commands.resume:resume", "Go on with unfinished sweeps."),
        "design": ("measure.commands.design:design", "Choose the configurations."),
        "check": ("measure.commands.check:check", "Can it be trusted? Is it ready?"),
        "show": ("measure.commands.show:show", "What a store holds."),
        "merge": ("measure.commands.merge:merge", "Join stores filled apart."),
        "restore": ("measure.commands.restore:restore", "Put a board back."),
        "export": ("measure.commands.export:export", "Write a store as a CSV table."),
    },
)
