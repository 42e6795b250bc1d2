"""Where `--save DIR` puts models: DIR itself for one, else a folder each beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure.console import Output, refuse
from perfmodel.commands.sections import place_name

__all__ = ["check_save", "save_models"]


def check_save(folder: Path | None) -> None:
    """Refuse a folder that cannot be made, before anything is fitted.

    Parameters
    ----------
    folder : Path or None
        What `--save` was given.
    """
    if folder is None:
        return
    if not folder.parent.is_dir():
        refuse(f"--save {folder}: there is no folder {folder.parent}; make it first")
    if folder.exists() and not folder.is_dir():
        refuse(f"--save {folder}: is a file; name a folder")


def save_models(models: Sequence[Any], folder: Path, output: Output) -> list[str]:
    """Save models and say where each is.

    Parameters
    ----------
    models : sequence of PerformanceModel
        Fitted; each knows its environment and response.
    folder : Path
        Where to.
    output : Output
        Where to say it.

    Returns
    -------
    list of str
        The folder of each.
    """
    places = [folder]
    if len(models) > 1:
        folder.mkdir(exist_ok=True)
        several = len({model.response_ for model in models}) > 1
        places = [folder / _folder_name(model, several) for model in models]
    for model, place in zip(models, places, strict=True):
        model.save(place)
        output.print(f"saved: {place}")
    return [str(place) for place in places]


def _folder_name(model: Any, several_responses: bool) -> str:
    """Return a file name of the environment, and of the response if there are more."""
    words = [place_name(model.environment_)]
    if several_responses or not words[0]:
        words.append(model.response_)
    kept = "-".join(word for word in words if word).replace("/", "-")
    return "".join(one if one.isalnum() or one in "-_." else "_" for one in kept)
