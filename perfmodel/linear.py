"""Stepwise regression with interactions, on terms that read as users write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from measure.errors import FormulaError
from measure.terms import INTERCEPT, Factor, Term, model_terms, parse_formula
from perfmodel.archive import array, entry
from perfmodel.base import (
    BOOTSTRAP_REFITS,
    CALIBRATION_FOLDS,
    LEAST_SPREAD,
    PerformanceModel,
    spread_draws,
)
from perfmodel.bending import Bends, draw_bends
from perfmodel.errors import ArchiveError, ModelError
from perfmodel.folds import split_folds
from perfmodel.intervals import Calibration
from perfmodel.split_plots import Fit, choose_in_plots, fit_in_plots
from perfmodel.stepping import choose_terms, partial_test, term_columns, term_in
from perfmodel.strata import Plots, student_width

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

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
    plots_ : Plots or None
        The whole plots of the rows, if they were told and are several: the model is
        then fitted by generalised least squares [3]_.
    variance_ratio_ : float
        Variance between whole plots over that within, by restricted maximum
        likelihood; below 0 where whole plots differ less than noise would have them.
    p_values_ : dict of str to float
        Term to its p-value.
    standard_errors_ : ndarray
        Of the coefficients, given the terms.

    References
    ----------
    .. [1] Draper, Smith, *Applied Regression Analysis*, 1998, chapter 15.
    .. [2] Jamshidi et al., "Transfer Learning for Performance Modeling of
       Configurable Systems", ASE 2017: the models behind its metrics.
    .. [3] Letsinger, Myers, Lentner, "Response surface methods for bi-randomization
       structures", Journal of Quality Technology 28(4), 1996.

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
    #: Whether `fit` takes the whole plots of the rows.
    takes_plots: ClassVar[bool] = True

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

    def fit(self, X: Any, y: ArrayLike, plots: Plots | None = None) -> Self:
        """Learn a response from runs.

        Parameters
        ----------
        X : DataFrame of raw levels, or array-like of numbers, shape (n, k)
            One row a run.
        y : array-like of shape (n,)
            The response of each run, finite.
        plots : Plots, optional
            The whole plots that the rows were made in.

        Returns
        -------
        StepwiseModel
            This model.

        Raises
        ------
        ModelError
            If there are too few rows, or whole plots of another number of rows.
        """
        n = len(np.atleast_1d(np.asarray(y))) if plots is not None else 0
        if plots is not None and len(plots.runs) != n:
            raise ModelError(
                f"stepwise: whole plots of {len(plots.runs)} rows, but {n} responses; "
                "give a whole plot a row"
            )
        self._take_plots(plots)
        super().fit(X, y)
        if self.plots_ is not None:
            self.notes_ = (self._plots_note(),)
        return self

    def _take_plots(self, plots: Plots | None) -> None:
        """Keep whole plots that tell more than single runs would."""
        self.plots_ = plots if plots is not None and plots.informative else None
        self.variance_ratio_ = 0.0

    def _plots_note(self) -> str:
        """Say in a line how whole plots were treated."""
        assert self.plots_ is not None
        ratio = self.variance_ratio_
        taken = "" if ratio >= 0 else ", no more than noise"
        return (
            f"{self.plots_.weights.shape[1]} whole plots: generalised least squares, "
            f"variance between them {max(ratio, 0.0):.2g} times that within "
            f"(eta, by REML{taken})"
        )

    def _relearned_on(self, rows: Any, target: Floats) -> Self:
        """Give a model of the same kind, of some rows in their whole plots."""
        fresh = self._blank()
        fresh._take_plots(None if self.plots_ is None else self.plots_.take(rows))
        fresh._relearn(self.codes_[rows], target)
        return fresh

    def _calibrate(self) -> None:
        """Hold runs out; what is learned from the others knows their whole plots.

        Not whole plots: of few, the others cannot tell the effects of hard options.
        """
        if self.plots_ is None:
            super()._calibrate()
            return
        n = len(self.target_)
        residuals = np.empty(n)
        rng = np.random.default_rng(self.seed)
        for held in split_folds(n, CALIBRATION_FOLDS, rng, self.groups_):
            learn = np.setdiff1d(np.arange(n), held)
            fresh = self._relearned_on(learn, self.target_[learn])
            residuals[held] = self.target_[held] - fresh._mean(self.codes_[held])
        self.calibration_ = Calibration.from_residuals(
            residuals, self._spread(self.codes_), self.groups_
        )

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
        plots: Plots | None = getattr(self, "plots_", None)
        if plots is None:
            self._take_plots(None)
            chosen = choose_terms(columns, target, self.enter, self.remove)
        else:
            chosen = choose_in_plots(columns, target, self.enter, self.remove, plots)
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
        """Fit the chosen terms by least squares, generalised where it must be."""
        terms = (INTERCEPT, *chosen)
        columns = {t: term_columns(self.encoding_, t, codes) for t in terms}
        if self.plots_ is None:
            fitted = _fit_alone(columns, target)
        else:
            own = {t: block for t, block in columns.items() if t != INTERCEPT}
            fitted = fit_in_plots(own, target, self.plots_)
        self.noise_log_sd_ = fitted.noise
        self.covariance_, self.coefficients_ = fitted.covariance, fitted.coefficients
        self.variance_ratio_ = fitted.eta
        self.free_ = (fitted.free_between, fitted.free_within)
        self.standard_errors_ = fitted.noise * np.sqrt(
            np.maximum(np.diag(fitted.covariance), 0)
        )
        ends = np.cumsum([block.shape[1] for block in columns.values()])
        parts = np.split(fitted.coefficients, ends[:-1])
        self.terms_ = tuple(
            FittedTerm(
                term=term,
                coefficients=tuple(part.tolist()),
                p_value=fitted.p_values[term],
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

    def _bent(self, bends: Bends, codes: Floats) -> Floats:
        """Predict the mean with numeric options bent."""
        blocks = [bends.columns(self.encoding_, t.term, codes) for t in self.terms_]
        return np.asarray(np.hstack(blocks) @ self.coefficients_)

    def _spread(self, codes: Floats) -> Floats:
        matrix = self._matrix(codes)
        leverage = np.einsum("ij,jk,ik->i", matrix, self.covariance_, matrix)
        # A new run is made in a whole plot of its own.
        own = 1 + max(self.variance_ratio_, 0.0)
        spread = self.noise_log_sd_ * np.sqrt(own + np.maximum(leverage, 0))
        return np.asarray(np.maximum(spread, LEAST_SPREAD))

    def _draws(self, codes: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        """Draw by how far refits, selection included, lie off a truth that is known.

        That is the model with its numeric options bent at random, since lines and
        parabolas cannot tell; the refits learn from its values plus errors drawn anew.
        Runs keep their places in the design, which resampled rows would not.
        """
        fitted = self._mean(codes)
        terms = [(one.term, one.coefficients) for one in self.terms_]
        everything = np.arange(len(self.target_))
        draws = np.empty((min(n_draws, BOOTSTRAP_REFITS), len(codes)))
        for place in range(len(draws)):
            bends = draw_bends(self.encoding_, terms, rng)
            target = self._bent(bends, self.codes_) + self._errors(rng)
            refitted = self._relearned_on(everything, target)
            draws[place] = fitted + self._bent(bends, codes) - refitted._mean(codes)
        return spread_draws(draws, n_draws, rng)

    def _errors(self, rng: np.random.Generator) -> Floats:
        """Draw errors of the runs: residuals resampled, or normal in whole plots.

        As few degrees of freedom tell their variance, they are as much wider as
        Student's distribution is.
        """
        n = len(self.target_)
        between, within = map(student_width, self.free_)
        if self.plots_ is None:
            residuals = self.target_ - self._mean(self.codes_)
            inflated = (residuals - residuals.mean()) * np.sqrt(
                n / max(self.free_[1], 1)
            )
            return np.asarray(within * inflated[rng.integers(n, size=n)])
        groups, errors = self.plots_.groups, rng.standard_normal(n)
        means = np.bincount(groups, errors) / np.bincount(groups)
        drawn = within * (errors - means[groups]) + between * means[groups]
        return self.noise_log_sd_ * self.plots_.whiten(
            self.variance_ratio_, drawn, power=0.5
        )

    def _state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
        terms = [
            {
                "factors": [[f.option, f.power] for f in fitted.term.factors],
                "p_value": fitted.p_value,
            }
            for fitted in self.terms_
        ]
        arrays = {"coefficients": self.coefficients_}
        if self.plots_ is not None:
            arrays["plots"] = self.plots_.weights
            arrays["plot_runs"] = self.plots_.runs
        return {"terms": terms}, arrays, {}

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
        n = len(self.target_)
        plots = None
        if "plots" in arrays:
            plots = Plots(
                array(arrays, "plots", "f", (n, -1)),
                array(arrays, "plot_runs", "f", (n,)),
            )
        self._take_plots(plots)
        noise = self.noise_log_sd_
        self._estimate(chosen[1:], self.codes_, self.target_)
        self.noise_log_sd_ = noise
        saved = array(arrays, "coefficients", "f", self.coefficients_.shape)
        self.coefficients_ = saved


def _fit_alone(columns: Mapping[Term, Floats], target: Floats) -> Fit:
    """Fit by ordinary least squares; the mean comes first."""
    blocks = list(columns.values())
    matrix = np.hstack(blocks)
    coefficients, _, _, _ = np.linalg.lstsq(matrix, target, rcond=None)
    residuals = target - matrix @ coefficients
    free = len(target) - matrix.shape[1]
    own = {term: block for term, block in columns.items() if term != INTERCEPT}
    p_values = {INTERCEPT: partial_test([], blocks[:1], target)[1]}
    for term, block in own.items():
        beside = [c for t, c in own.items() if t != term and not term_in(term, t)]
        p_values[term] = partial_test(beside, [block], target)[1]
    return Fit(
        coefficients=np.asarray(coefficients, dtype=float),
        covariance=np.asarray(np.linalg.pinv(matrix.T @ matrix, hermitian=True), float),
        noise=float(np.sqrt(residuals @ residuals / max(free, 1))),
        eta=0.0,
        free_between=max(free, 0),
        free_within=max(free, 0),
        p_values=p_values,
    )


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
