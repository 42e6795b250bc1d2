"""A design and its report in words: what the command line prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from measure.errors import FormulaError
from measure.levels import Level, spelled
from measure.space import ConfigurationSpace
from measure.spelling import several
from measure.terms import INTERCEPT, Term, model_terms

if TYPE_CHECKING:
    from measure.designs.base import Design
    from measure.designs.design_report import DesignReport

_MOST_LINES = 8  # of aliases and of correlations
_MOST_LOST = 100  # terms that cannot be estimated are named one by one
_MOST_ROWS = 20  # of a design
COLUMNS = ("term", "VIF", "power")


def lines_above(report: DesignReport) -> list[str]:
    """Return what stands above the table of power: what the design is worth.

    Parameters
    ----------
    report : DesignReport
        Any.

    Returns
    -------
    list of str
        Lines.
    """
    possible = "" if report.possible is None else f", {report.possible} possible"
    lines = [f"{report.design}: {report.runs} runs{possible}", *report.notes]
    why = report.left_out_because
    told = [term for term in report.left_out_terms if term in why][:_MOST_LINES]
    others = [term for term in report.left_out_terms if term not in told]
    lines += [f"cannot be estimated here: {term}, because {why[term]}" for term in told]
    if others:
        lines.append(f"cannot be estimated here: {', '.join(others)}")
    bound = ""
    if report.upper_bound is not None:
        bound = f" of {report.upper_bound:.4f} at most ({report.bound_kind})"
    lines.append(
        f"model {report.model}: {several(len(report.terms), 'term')}; D-efficiency "
        f"{report.d_efficiency:.4f}{bound}"
    )
    lines += _parts(report.bound_reason)
    if report.by_criterion is not None:
        lines += [str(report.by_criterion), *_parts(report.by_criterion.reason)]
    if report.g_efficiency is not None and report.i_variance is not None:
        lines.append(
            f"A-efficiency {report.a_efficiency:.4f}; G-efficiency "
            f"{report.g_efficiency:.4f}; the variance of a prediction is "
            f"{report.i_variance:.3f} of the noise's on average (I)"
        )
    if report.singular_terms:
        lines.append(f"not estimable: {_listed(report.singular_terms, _MOST_LOST)}")
    return lines


def power_title(report: DesignReport) -> str:
    """Return what stands over the table of power.

    Parameters
    ----------
    report : DesignReport
        Any.

    Returns
    -------
    str
        With the effect that the power is given for.
    """
    return f"power: to find an effect of {report.effect:g} standard deviations"


def power_rows(report: DesignReport) -> list[tuple[str, str, str]]:
    """Return the table of power.

    Parameters
    ----------
    report : DesignReport
        Any.

    Returns
    -------
    list of tuple
        Term, variance inflation, power.
    """
    return [
        (term, _number(report.vif.get(term)), _number(report.power.get(term)))
        for term in report.terms
        if term in report.vif
    ]


def lines_below(report: DesignReport) -> list[str]:
    """Return what stands below the table: what goes together, how to repeat it.

    Parameters
    ----------
    report : DesignReport
        Any.

    Returns
    -------
    list of str
        Lines.
    """
    lines = []
    if report.aliases:
        texts = [str(alias) for alias in report.aliases]
        there = any(alias.term == "1" for alias in report.aliases[:_MOST_LINES])
        lines += [f"aliases{_INTERCEPT if there else ''}:", *_each(texts)]
    if report.correlations:
        what = "columns" if report.singular_terms else "estimates"
        pairs = report.correlations[:_MOST_LINES]
        there = any("1" in (pair.term, pair.other) for pair in pairs)
        lines.append(f"strongest correlations of {what}{_INTERCEPT if there else ''}:")
        lines += _each([str(pair) for pair in report.correlations])
    return lines + _search_line(report.iterations, report.seed, report.interrupted)


def report_text(report: DesignReport) -> str:
    """Return a report as the command line prints it.

    Parameters
    ----------
    report : DesignReport
        Any.

    Returns
    -------
    str
        Lines.
    """
    lines, rows = lines_above(report), [COLUMNS, *power_rows(report)]
    if len(rows) > 1:
        width = max(len(row[0]) for row in rows)
        lines.append(power_title(report))
        lines += [f"  {t:<{width}}  {v:>5}  {p:>5}" for t, v, p in rows]
    return "\n".join(lines + lines_below(report))


def design_text(design: Design) -> str:
    """Return a design as text: what it is, what to know of it, its runs.

    Parameters
    ----------
    design : Design
        Any.

    Returns
    -------
    str
        Lines; of many runs the first and the last.
    """
    lines = [
        f"{design.name}: {design.runs} runs, {design.space.size()} possible",
        *design.notes,
        f"model {design.model}: {several(len(design.terms), 'term')}; "
        "evaluate(design) judges it",
        *_search_line(design.iterations, design.seed, design.interrupted),
        design.frame.to_string(max_rows=_MOST_ROWS),
    ]
    return "\n".join(lines)


def why_left_out(space: ConfigurationSpace, term: Term) -> str | None:
    """Return why a term cannot be estimated, where one forbidden pair is the reason.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    term : Term
        Left out of a model on it.

    Returns
    -------
    str or None
        None where there is no such reason.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "backend": {"kind": "categorical", "levels": ["graph", "xla"]},
    ...     "onednn": {"kind": "boolean"}},
    ...     "forbid": [{"backend": "xla", "onednn": True}]})
    >>> why_left_out(space, Term.of("backend", "onednn"))
    'backend=xla with onednn=true is forbidden'
    """
    names = set(term.options)
    items = [
        item for item in space.forbid if {c.option for c in item.conditions} <= names
    ]
    if len(items) != 1 or len(items[0].conditions) != 2 or len(names) != 2:
        return None
    part = ConfigurationSpace([space.options[name] for name in term.options], items)
    formula = " + ".join(map(str, [INTERCEPT, *map(Term.of, term.options), term]))
    try:
        model_terms(part, formula)
    except FormulaError:
        pair = [_condition(*entry) for entry in items[0].to_dict().items()]
        return f"{' with '.join(pair)} is forbidden"
    return None


_INTERCEPT = " (1 is the intercept, the mean)"


def _condition(name: str, entry: Level | Sequence[Level] | dict[str, Level]) -> str:
    if isinstance(entry, dict):
        words = " and ".join(f"{key} {spelled(value)}" for key, value in entry.items())
        return f"{name} ({words})"
    if isinstance(entry, list | tuple):
        return f"{name}={' or '.join(spelled(level) for level in entry)}"
    return f"{name}={spelled(entry)}"  # type: ignore[arg-type]


def _search_line(
    iterations: int | None, seed: int | None, interrupted: bool
) -> list[str]:
    if iterations is None:
        return []
    words = f"{several(iterations, 'iteration')}, seed {seed}"
    if interrupted:  # perhaps in mid-iteration
        return [words]
    return [f"{words}: `--iterations {max(iterations, 1)}` repeats it"]


def _number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.2f}"


def _parts(reason: str) -> list[str]:
    return [f"  {part}" for part in reason.split("; ")] if reason else []


def _each(texts: Sequence[str]) -> list[str]:
    more = len(texts) - _MOST_LINES
    lines = [f"  {text}" for text in texts[:_MOST_LINES]]
    return lines + ([f"  and {more} more"] if more > 0 else [])


def _listed(texts: Sequence[str], limit: int) -> str:
    more = len(texts) - limit
    return ", ".join(texts[:limit]) + (f" and {more} more" if more > 0 else "")
