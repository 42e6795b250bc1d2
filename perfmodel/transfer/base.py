"""A model of a target that may lean on sources: a performance model like the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perfmodel.archive import entry
from perfmodel.base import PerformanceModel
from perfmodel.errors import ArchiveError, ModelError
from perfmodel.intervals import Calibration
from perfmodel.transfer.candidates import (
    ALONE,
    Known,
    candidates_for,
    clipped,
)
from perfmodel.transfer.choice import Choice
from perfmodel.transfer.guard import choose
from perfmodel.transfer.inputs import Inputs
from perfmodel.transfer.saved import (
    part_again,
    part_state,
    source_again,
    source_state,
)
from perfmodel.transfer.source import Source, inputs_of, learn_source

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["GuardReport", "SourceRuns", "TransferModel"]

METHODS = ("auto", "alone", "scale", "shift", "delta", "feature")
LEAST_SPREAD = 1e-4
SPREAD_FLOOR = 0.3  # of the root mean square of held-out residuals


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardReport:
    """What was done with the sources, and why.

    Parameters
    ----------
    method : str
        ``alone``, ``scale``, ``shift``, ``delta``, ``feature`` or ``blend``.
    statistic : float
        Paired t of the held-out gain that the guard went by; NaN if it was not asked.
    decision : str
        ``alone``, ``transfer``, or ``forced`` where the user chose the method.
    reason : str
        One sentence.
    weights : dict of str to float
        Of each method in the prediction.
    errors : dict of str to float
        Held-out error of each method, per cent.
    """

    method: str
    statistic: float
    decision: str
    reason: str
    weights: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data, missing numbers as None.

        Returns
        -------
        dict
            Field name to value.
        """
        out = asdict(self)
        out["statistic"] = self.statistic if np.isfinite(self.statistic) else None
        return out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceRuns:
    """Runs of one source, as a model takes them.

    Parameters
    ----------
    X : DataFrame of shape (n, n_options)
        Raw levels.
    y : ndarray of shape (n,)
        Positive responses.
    name : str, default=""
        How the environment is called.
    """

    X: pd.DataFrame
    y: Floats
    name: str = ""


class TransferModel(PerformanceModel):
    """A target's response, from few runs of it and what its sources say.

    Without sources it is the target alone: a Gaussian process on the log response.

    Parameters
    ----------
    method : {"auto", "alone", "scale", "shift", "delta", "feature"}, default="auto"
        What to do with the sources; ``auto`` lets the guard choose.
    space : ConfigurationSpace, optional
        The options. By default they are what the rows show.
    seed : int, default=0
        Seed of the folds.
    calibrate : bool, default=True
        Whether intervals are calibrated on held-out runs.

    Attributes
    ----------
    report_ : GuardReport
        Method, guard statistic, decision and reason; `report` for short.
    sources_ : tuple of Source
        What was learned of each source.

    See Also
    --------
    perfmodel.fit_transfer : Makes one from datasets.

    References
    ----------
    .. [1] Jamshidi et al., "Transfer Learning for Improving Model Predictions in Highly
       Configurable Software", SEAMS 2017.
    """

    name: ClassVar[str] = "transfer"
    #: Sources while `fit` learns from them.
    _given: tuple[SourceRuns | Source, ...] = ()

    def __init__(
        self,
        *,
        method: str = "auto",
        space: Any = None,
        seed: int = 0,
        calibrate: bool = True,
    ) -> None:
        super().__init__(space=space, seed=seed, calibrate=calibrate)
        self.method = method

    def fit(
        self, X: Any, y: ArrayLike, sources: Sequence[SourceRuns | Source] = ()
    ) -> Self:
        """Learn the target from its runs and its sources.

        Parameters
        ----------
        X : DataFrame of raw levels, or array-like of numbers, shape (n, k)
            One row a run of the target.
        y : array-like of shape (n,)
            The response of each run.
        sources : sequence of SourceRuns or Source, default=()
            Runs of other environments, with the same options; or what was learned
            of them before, with the same space.

        Returns
        -------
        TransferModel
            This model.

        Raises
        ------
        ModelError
            If the method is unknown, needs a source and has none, or a response of
            a transfer is not positive.
        """
        if self.method not in METHODS:
            raise ModelError(
                f"transfer method {self.method!r} is unknown; choose one of "
                f"{', '.join(METHODS)}"
            )
        if self.method not in ("auto", ALONE) and not sources:
            raise ModelError(f"method {self.method!r} needs a source; give one")
        self._given = tuple(sources)
        try:
            return super().fit(X, y)
        finally:
            del self._given

    @property
    def report(self) -> GuardReport:
        """Method, guard statistic, decision and reason."""
        return self.report_

    # -- what PerformanceModel asks for ------------------------------------

    def _learn(self, codes: Floats, target: Floats) -> None:
        given = () if self.method == ALONE else self._given
        if given and not self.log_response_:
            raise ModelError(
                "a transfer needs positive responses, and the target has one that is "
                "not; leave it out, or fit the target alone"
            )
        self.sources_ = tuple(self._learned(one) for one in given)
        self._note_sources()
        inputs = self._inputs(codes)
        candidates = candidates_for(self._known(), inputs.n_inputs)
        if self.method != "auto" and not self.calibrate:
            choice = Choice.unjudged(self.method, f"{self.method} was asked for")
        elif self.method == "auto":
            choice = choose(inputs, target, candidates, self.seed, self.groups_)
        else:
            wanted = {ALONE: candidates[ALONE], self.method: candidates[self.method]}
            choice = choose(inputs, target, wanted, self.seed, self.groups_)
            choice = choice.forced(self.method)
        self.guard_ = choice
        self.parts_ = {
            name: candidates[name](inputs, target) for name in choice.weights
        }
        self._note_noise()
        self.report_ = GuardReport(
            method=choice.method,
            statistic=choice.statistic,
            decision=choice.decision,
            reason=choice.reason,
            weights=dict(choice.weights),
            errors=dict(choice.errors),
        )

    def _mean(self, codes: Floats) -> Floats:
        inputs = self._inputs(codes)
        base = self._shifted(inputs)
        total = np.zeros(len(codes))
        for name, weight in self.report_.weights.items():
            part = self.parts_[name].mean(inputs)
            kept = clipped(part, self.target_, None if name == ALONE else base)
            total += weight * (kept if self.log_response_ else part)
        return total

    def _spread(self, codes: Floats) -> Floats:
        inputs = self._inputs(codes)
        variance = np.zeros(len(codes))
        for name, weight in self.report_.weights.items():
            variance += weight * self.parts_[name].sd(inputs) ** 2
        return self._floored(np.sqrt(variance))

    def _draws(self, codes: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        inputs = self._inputs(codes)
        names = list(self.report_.weights)
        chosen = rng.choice(
            len(names), size=n_draws, p=[self.report_.weights[n] for n in names]
        )
        out = np.empty((n_draws, len(codes)))
        for position, name in enumerate(names):
            mine = np.flatnonzero(chosen == position)
            out[mine] = self.parts_[name].draws(inputs, len(mine), rng)
        return out

    def _calibrate(self) -> None:
        choice = self.guard_
        if not choice.held_out:
            return
        residuals = self.target_[choice.rows] - choice.blended()
        self.noise_log_sd_ = max(
            self.noise_log_sd_, float(np.sqrt(np.mean(residuals**2)))
        )
        self.calibration_ = Calibration.from_residuals(
            residuals,
            self._floored(choice.blended_sd()),
            None if self.groups_ is None else self.groups_[choice.rows],
        )

    def _state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
        values: dict[str, Any] = {"report": self.report_.to_dict(), "sources": []}
        arrays: dict[str, Any] = {}
        for i, source in enumerate(self.sources_):
            told, own = source_state(source, f"source{i}")
            values["sources"].append(told)
            arrays |= own
        for name, part in self.parts_.items():
            values[name], own = part_state(part, name)
            arrays |= own
        return values, arrays, {}

    def _restore(
        self, values: dict[str, Any], arrays: dict[str, Any], files: dict[str, bytes]
    ) -> None:
        document = dict(entry(values, "report", dict))
        if document.get("statistic") is None:
            document["statistic"] = float("nan")
        try:
            self.report_ = GuardReport(**document)
        except TypeError as error:
            raise ArchiveError(
                "the saved model's 'report' has other keys; save it again"
            ) from error
        self.sources_ = tuple(
            source_again(told, arrays, f"source{i}", self.encoding_)
            for i, told in enumerate(entry(values, "sources", list))
        )
        self._note_sources()
        inputs = self._inputs(self.codes_)
        self.parts_ = {
            name: part_again(
                name,
                entry(values, name, dict),
                arrays,
                inputs,
                self.target_,
                self._known(),
            )
            for name in self.report_.weights
        }

    # -- beneath it ----------------------------------------------------------

    def _floored(self, spread: Floats) -> Floats:
        """Keep a spread from vanishing where a process is surer than its errors."""
        least = max(SPREAD_FLOOR * self.noise_log_sd_, LEAST_SPREAD)
        return np.maximum(spread, least)

    def _note_noise(self) -> None:
        noise = [
            weight * self.parts_[name].noise_sd ** 2
            for name, weight in self.guard_.weights.items()
        ]
        self.noise_log_sd_ = float(np.sqrt(np.sum(noise)))

    def _learned(self, given: SourceRuns | Source) -> Source:
        if isinstance(given, Source):
            return given
        y = np.asarray(given.y, dtype=float)
        if not np.all(y > 0):
            raise ModelError(
                f"source {given.name or 'environment'} has a response of "
                f"{y.min():.4g}; a transfer needs positive responses"
            )
        codes = self.encoding_.codes(given.X)
        return learn_source(codes, np.log(y), self.encoding_, given.name)

    def _note_sources(self) -> None:
        self.means_ = np.array([source.mean for source in self.sources_])
        self.sds_ = np.array([source.sd for source in self.sources_])

    def _known(self) -> Known | None:
        if not self.sources_:
            return None
        lengths = [source.process.log_lengths for source in self.sources_]
        return Known(
            means=self.means_, sds=self.sds_, log_lengths=np.mean(lengths, axis=0)
        )

    def _inputs(self, codes: Floats) -> Inputs:
        columns = [
            (source.log_predict(codes, self.encoding_) - mean) / sd
            for source, mean, sd in zip(self.sources_, self.means_, self.sds_)
        ]
        z = np.column_stack(columns) if columns else np.empty((len(codes), 0))
        return inputs_of(codes, self.encoding_, z)

    def _shifted(self, inputs: Inputs) -> Floats | None:
        """The sources' prediction, moved to the target's level."""
        known = self._known()
        if known is None:
            return None
        base = known.base(inputs)
        at_runs = known.base(self._inputs(self.codes_))
        return np.asarray(base + float(np.mean(self.target_ - at_runs)))
