"""Fill the store that a study reads: sweep, resume, or leave it as it is."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure.console import DONE, INTERRUPTED, UNTRUSTED, Output
from studies.errors import StudyError

__all__ = ["Measured", "ensure_measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What had to be measured, and whether it can be trusted.

    Parameters
    ----------
    action : {"sweep", "resume"}
        A new sweep, or the rest of what was planned (nothing, where all is done).
    trusted : bool
        False if the sweep left with exit code 3.
    reasons : tuple of str
        Why not, as the sweep says.
    """

    action: str
    trusted: bool
    reasons: tuple[str, ...]


def ensure_measured(store: Path, sweep: Sequence[str], output: Output) -> Measured:
    """Measure what a store lacks, with the command line that a person would use.

    A store that is not there is filled by ``measure sweep``; one that is, by
    ``measure resume``, which measures nothing that is finished.

    Parameters
    ----------
    store : pathlib.Path
        The store's file.
    sweep : sequence of str
        Arguments of a new sweep.
    output : Output
        Where text goes; the sweep's goes there too.

    Returns
    -------
    Measured
        What was done.

    Raises
    ------
    StudyError
        If the measurement failed; its own line stands above.
    SystemExit
        If it was interrupted, with its exit code, 130.
    """
    action = "resume" if store.exists() else "sweep"
    with tempfile.TemporaryDirectory(prefix="study-") as folder:
        record = Path(folder) / "sweep.json"
        command = [sys.executable, "-m", "measure", action, "--store", str(store)]
        command += [*(sweep if action == "sweep" else ()), "--json", str(record)]
        output.print(f"measuring: python -m {' '.join(command[2:-2])}")
        try:
            code = subprocess.run(command, stdout=output.stream, check=False).returncode
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        if code in (INTERRUPTED, -2):
            sys.exit(INTERRUPTED)
        if code not in (DONE, UNTRUSTED):
            raise StudyError(
                f"measuring into {store} left with exit code {code}; "
                f"correct that and repeat the command, finished runs are kept"
            )
        result = json.loads(record.read_text()) if record.exists() else {}
    reasons = tuple(str(reason) for reason in result.get("reasons", ()))
    return Measured(action=action, trusted=code == DONE, reasons=reasons)
