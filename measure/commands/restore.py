"""``python -m measure restore``: put back what an interrupted sweep left set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from measure.commands.boards import BOARDS, board_options, patiently
from measure.console import Output, output_options

if TYPE_CHECKING:
    from measure.devices.address import Address

_HELP = """Put back what an interrupted sweep left set on a board.

Each board has a journal of what it was before; settings from before its last start are
gone with it. Without --device: every board that was reached from here and not put back.
Nothing to restore is no error.

\b
Example:
  python -m measure restore
  python -m measure restore --device tx1 --ssh nvidia@kitchen --sudo
"""


@click.command("restore", help=_HELP)
@click.option(
    "--device", "device", metavar="tk1|tx1|tx2", help="The board, here or with --ssh."
)
@board_options
@output_options
def restore(output: Output, device: str | None, where: dict[str, Any]) -> None:
    """Restore each board, say what came of it."""
    from measure.devices.address import Address
    from measure.devices.links import remembered
    from measure.errors import DeviceError

    if device not in (None, "auto", *BOARDS):
        if where:
            raise click.UsageError(
                f"--device {device} is no board: only boards are set"
            )
        output.print(f"{device}: nothing to restore, a sweep leaves nothing set there")
        output.finish({"restored": [], "failed": [], "boards": []})
        return
    one = device is not None or where
    boards = [Address(**where)] if one else remembered()
    done: list[dict[str, Any]] = []
    refused: list[str] = []
    for board in boards:
        try:
            done.append(_restored(output, board))
        except DeviceError as error:
            refused.append(str(error))
    if not boards:
        output.print("nothing to restore")
    if refused:
        raise DeviceError("; ".join(refused))
    restored = [path for entry in done for path in entry["restored"]]
    output.finish({"restored": restored, "failed": [], "boards": done})


def _restored(output: Output, board: Address) -> dict[str, Any]:
    """Restore one board."""
    from measure.devices.transport import AgentLink
    from measure.errors import DeviceError

    link = patiently(lambda: AgentLink(board))
    reply = link.restored
    link.close()
    if reply["failed"]:
        first = reply["failed"][0]
        raise DeviceError(
            f"{board}: {first['path']} could not be put back ({first['error']}) and "
            f"{len(reply['failed']) - 1} more; the journal on the board is kept, try "
            "again, or start the board anew"
        )
    paths, gone = reply["restored"], reply["of_an_earlier_boot"]
    text = f"{len(paths)} files are as they were" if paths else "nothing to restore"
    if gone:
        text += f"; {gone} settings were gone with an earlier start"
    output.print(f"{board}: {text}")
    return {"board": str(board), "restored": paths, "of_an_earlier_boot": gone}
