"""``python -m benchmarks.designs.bounds``: no design surpasses a proved bound.

Thousands of small random spaces: numeric options of uneven levels, categorical and
boolean ones, forbidden combinations, any model, any criterion, with and without
repeats, fixed runs, candidates and whole plots. Of the smallest all designs are gone
through, of the others some are searched. The bound must hold for all of them, and the
bound that is only searched for (estimated) must agree with the proved one. Leaves with
exit code 1 if it does not.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.designs.scoring import model_matrix, score
from measure.designs.bound import approximate_bound, in_whole_plots, upper_bound
from measure.designs.criteria import criterion_of
from measure.designs.criterion_bound import bound_of_criterion
from measure.designs.grouped import grouped_bound
from measure.designs.optimal import d_optimal
from measure.designs.problem import code
from measure.designs.reduction import reduced
from measure.designs.separable import separable_bound
from measure.designs.whole_plots import split_plot
from measure.errors import DesignError, FormulaError, SpaceError
from measure.space import ConfigurationSpace
from measure.terms import ModelTerms, model_terms

ROUNDING = 1e-9
AGREEMENT = 0.002  # between an estimated bound and the proved one
_MOST_DESIGNS = 4000  # that are gone through in one space
_MOST_COLUMNS, _MOST_COLUMNS_LARGE = 30, 120
_ITERATIONS = 3
_SOUND = 1e10  # condition of an information matrix that can be inverted


@dataclass(kw_only=True)
class Tally:
    """What came out."""

    spaces: int = 0
    designs: int = 0
    gone_through: int = 0
    surpassed: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    agreements: list[float] = field(default_factory=list)
    nearest: dict[str, float] = field(default_factory=dict)
    shares: dict[str, list[float]] = field(default_factory=dict)
    looseness: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One random space and model."""

    seed: int
    document: dict[str, Any]
    space: ConfigurationSpace
    model: str
    terms: ModelTerms
    columns: int

    def problem(self, runs: int) -> dict[str, Any]:
        """Return what the independent scorer reads."""
        model = " + ".join(str(term) for term in self.terms.terms)
        return {"space": self.document, "model": model, "runs": runs}


def draw(seed: int, large: bool = False) -> Case | None:
    """Return the case of a seed, or None where that has no valid model."""
    rng = np.random.default_rng(seed)
    options: dict[str, Any] = {}
    for i in range(int(rng.integers(5, 9) if large else rng.integers(1, 5))):
        kind = rng.choice(["numeric", "numeric", "categorical", "boolean"])
        size = int(rng.integers(3, 13) if large else rng.integers(2, 6))
        if large and kind == "categorical":
            size = int(rng.integers(2, 5))
        if kind == "numeric":
            levels: list[Any] = rng.choice(np.arange(1, 41), size, False).tolist()
        elif kind == "categorical":
            levels = [f"l{j}" for j in range(size)]
        else:
            levels = [False, True]
        options[f"x{i}"] = {"kind": str(kind), "levels": levels}
    forbid: list[dict[str, Any]] = []
    for _ in range(int(rng.integers(0, 9 if large else 4))):
        size = int(rng.integers(1, min(3, len(options)) + 1))
        item: dict[str, Any] = {}
        for name in rng.choice(list(options), size, False):
            levels = options[name]["levels"]
            level = levels[int(rng.integers(len(levels)))]
            numeric = options[name]["kind"] == "numeric"
            item[str(name)] = (
                {"max": level} if numeric and rng.random() < 0.5 else level
            )
        try:
            ConfigurationSpace.from_dict(
                {"options": options, "forbid": [*forbid, item]}
            )
        except SpaceError:
            continue
        forbid.append(item)
    document = {"options": options, "forbid": forbid}
    space = ConfigurationSpace.from_dict(document)
    model = str(rng.choice(["main", "interactions", "quadratic", "formula"]))
    if model == "formula":
        model = _formula(options, rng)
    try:
        terms = model_terms(space, model)
    except FormulaError:
        return None
    columns = model_matrix(
        {"space": document, "model": " + ".join(map(str, terms.terms))},
        _records(space, space.all_rows()[:1]),
    ).shape[1]
    if not 2 <= columns <= (_MOST_COLUMNS_LARGE if large else _MOST_COLUMNS):
        return None
    return Case(
        seed=seed,
        document=document,
        space=space,
        model=model,
        terms=terms,
        columns=columns,
    )


def _formula(options: dict[str, Any], rng: np.random.Generator) -> str:
    terms = ["1"]
    for _ in range(int(rng.integers(1, 6))):
        names = rng.choice(
            list(options), int(rng.integers(1, min(3, len(options)) + 1))
        )
        factors = []
        for name in dict.fromkeys(map(str, names)):
            power = int(rng.integers(1, 4))
            numeric = options[name]["kind"] == "numeric"
            factors.append(f"I({name}**{power})" if numeric and power > 1 else name)
        terms.append(":".join(factors))
    return " + ".join(dict.fromkeys(terms))


def _records(space: ConfigurationSpace, rows: Any) -> list[dict[str, Any]]:
    frame = space.decode(np.asarray(rows))
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def check(case: Case, tally: Tally) -> None:
    """Hold all kinds of designs of a case against its bounds."""
    rng = np.random.default_rng(case.seed)
    space, terms, p = case.space, case.terms.terms, case.columns
    tally.spaces += 1
    proved = upper_bound(space, terms)
    assert proved is not None and proved.kind == "proved", case.seed
    _estimated(case, tally)
    every = _records(space, space.all_rows())
    X = model_matrix(case.problem(len(every)), every)
    _note(case, tally, "all once", _efficiency(X), proved.value)
    for runs in sorted(
        {p, p + int(rng.integers(1, 6)), int(rng.integers(p, 3 * p + 1))}
    ):
        for repeats in (True, False):
            if not repeats and runs > len(every):
                continue
            bound = upper_bound(space, terms, runs, repeats=repeats)
            assert bound is not None and bound.kind == "proved", case.seed
            assert bound.value <= proved.value * (1 + ROUNDING), case.seed
            kind = "repeats" if repeats else "once"
            best = _best(X, runs, repeats)
            if best is not None:
                tally.gone_through += 1
                _note(case, tally, f"{kind}, gone through", best, bound.value)
            if runs == p or best is None:
                criterion = str(rng.choice(["d", "a", "i", "bayes-d"]))
                for how in dict.fromkeys(["d", criterion]):
                    value = _made(case, runs, how, repeats=repeats)
                    if value is not None:
                        _note(case, tally, f"{kind}, {how}", value, bound.value)
        _beside_fixed(case, tally, runs, rng)
    _by_criterion(case, tally, X, p + int(rng.integers(0, 3)))
    _of_candidates(case, tally, p + 2, proved.value, rng)
    _in_plots(case, tally, rng)


def _estimated(case: Case, tally: Tally) -> None:
    """Hold the bound that is searched for against the proved one."""
    left = reduced(case.space, case.terms.terms)
    if left is None:
        return
    exact = approximate_bound(left)
    assert exact is not None, case.seed
    if exact.kind != "proved":
        return
    searched = approximate_bound(left, enumerated=0)
    assert searched is not None, case.seed
    for name, bound in (("options", separable_bound), ("groups", grouped_bound)):
        value = bound(case.space, case.terms.terms)
        if value is not None and (name == "groups" or not case.space.forbid):
            # The best weights there are may not surpass what was proved without them.
            _note(case, tally, f"weights, sum over {name}", exact.reached, value)
    tally.agreements.append(searched.value / exact.value - 1.0)
    tally.looseness.append(1.0 - exact.reached / exact.value)
    if abs(tally.agreements[-1]) > AGREEMENT:
        tally.apart.append(f"seed {case.seed}: {tally.agreements[-1]:+.4f}")


def _best(X: np.ndarray, runs: int, repeats: bool) -> float | None:
    """Return the best of all designs of some rows, where they are few."""
    size = len(X)
    many = math.comb(size + runs - 1, runs) if repeats else math.comb(size, runs)
    if many > _MOST_DESIGNS:
        return None
    draws = combinations_with_replacement if repeats else combinations
    chosen = np.array(list(draws(range(size), runs)))
    rows = X[chosen]
    determinants = np.linalg.det(np.einsum("dni,dnj->dij", rows, rows))
    return float(max(determinants.max(), 0.0) ** (1 / X.shape[1]) / runs)


def _by_criterion(case: Case, tally: Tally, X: np.ndarray, runs: int) -> None:
    """Hold designs for other criteria, and all there are, against their bounds."""
    for criterion in ("a", "i", "bayes-d"):
        try:
            design = d_optimal(
                case.space,
                runs,
                case.model,
                seed=case.seed,
                iterations=_ITERATIONS,
                criterion=criterion,
            )
        except DesignError:
            continue
        if criterion != "bayes-d" and np.linalg.matrix_rank(design.matrix) < X.shape[1]:
            continue
        own = bound_of_criterion(design)
        assert own is not None and own.kind == "proved", case.seed
        low, high = own.bound, own.value
        if criterion == "bayes-d":
            low, high = own.value, own.bound
        _note(case, tally, f"by {criterion}, searched", low, high)
        if math.comb(len(X) + runs - 1, runs) > _MOST_DESIGNS:
            continue
        chosen = np.array(list(combinations_with_replacement(range(len(X)), runs)))
        M = np.einsum("dni,dnj->dij", X[chosen], X[chosen])
        if criterion == "bayes-d":
            coding = code(case.space, case.terms.terms)
            made = criterion_of("bayes-d", case.space, case.terms.terms, coding)
            M = M + np.diag(made.precision)
            best = np.linalg.det(M).max() ** (1 / X.shape[1]) / runs
            _note(case, tally, "by bayes-d, gone through", best, own.bound)
            continue
        M = M[np.linalg.cond(M) < _SOUND]
        C = np.eye(X.shape[1]) / X.shape[1] if criterion == "a" else X.T @ X / len(X)
        best = np.einsum("dij,ji->d", np.linalg.inv(M), C).min()
        _note(case, tally, f"by {criterion}, gone through", own.bound, best)


def _made(case: Case, runs: int, criterion: str, **more: Any) -> float | None:
    try:
        design = d_optimal(
            case.space,
            runs,
            case.model,
            seed=case.seed,
            iterations=_ITERATIONS,
            criterion=criterion,
            **more,
        )
    except DesignError:
        return None
    return score(case.problem(runs), _records(case.space, design.indices))


def _beside_fixed(
    case: Case, tally: Tally, runs: int, rng: np.random.Generator
) -> None:
    kept = case.space.sample(int(rng.integers(1, runs + 1)), rng, replace=True)
    value = _made(case, runs, "d", fixed=case.space.decode(kept))
    bound = upper_bound(case.space, case.terms.terms, runs, fixed=kept)
    if value is not None and bound is not None:
        _note(case, tally, "fixed", value, bound.value)


def _of_candidates(
    case: Case, tally: Tally, runs: int, limit: float, rng: np.random.Generator
) -> None:
    size = case.space.size()
    rows = case.space.all_rows()[rng.random(size) < 0.7]
    if len(rows):
        value = _made(case, runs, "d", candidates=case.space.decode(rows))
        if value is not None:
            _note(case, tally, "candidates", value, limit)


def _in_plots(case: Case, tally: Tally, rng: np.random.Generator) -> None:
    hard = [case.space.names[int(rng.integers(len(case.space.names)))]]
    size, ratio = int(rng.integers(1, 4)), float(rng.choice([0.5, 1.0, 3.0]))
    plots = case.columns + 1
    try:
        design = split_plot(
            case.space,
            whole_plots=plots,
            runs_per_whole_plot=size,
            hard_to_change=hard,
            variance_ratio=ratio,
            model=case.model,
            seed=case.seed,
            iterations=_ITERATIONS,
        )
    except DesignError:
        return
    bound = upper_bound(case.space, case.terms.terms, plots * size)
    assert bound is not None and design.whole_plots is not None
    matrix = model_matrix(
        case.problem(plots * size), _records(case.space, case.space.all_rows())
    )
    terms = [t for t in case.terms.terms if {f.option for f in t.factors} <= set(hard)]
    held = model_matrix(
        {"space": case.document, "model": " + ".join(map(str, terms))},
        _records(case.space, case.space.all_rows()),
    ).shape[1]
    scaled = in_whole_plots(bound, held, matrix.shape[1], design.whole_plots, ratio)
    problem = {
        **case.problem(plots * size),
        "whole_plots": plots,
        "hard_to_change": hard,
        "variance_ratio": ratio,
    }
    rows = _records(case.space, design.indices)
    value = score(problem, rows, design.whole_plots.tolist())
    _note(case, tally, "whole plots", value, scaled.value)


def _efficiency(X: np.ndarray) -> float:
    sign, log_det = np.linalg.slogdet(X.T @ X)
    return float(np.exp(log_det / X.shape[1]) / len(X)) if sign > 0 else 0.0


def _note(case: Case, tally: Tally, kind: str, value: float, limit: float) -> None:
    tally.designs += 1
    share = value / limit
    tally.shares.setdefault(kind, []).append(share)
    if share > 1.0 + ROUNDING:
        tally.surpassed.append(f"seed {case.seed}, {kind}: {value:.9f} > {limit:.9f}")


def cases(first: int, count: int, large: bool = False) -> Iterator[Case]:
    """Yield the valid ones of so many seeds."""
    for seed in range(first, first + count):
        case = draw(seed, large)
        if case is not None:
            yield case


def main() -> int:
    """Run the check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.designs.bounds")
    parser.add_argument("--spaces", type=int, default=3000, help="seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--large", type=int, default=200, help="seeds of larger spaces, for estimates"
    )
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    tally, began = Tally(), time.process_time()
    sizes: list[int] = []
    try:
        for case in cases(given.first, given.large, large=True):
            before = len(tally.agreements)
            _estimated(case, tally)
            sizes += [case.space.size()] * (len(tally.agreements) - before)
        for case in cases(given.first, given.spaces):
            check(case, tally)
    except KeyboardInterrupt:
        print("interrupted; so far:")
    print(
        f"{tally.spaces} spaces, {tally.designs} designs, all designs gone through "
        f"{tally.gone_through} times; {time.process_time() - began:.0f} CPU s"
    )
    print("design / bound               how many     worst    median   largest")
    for kind, shares in sorted(tally.shares.items()):
        print(
            f"  {kind:26s} {len(shares):9d} {min(shares):9.4f} "
            f"{float(np.median(shares)):9.4f} {max(shares):9.6f}"
        )
    loose, apart = np.array(tally.looseness), np.abs(tally.agreements)
    print(
        f"weights behind the bound lie up to {100 * loose.max():.3f} % below it; "
        f"{len(apart)} estimated bounds lie up to {100 * apart.max():.3f} % off, on "
        f"up to {max(sizes, default=0)} configurations"
    )
    for line in [*tally.surpassed, *tally.apart]:
        print(line)
    print(f"surpassed: {len(tally.surpassed)}; apart: {len(tally.apart)}")
    if given.json:
        figures = {
            "spaces": tally.spaces,
            "designs": tally.designs,
            "gone_through": tally.gone_through,
            "surpassed": tally.surpassed,
            "apart": tally.apart,
            "largest": {kind: max(shares) for kind, shares in tally.shares.items()},
            "loosest_weights": float(loose.max()),
            "furthest_estimate": float(apart.max()),
        }
        given.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if tally.surpassed or tally.apart else 0


if __name__ == "__main__":
    sys.exit(main())
