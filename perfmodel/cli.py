"""The command line of `perfmodel`: which commands there are."""

from __future__ import annotations

from measure.command_group import LazyGroup
from perfmodel.errors import PerfmodelError

__all__ = ["main"]

main = LazyGroup(
    {
        "fit": (
            "perfmodel.commands.fit:command",
            "Model each environment and response; say what matters.",
        ),
        "explain": (
            "perfmodel.commands.explain:command",
            "List effects and interactions with their intervals.",
        ),
        "predict": (
            "perfmodel.commands.predict:command",
            "Predict the rows of a table by a saved model.",
        ),
        "pareto": (
            "perfmodel.commands.pareto:command",
            "Find the configurations that no other one beats.",
        ),
        "recommend": (
            "perfmodel.commands.recommend:command",
            "Find the best configuration that keeps constraints.",
        ),
        "transfer": (
            "perfmodel.commands.transfer:command",
            "Say what holds elsewhere of what was learned here.",
        ),
    },
    expected=(PerfmodelError,),
    name="perfmodel",
    help="""Performance models of configurable systems.

    DATA is --store DB (results/measurements.db by default) or --data T.csv; a CSV
    file without a T.json beside it needs --options and --response too.

    \b
    Example:
      python -m perfmodel fit --data mine.csv --options threads,cache --response time_s
    """,
)
