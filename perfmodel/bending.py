"""How far numeric options may bend beyond what a regression lets them.

A line or a parabola stands for a shape that is known at the measured levels only. What
it leaves out biases effects, and no residual shows it where a design measures the ends
of a ladder alone. So functions are drawn with random bends, of a size relative to the
slope: an effect that is not there does not bend either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from measure.terms import Factor, Term
from perfmodel.stepping import coded, term_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.options import Option
    from perfmodel.encoding import Encoding

    Floats = NDArray[np.float64]

__all__ = ["Bends", "draw_bends"]

#: Standard deviation of the bend of an option in its interactions: how far the middle
#: of its range lies off the line between the ends, in half ranges. Of the published
#: clock ladders, latency bends by .2 to .4.
BEND = 0.3
#: The same for what a parabola leaves of a main effect.
TWIST = 0.05
#: An option bends in its interactions as its own parabola does, up to this.
MOST_BEND = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bends:
    """One draw of how options bend.

    Parameters
    ----------
    curves : mapping of str to float
        Option to its bend in interactions.
    twists : mapping of str to float
        Option to the cubic part of its main effect.
    """

    curves: dict[str, float] = field(default_factory=dict)
    twists: dict[str, float] = field(default_factory=dict)

    def columns(self, encoding: Encoding, term: Term, codes: Floats) -> Floats:
        """Give a term's columns where options bend.

        Parameters
        ----------
        encoding : Encoding
            Of the space.
        term : Term
            The term.
        codes : ndarray of shape (n, n_options)
            Levels.

        Returns
        -------
        ndarray of shape (n, n_columns)
            Those of `perfmodel.stepping.term_columns` without bends.
        """
        if len(term.factors) == 1:
            factor = term.factors[0]
            block = term_columns(encoding, term, codes)
            if factor.power > 1 or factor.option not in self.twists:
                return block
            option = encoding.space.options[factor.option]
            cubic = np.polyval(_cubic(option), block[:, 0])
            return block + self.twists[factor.option] * cubic[:, None]
        block = np.ones((len(codes), 1))
        for factor in term.factors:
            own = coded(encoding, factor, codes)
            if factor.power == 1 and factor.option in self.curves:
                own = own + self.curves[factor.option] * (1 - own**2)
            block = (block[:, :, None] * own[:, None, :]).reshape(len(block), -1)
        return block


def draw_bends(
    encoding: Encoding,
    terms: Sequence[tuple[Term, Sequence[float]]],
    rng: np.random.Generator,
) -> Bends:
    """Draw how the options of a fitted regression may bend.

    Parameters
    ----------
    encoding : Encoding
        Of the space.
    terms : sequence of tuple of Term and sequence of float
        What was kept, and its coefficients.
    rng : numpy.random.Generator
        Source of the draw.

    Returns
    -------
    Bends
        Options of two levels do not bend, those of three do not twist.
    """
    slopes = {str(term): values[0] for term, values in terms if len(values) == 1}
    curves, twists = {}, {}
    for option in encoding.space.options:
        if option.kind != "numeric" or len(option.levels) < 3:
            continue
        slope = slopes.get(str(Term.of(option.name)), 0.0)
        square = slopes.get(str(Term((Factor(option.name, 2),))), 0.0)
        own = min(abs(square / slope), MOST_BEND) if slope else 0.0
        curves[option.name] = max(BEND, own) * float(rng.standard_normal())
        if len(option.levels) > 3:
            twists[option.name] = TWIST * float(rng.standard_normal())
    return Bends(curves=curves, twists=twists)


def _cubic(option: Option) -> Floats:
    """Return what a parabola over the levels leaves of a cubic, at most 1."""
    levels = np.asarray(option.levels, dtype=float)
    x = 2 * (levels - levels.min()) / np.ptp(levels) - 1
    left = np.array([1.0, 0, 0, 0]) - np.append(0.0, np.polyfit(x, x**3, 2))
    return np.asarray(left / np.abs(np.polyval(left, x)).max())
