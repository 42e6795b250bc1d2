"""``python -m measure``."""

from __future__ import annotations

from measure.cli import main

if __name__ == "__main__":
    main(prog_name="python -m measure")
