"""Saved models, as `fit --save` leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from measure.console import refuse

__all__ = ["load_models", "load_one"]

DOCUMENT = "model.json"


def load_models(folder: Path) -> list[Any]:
    """Load a saved model, or all that lie in folders beneath.

    Parameters
    ----------
    folder : Path
        What `fit --save` was given.

    Returns
    -------
    list of PerformanceModel
        In the order of their folders' names.
    """
    if not folder.is_dir():
        refuse(f"--model {folder}: there is no such folder; `fit --save DIR` makes one")
    folders = [folder]
    if not (folder / DOCUMENT).exists():
        folders = sorted(path.parent for path in folder.glob(f"*/{DOCUMENT}"))
    if not folders:
        refuse(
            f"--model {folder}: no {DOCUMENT} in it; name a folder that "
            "`fit --save DIR` made"
        )
    from perfmodel.loading import load

    return [load(path) for path in folders]


def load_one(folder: Path) -> Any:
    """Load a saved model, and refuse a folder of several.

    Parameters
    ----------
    folder : Path
        Of one model.

    Returns
    -------
    PerformanceModel
        The model.
    """
    models = load_models(folder)
    if len(models) > 1:
        names = sorted(path.parent.name for path in folder.glob(f"*/{DOCUMENT}"))
        refuse(
            f"--model {folder}: holds {len(models)} models; name one: "
            f"{', '.join(names)}"
        )
    return models[0]
