"""Stepwise regression with interactions, on terms that read as users write them."""

from __future__ import annotations

from collections.abc import Iterable
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
from perfmodel.errors import ArchiveError, ModelError
from perfmodel.stepping import choose_terms, partial_test, term_columns, term_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace

    Floats = NDArray[np.float64]

__all__ = ["FittedTerm", "StepwiseModel"]


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
        chosen = choose_terms(columns, target, self.enter, self.remove)
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
        p_values = {INTERCEPT: partial_test([], blocks[:1], target)[1]}
        for term in terms[1:]:
            beside = [
                c for t, c in columns.items() if t != term and not term_in(term, t)
            ]
            p_values[term] = partial_test(beside, [columns[term]], target)[1]
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
