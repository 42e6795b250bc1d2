"""``python -m studies``."""

from __future__ import annotations

from studies.cli import main

if __name__ == "__main__":
    main(prog_name="python -m studies")
