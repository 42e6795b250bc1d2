"""Hypothesis strategies for spaces and what lies in them."""

from __future__ import annotations

from hypothesis import strategies as st

from measure.constraints import Condition, Forbidden
from measure.errors import SpaceError
from measure.options import Option
from measure.space import ConfigurationSpace

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
ANY_NUMBER = st.integers(-(10**12), 10**12) | FINITE
# Far enough apart for a rank to be decided in double precision.
SMALL_NUMBER = st.integers(-40, 40).map(lambda n: n / 4)
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=6
)


@st.composite
def options(
    draw: st.DrawFn, name: str, numbers: st.SearchStrategy[float] = ANY_NUMBER
) -> Option:
    """Any option of that name."""
    kind = draw(st.sampled_from(["numeric", "categorical", "boolean", "range"]))
    if kind == "boolean":
        return Option(name=name, kind="boolean", default=draw(st.booleans()))
    if kind == "range":
        low = draw(st.floats(1e-3, 1e6))
        return Option(
            name=name,
            kind="numeric",
            unit="Hz",
            range=(low, low * draw(st.floats(1.5, 1e3))),
            count=draw(st.integers(2, 6)),
            scale=draw(st.sampled_from(["linear", "log"])),
        )
    values = numbers if kind == "numeric" else WORDS
    levels = draw(
        st.lists(values, min_size=2, max_size=5, unique_by=_spelling(kind)),
    )
    default = draw(st.none() | st.sampled_from(levels))
    cost = draw(st.sampled_from([0.0, 5.0]))
    return Option(
        name=name,
        kind=kind,  # type: ignore[arg-type]
        levels=tuple(levels),
        default=default,
        change_cost_s=cost,
    )


def _spelling(kind: str):  # type: ignore[no-untyped-def]
    return (lambda level: float(level)) if kind == "numeric" else str


@st.composite
def conditions(draw: st.DrawFn, option: Option) -> Condition:
    """Any condition that matches a level of the option."""
    some = draw(st.lists(st.sampled_from(option.levels), min_size=1, max_size=3))
    entry: object = some
    form = draw(st.sampled_from(["scalar", "list", "not", "between"]))
    if form == "scalar":
        entry = some[0]
    elif form == "not" and len(set(some)) < len(option.levels):
        entry = {"not": some}
    elif form == "between" and option.kind == "numeric":
        entry = {"min": min(some), "max": max(some)}
    return Condition.from_entry(option, entry)


@st.composite
def spaces(
    draw: st.DrawFn,
    most_options: int = 5,
    numbers: st.SearchStrategy[float] = ANY_NUMBER,
) -> ConfigurationSpace:
    """Any space that something is left of."""
    names = draw(st.lists(NAMES, min_size=1, max_size=most_options, unique=True))
    own = [draw(options(name, numbers)) for name in names]
    forbid: list[Forbidden] = []
    for _ in range(draw(st.integers(0, 4))):
        chosen = draw(st.lists(st.sampled_from(own), min_size=1, max_size=3))
        parts = {o.name: draw(conditions(o)) for o in chosen}
        item = Forbidden(conditions=tuple(parts.values()))
        try:
            ConfigurationSpace(own, [*forbid, item])
        except SpaceError:
            continue
        forbid.append(item)
    return ConfigurationSpace(own, forbid)
