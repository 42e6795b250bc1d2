"""A command line of many commands: imported when run, each error one line."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from measure.console import DONE, INTERRUPTED, REFUSED, WRONG_USAGE
from measure.errors import MeasureError

__all__ = ["LazyGroup", "run_command"]


class _Interrupted(Exception):
    """Ctrl-C; of a KeyboardInterrupt click would print a line of its own."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, so ``--help`` is quick.

    Parameters
    ----------
    commands : mapping of str to tuple of str
        Name to the place of its `click.Command`, as ``module:attribute``, and the
        line that the group's help has for it.
    expected : sequence of type
        Errors that are reported in one line, beside `MeasureError` and `OSError`.
    **settings : object
        As for `click.Group`.
    """

    def __init__(
        self,
        commands: Mapping[str, tuple[str, str]],
        expected: Sequence[type[Exception]] = (),
        **settings: Any,
    ) -> None:
        super().__init__(
            invoke_without_command=True, callback=_help_without_command, **settings
        )
        self.places = dict(commands)
        self.expected = tuple(expected)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names, in the order given.

        Parameters
        ----------
        ctx : click.Context
            Not used.

        Returns
        -------
        list of str
            Names.
        """
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Parameters
        ----------
        ctx : click.Context
            Not used.
        cmd_name : str
            The name.

        Returns
        -------
        click.Command or None
            None if there is no such command.
        """
        if cmd_name not in self.places:
            return None
        module, _, attribute = self.places[cmd_name][0].partition(":")
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list of commands without importing any.

        Parameters
        ----------
        ctx : click.Context
            Not used.
        formatter : click.HelpFormatter
            Written to.
        """
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, line) for name, (_, line) in self.places.items()]
            )

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command.

        Parameters
        ----------
        ctx : click.Context
            Of the group.

        Returns
        -------
        object
            What the command returned.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Interrupted(str(error)) from error

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command, and end the process with the exit code it calls for.

        Parameters
        ----------
        args : sequence of str, optional
            Words of the command line; by default the process's own.
        prog_name : str, optional
            What help calls the program.
        standalone_mode : bool, default=True
            If False, errors are raised and nothing ends.
        **extra : object
            As for `click.Group.main`.

        Returns
        -------
        object
            What the command returned, if not standalone.
        """
        words = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(words, prog_name, standalone_mode=False, **extra)
        expected: tuple[type[Exception], ...] = (
            MeasureError,
            OSError,
            *self.expected,
        )
        program = (prog_name or self.name or "").split()[-1:] or [""]

        def call() -> Any:
            return super(LazyGroup, self).main(
                words, prog_name, standalone_mode=False, **extra
            )

        sys.exit(run_command(call, program[0], expected, "--debug" in words))


@click.pass_context
def _help_without_command(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run_command(
    call: Callable[[], Any],
    program: str,
    expected: tuple[type[Exception], ...],
    debug: bool,
) -> int:
    """Call a command and return its exit code; an error becomes one line.

    Parameters
    ----------
    call : Callable
        Runs a click command with ``standalone_mode=False``.
    program : str
        What the line begins with.
    expected : tuple of type
        Errors that a user can cause.
    debug : bool
        Whether to print the traceback too, and let warnings through.

    Returns
    -------
    int
        One of the exit codes.
    """
    try:
        with warnings.catch_warnings():
            if not debug:
                # Standard error holds nothing but the error.
                warnings.simplefilter("ignore")
            result = call()
        return result if isinstance(result, int) else DONE
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.UsageError as error:
        error.show()
        return WRONG_USAGE
    except (_Interrupted, KeyboardInterrupt, click.Abort) as error:
        _say_error(program, str(error) or "interrupted", debug)
        return INTERRUPTED
    except click.ClickException as error:
        _say_error(program, error.format_message(), debug)
        return REFUSED
    except expected as error:
        _say_error(program, _described(error), debug)
        return REFUSED
    except Exception as error:
        name = type(error).__name__
        _say_error(
            program, f"internal error, {name}: {error}; --debug shows where", debug
        )
        return REFUSED


def _described(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    return str(error)


def _say_error(program: str, message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    line = " ".join(message.split())
    click.echo(f"{program}: {line}" if program else line, err=True)
