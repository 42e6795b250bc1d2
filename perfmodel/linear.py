"""Stepwise regression with interactions, on terms that read as users write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from measure.errors import FormulaError
from measure.terms import INTERCEPT, Factor, Term, model_terms, parse_formula
from perfmodel.archive import array, entry
from perfmodel.base import (
    BOOTSTRAP_REFITS,
    LEAST_SPREAD,
    PerformanceModel,
    spread_draws,
)
from perfmodel.encoding import Encoding
from perfmodel.errors import ArchiveError, ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace

    Floats = NDArray[np.float64]

__all__ = ["FittedTerm", "StepwiseModel"]

#: A fit that leaves less than this share of the sum of squares leaves rounding.
EXACT_SHARE = 1e-12
#: At least this share of the runs stays free to estimate the noise by.
FREE_SHARE = 0.25
MAX_STEPS = 200
#: A column of which less than this share is left beside others adds nothing.
RANK_SHARE = 1e-18


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTerm:
    """A term that stepwise regression kept.

    Parameters
    ----------
    term : Term
        Prints as ``a``, ``a:b`` or ``I(a**2)``.
    coefficients : tuple of float
        One a column, of levels coded as `measure.terms` does.
    p_value : float
        Of the partial F test against the model without it and what contains it. The
        terms were chosen by such tests, so it is smaller than it should be.
    """

    term: Term
    coefficients: tuple[float, ...]
    p_value: float


class StepwiseModel(PerformanceModel):
    """Least squares on terms that are taken in and dropped by their F tests.

    Begins with the mean. Takes in the term with the smallest p-value, with the
    lower-order terms that it contains (marginality), as long as that is below `enter`;
    after each, drops terms above `remove` that no other term contains.

    Parameters
    ----------
    space : ConfigurationSpace, optional
        The options; by default what the rows show.
    terms : str, default="quadratic"
        Candidates: ``main``, ``interactions`` (main and all pairs), ``quadratic``
        (and squares of numeric options), or a formula.
    enter, remove : float, default=0.01, 0.05
        p-value below which a term is taken in, and above which one is dropped.
    seed : int, default=0
        Seed of the folds that calibrate intervals, and of the default draws.
    calibrate : bool, default=True
        Whether prediction intervals are calibrated on held-out runs.

    Attributes
    ----------
    terms_ : tuple of FittedTerm
        What was kept, the intercept first.
    p_values_ : dict of str to float
        Term to its p-value.
    standard_errors_ : ndarray
        Of the coefficients, given the terms.

    References
    ----------
    .. [1] Draper, Smith, *Applied Regression Analysis*, 1998, chapter 15.
    .. [2] Jamshidi et al., "Transfer Learning for Performance Modeling of
       Configurable Systems", ASE 2017: the models behind its metrics.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> frame = pd.DataFrame({"a": [0, 0, 1, 1] * 4, "b": [0, 1, 0, 1] * 4,
    ...                       "c": [0] * 8 + [1] * 8})
    >>> noise = np.random.default_rng(1).normal(scale=0.01, size=16)
    >>> y = np.exp(1 + frame["a"] + frame["a"] * frame["b"] + noise)
    >>> [str(fitted.term) for fitted in StepwiseModel().fit(frame, y).terms_]
    ['1', 'a', 'b', 'a:b']
    """

    name: ClassVar[str] = "stepwise"

    def __init__(
        self,
        *,
        space: ConfigurationSpace | None = None,
        terms: str = "quadratic",
        enter: float = 0.01,
        remove: float = 0.05,
        seed: int = 0,
        calibrate: bool = True,
    ) -> None:
        super().__init__(space=space, seed=seed, calibrate=calibrate)
        self.terms = terms
        self.enter = enter
        self.remove = remove

    def _learn(self, codes: Floats, target: Floats) -> None:
        if not 0 < self.enter <= self.remove < 1:
            raise ModelError(
                f"enter={self.enter:g} and remove={self.remove:g}: enter must be above "
                "0 and at most remove, remove below 1"
            )
        candidates = self._candidates()
        columns = {
            term: term_columns(self.encoding_, term, codes) for term in candidates
        }
        chosen = _stepwise(columns, target, self.enter, self.remove)
        self._estimate(chosen, codes, target)

    def _candidates(self) -> tuple[Term, ...]:
        """Terms that may be taken in, the intercept not among them."""
        try:
            if self.terms in ("main", "interactions", "quadratic"):
                found = model_terms(self.space_, self.terms).terms
            else:
                found = parse_formula(self.terms, self.space_.names)
        except FormulaError as error:
            raise ModelError(str(error)) from error
        return tuple(term for term in found if term != INTERCEPT)

    def _estimate(self, chosen: Iterable[Term], codes: Floats, target: Floats) -> None:
        """Fit the chosen terms by least squares."""
        terms = (INTERCEPT, *chosen)
        blocks = [term_columns(self.encoding_, term, codes) for term in terms]
        matrix = np.hstack(blocks)
        coefficients, _, _, _ = np.linalg.lstsq(matrix, target, rcond=None)
        residuals = target - matrix @ coefficients
        free = max(len(target) - matrix.shape[1], 1)
        self.noise_log_sd_ = float(np.sqrt(residuals @ residuals / free))
        self.covariance_ = np.linalg.pinv(matrix.T @ matrix, hermitian=True)
        self.standard_errors_ = self.noise_log_sd_ * np.sqrt(
            np.maximum(np.diag(self.covariance_), 0)
        )
        ends = np.cumsum([block.shape[1] for block in blocks])
        parts = np.split(coefficients, ends[:-1])
        columns = dict(zip(terms[1:], blocks[1:], strict=True))
        p_values = {INTERCEPT: _test([], blocks[:1], target)[1]}
        for term in terms[1:]:
            beside = [
                c for t, c in columns.items() if t != term and not term_in(term, t)
            ]
            p_values[term] = _test(beside, [columns[term]], target)[1]
        self.coefficients_ = coefficients
        self.terms_ = tuple(
            FittedTerm(
                term=term,
                coefficients=tuple(part.tolist()),
                p_value=p_values[term],
            )
            for term, part in zip(terms, parts, strict=True)
        )

    @property
    def p_values_(self) -> dict[str, float]:
        """Term to the p-value of its F test."""
        return {
            str(fitted.term): fitted.p_value
            for fitted in self.terms_
            if fitted.term != INTERCEPT
        }

    def _matrix(self, codes: Floats) -> Floats:
        blocks = [term_columns(self.encoding_, t.term, codes) for t in self.terms_]
        return np.hstack(blocks)

    def _mean(self, codes: Floats) -> Floats:
        return np.asarray(self._matrix(codes) @ self.coefficients_)

    def _spread(self, codes: Floats) -> Floats:
        matrix = self._matrix(codes)
        leverage = np.einsum("ij,jk,ik->i", matrix, self.covariance_, matrix)
        spread = self.noise_log_sd_ * np.sqrt(1 + np.maximum(leverage, 0))
        return np.asarray(np.maximum(spread, LEAST_SPREAD))

    def _draws(self, codes: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        """Refit, selection included, to fitted values plus resampled residuals.

        Runs keep their places in the design, which resampled rows would not.
        """
        n = len(self.target_)
        fitted = self._mean(self.codes_)
        residuals = self.target_ - fitted
        free = max(n - len(self.coefficients_), 1)
        inflated = (residuals - residuals.mean()) * np.sqrt(n / free)
        refits = np.empty((min(n_draws, BOOTSTRAP_REFITS), len(codes)))
        for place in range(len(refits)):
            target = fitted + inflated[rng.integers(n, size=n)]
            refits[place] = self._relearned(self.codes_, target)._mean(codes)
        return spread_draws(refits, n_draws, rng)

    def _state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
        terms = [
            {
                "factors": [[f.option, f.power] for f in fitted.term.factors],
                "p_value": fitted.p_value,
            }
            for fitted in self.terms_
        ]
        return {"terms": terms}, {"coefficients": self.coefficients_}, {}

    def _restore(
        self,
        values: dict[str, Any],
        arrays: dict[str, Any],
        files: dict[str, bytes],
    ) -> None:
        chosen = [
            _saved_term(saved, self.space_) for saved in entry(values, "terms", list)
        ]
        if not chosen or chosen[0] != INTERCEPT:
            raise ArchiveError("the saved terms do not begin with 1; save it again")
        noise = self.noise_log_sd_
        self._estimate(chosen[1:], self.codes_, self.target_)
        self.noise_log_sd_ = noise
        saved = array(arrays, "coefficients", "f", self.coefficients_.shape)
        self.coefficients_ = saved


def term_in(term: Term, other: Term) -> bool:
    """Say whether `other` contains `term`, so that `term` may not go before it.

    Parameters
    ----------
    term, other : Term
        Two terms.

    Returns
    -------
    bool
        True for ``a`` in ``a:b`` and in ``I(a**2)``.

    Examples
    --------
    >>> term_in(Term.of("a"), Term.of("a", "b")), term_in(Term.of("a"), Term.of("b"))
    (True, False)
    """
    powers = {factor.option: factor.power for factor in other.factors}
    return term != other and all(
        powers.get(factor.option, 0) >= factor.power for factor in term.factors
    )


def term_columns(encoding: Encoding, term: Term, codes: Floats) -> Floats:
    """Give a term's columns of the model matrix for any codes.

    Parameters
    ----------
    encoding : Encoding
        Of the space.
    term : Term
        The term.
    codes : ndarray of shape (n, n_options)
        Levels, or numbers between and beyond them.

    Returns
    -------
    ndarray of shape (n, n_columns)
        At levels the same as `measure.terms.model_matrix`.
    """
    block = np.ones((len(codes), 1))
    for factor in term.factors:
        coded = _coded(encoding, factor, codes)
        block = (block[:, :, None] * coded[:, None, :]).reshape(len(block), -1)
    return block


def _coded(encoding: Encoding, factor: Factor, codes: Floats) -> Floats:
    """Code one option's column; a number off the levels by the same line."""
    from measure.terms import code_levels

    position = encoding.space.names.index(factor.option)
    option = encoding.space.options[position]
    values = codes[:, position]
    if option.kind != "numeric":
        return np.asarray(code_levels(option)[values.astype(np.int64)])
    levels = np.asarray(option.levels, dtype=float)
    middle, half = (levels.max() + levels.min()) / 2, np.ptp(levels) / 2
    return np.asarray(((values - middle) / half)[:, None] ** factor.power)


def _test(
    beside: list[Floats], tested: list[Floats], target: Floats
) -> tuple[float, float]:
    """Partial F test of columns beside others and the mean; statistic and p-value."""
    n = len(target)
    ones = np.ones((n, 1))
    if beside or len(tested[0].T) != 1 or np.ptp(tested[0]) > 0:
        small = np.hstack([ones, *beside])
    else:
        small = np.empty((n, 0))  # the intercept itself is tested
    basis = _orthonormal(small)
    rest = target - basis @ (basis.T @ target)
    block = np.hstack(tested)
    added = _orthonormal(block - basis @ (basis.T @ block), scale=block)
    gained = float(np.sum((added.T @ rest) ** 2))
    left = max(float(rest @ rest) - gained, 0.0)
    return _f_test(gained, added.shape[1], left, n - basis.shape[1] - added.shape[1])


def _f_test(gained: float, columns: int, left: float, free: int) -> tuple[float, float]:
    """F statistic and its p-value; nothing gained or nothing free is p = 1."""
    from scipy.special import fdtrc

    if columns == 0 or free < 1 or gained <= 0:
        return 0.0, 1.0
    if left <= EXACT_SHARE * gained:
        return np.inf, 0.0
    statistic = gained / columns / (left / free)
    return float(statistic), float(fdtrc(columns, free, statistic))


def _orthonormal(block: Floats, scale: Floats | None = None) -> Floats:
    """Orthonormal basis of the columns; dependent ones add nothing."""
    if block.shape[1] == 0:
        return block
    vectors, values, _ = np.linalg.svd(block, full_matrices=False)
    size = np.linalg.norm(block if scale is None else scale)
    return np.asarray(vectors[:, values > 1e-9 * max(float(size), 1e-300)])


def _stepwise(
    columns: Mapping[Term, Floats], target: Floats, enter: float, remove: float
) -> list[Term]:
    """Choose terms forward and backward; in the order of the candidates."""
    n = len(target)
    order = list(columns)
    groups = {t: [*(o for o in order if term_in(o, t)), t] for t in order}
    everything = np.hstack([np.empty((n, 0)), *columns.values()])
    ends = np.cumsum([columns[term].shape[1] for term in order])
    places = {
        term: np.arange(end - columns[term].shape[1], end)
        for term, end in zip(order, ends, strict=True)
    }
    chosen: list[Term] = []
    most = max(int(n * (1 - FREE_SHARE)), 2)
    total = float(np.sum((target - target.mean()) ** 2))
    seen: set[frozenset[Term]] = set()
    for _ in range(MAX_STEPS):
        inside = [columns[term] for term in chosen]
        basis = _orthonormal(np.hstack([np.ones((n, 1)), *inside]))
        rest = target - basis @ (basis.T @ target)
        if float(rest @ rest) <= EXACT_SHARE * total:
            break
        missing = {
            term: [t for t in groups[term] if t not in chosen]
            for term in order
            if term not in chosen
        }
        best = _best_entry(everything, places, missing, basis, rest, most)
        if best is None or best[0] >= enter:
            break
        added = set(missing[best[1]])
        chosen = [term for term in order if term in chosen or term in added]
        chosen = _dropped(columns, chosen, target, remove)
        if frozenset(chosen) in seen:
            break
        seen.add(frozenset(chosen))
    return chosen


def _best_entry(
    everything: Floats,
    places: Mapping[Term, NDArray[np.int64]],
    missing: Mapping[Term, list[Term]],
    basis: Floats,
    rest: Floats,
    most: int,
) -> tuple[float, Term] | None:
    """Find the term that, with those it contains, has the smallest p-value."""
    n, used = basis.shape
    left = float(rest @ rest)
    size = np.sum(everything**2, axis=0)
    apart = everything - basis @ (basis.T @ everything)
    own = np.sum(apart**2, axis=0)
    single = np.where(
        own > RANK_SHARE * size, (apart.T @ rest) ** 2 / np.maximum(own, 1e-300), 0.0
    )
    best: tuple[float, float, Term] | None = None
    for term, group in missing.items():
        where = np.concatenate([places[t] for t in group])
        if len(where) == 1:
            gained, width = float(single[where[0]]), int(single[where[0]] > 0)
        else:
            added = _orthonormal(apart[:, where], scale=everything[:, where])
            gained, width = float(np.sum((added.T @ rest) ** 2)), added.shape[1]
        if used + width > most:
            continue
        free = n - used - width
        statistic, p = _f_test(gained, width, max(left - gained, 0.0), free)
        if best is None or (p, -statistic) < (best[0], best[1]):
            best = (p, -statistic, term)
    return None if best is None else (best[0], best[2])


def _dropped(
    columns: Mapping[Term, Floats], chosen: list[Term], target: Floats, remove: float
) -> list[Term]:
    """Drop terms that no other contains while one has a p-value above `remove`."""
    kept = list(chosen)
    while kept:
        p_values = _partial_p_values({term: columns[term] for term in kept}, target)
        ends = [t for t in kept if not any(term_in(t, other) for other in kept)]
        worst = max(ends, key=lambda term: p_values[term])
        if p_values[worst] <= remove:
            break
        kept.remove(worst)
    return kept


def _partial_p_values(
    columns: Mapping[Term, Floats], target: Floats
) -> dict[Term, float]:
    """Partial F test of each term beside all others, from one fit."""
    n = len(target)
    blocks = list(columns.values())
    matrix = np.hstack([np.ones((n, 1)), *blocks])
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    if values[-1] <= 1e-9 * values[0] or n <= matrix.shape[1]:
        return {
            term: _test([c for t, c in columns.items() if t != term], [block], target)[
                1
            ]
            for term, block in columns.items()
        }
    coefficients = right.T @ (left.T @ target / values)
    inverse = right.T / values**2 @ right
    rest = target - matrix @ coefficients
    found, start = {}, 1
    for term, block in columns.items():
        own = slice(start, start + block.shape[1])
        start = own.stop
        b = coefficients[own]
        gained = float(b @ np.linalg.solve(inverse[own, own], b))
        free = n - matrix.shape[1]
        found[term] = _f_test(gained, block.shape[1], float(rest @ rest), free)[1]
    return found


def _saved_term(saved: Any, space: ConfigurationSpace) -> Term:
    """Take a term from a saved model, checking every part of it."""
    try:
        factors = tuple(
            Factor(str(name), int(power)) for name, power in saved["factors"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError("a saved term cannot be read; save it again") from error
    for factor in factors:
        if factor.option not in space.names or not 1 <= factor.power <= 9:
            raise ArchiveError(
                f"the saved term {factor} is of no option of the saved space"
            )
        if factor.power > 1 and space.options[factor.option].kind != "numeric":
            raise ArchiveError(f"the saved term {factor} is no power of a number")
    return Term(factors)
