"""The studies that come with the package, and what each says of itself."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

from studies.errors import StudyError

__all__ = ["Study", "find_study", "list_studies", "read_study"]

HERE = Path(__file__).parent
CONFIGURATION_FILE = "study.cfg"
SCRIPT_FILE = "study.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What a study's folder says: its title, its script, what it measures.

    Parameters
    ----------
    name : str
        The folder's name, and how the command line calls the study.
    title : str
        The heading of the report.
    summary : str
        One sentence for `studies list`.
    script : pathlib.Path
        The analysis, in jupytext's percent format.
    store : str, default=""
        Where its measurements are kept; empty if it measures nothing.
    sweep : tuple of str, default=()
        The arguments of ``python -m measure sweep`` that fill the store.

    Examples
    --------
    >>> from studies.catalogue import find_study
    >>> find_study("quickstart").store
    'results/measurements.db'
    """

    name: str
    title: str
    summary: str
    script: Path
    store: str = ""
    sweep: tuple[str, ...] = ()


def read_study(folder: Path) -> Study:
    """Read a study's folder.

    Parameters
    ----------
    folder : pathlib.Path
        A folder with ``study.cfg`` and ``study.py``.

    Returns
    -------
    Study
        What the two files say.

    Raises
    ------
    StudyError
        If a file, the section ``[study]`` or its title is missing.

    Examples
    --------
    >>> from studies.catalogue import HERE, read_study
    >>> read_study(HERE / "quickstart").name
    'quickstart'
    """
    configuration = folder / CONFIGURATION_FILE
    script = folder / SCRIPT_FILE
    for path in (configuration, script):
        if not path.is_file():
            raise StudyError(
                f"{folder}: no {path.name}; a study has {CONFIGURATION_FILE}, "
                f"{SCRIPT_FILE} and README.md"
            )
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(configuration.read_text(encoding="utf-8"))
        title = parser["study"]["title"]
    except configparser.Error as error:
        reason = " ".join(str(error).split())
        raise StudyError(f"{configuration}: {reason}; write it as INI") from error
    except KeyError as error:
        raise StudyError(
            f"{configuration}: no {error.args[0]!r}; allowed: a section [study] with "
            "title and summary, and [measure] with store and sweep"
        ) from error
    measure = parser["measure"] if parser.has_section("measure") else None
    return Study(
        name=folder.name,
        title=title,
        summary=parser["study"].get("summary", ""),
        script=script,
        store=measure.get("store", "") if measure is not None else "",
        sweep=tuple(measure.get("sweep", "").split()) if measure is not None else (),
    )


def list_studies() -> tuple[Study, ...]:
    """Read every study that comes with the package, by name.

    Returns
    -------
    tuple of Study
        The studies, sorted by name.

    Examples
    --------
    >>> from studies.catalogue import list_studies
    >>> "quickstart" in [study.name for study in list_studies()]
    True
    """
    folders = sorted(path.parent for path in HERE.glob(f"*/{CONFIGURATION_FILE}"))
    return tuple(read_study(folder) for folder in folders)


def find_study(name: str) -> Study:
    """Find a study by its name, or by the path of its folder.

    Parameters
    ----------
    name : str
        A name of `list_studies`, or a folder that holds a ``study.cfg``.

    Returns
    -------
    Study
        The study.

    Raises
    ------
    StudyError
        If there is none of that name; the message lists the names.

    Examples
    --------
    >>> from studies.catalogue import find_study
    >>> find_study("quickstart").script.name
    'study.py'
    """
    studies = {study.name: study for study in list_studies()}
    if name in studies:
        return studies[name]
    folder = Path(name)
    if (folder / CONFIGURATION_FILE).is_file():
        return read_study(folder)
    raise StudyError(f"no study {name!r}; there is: {', '.join(sorted(studies))}")
