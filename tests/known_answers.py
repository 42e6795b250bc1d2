"""Functions of configurations whose functional-ANOVA components are known exactly.

Each is a `KnownAnswer`: the log response is a mean plus components that are written
down, each with mean zero over either of its options, so on the full product of levels
they *are* the functional-ANOVA components.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from measure.space import ConfigurationSpace, Option

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """A response with known main effects and interactions.

    Parameters
    ----------
    space : ConfigurationSpace
        Its options.
    log_mean : float
        Mean of the log response.
    main : mapping of str to ndarray
        Component of each option on its levels; absent is inert.
    pairs : mapping of (str, str) to ndarray
        Component of each pair on its levels, options in space order.
    three_way : mapping of (str, str, str) to ndarray
        Components of third order.
    """

    space: ConfigurationSpace
    log_mean: float
    main: Mapping[str, Floats]
    pairs: Mapping[tuple[str, str], Floats] = field(default_factory=dict)
    three_way: Mapping[tuple[str, str, str], Floats] = field(default_factory=dict)

    def log_response(self, frame: pd.DataFrame) -> Floats:
        """Return the log response of configurations."""
        indices = self.space.encode(frame)
        place = {name: indices[:, i] for i, name in enumerate(self.space.names)}
        total = np.full(len(frame), self.log_mean)
        for name, values in self.main.items():
            total += values[place[name]]
        for pair, table in self.pairs.items():
            total += table[place[pair[0]], place[pair[1]]]
        for triple, cube in self.three_way.items():
            total += cube[tuple(place[name] for name in triple)]
        return total

    def response(self, frame: pd.DataFrame) -> Floats:
        """Return the response of configurations."""
        return np.exp(self.log_response(frame))

    def noisy(self, frame: pd.DataFrame, noise: float, seed: int) -> Floats:
        """Return the response with log-normal noise of that standard deviation."""
        rng = np.random.default_rng(seed)
        return np.exp(self.log_response(frame) + rng.normal(0, noise, len(frame)))

    def truth(self) -> pd.DataFrame:
        """Return term, effect (per cent) and share of each main effect and pair."""
        components = {(name,): values for name, values in self.main.items()}
        components |= dict(self.pairs)
        variances = {key: np.mean(value**2) for key, value in components.items()}
        rest = sum(np.mean(cube**2) for cube in self.three_way.values())
        total = sum(variances.values()) + rest
        rows = [
            {
                "term": ":".join(key),
                "effect": 100 * float(np.exp(value.max()) - np.exp(value.min())),
                "share": float(variances[key] / total),
            }
            for key, value in components.items()
        ]
        return pd.DataFrame(rows).sort_values("share", ascending=False)


class ExactModel:
    """A model that predicts a known answer, and is sure of it up to white noise."""

    def __init__(self, answer: KnownAnswer, doubt: float = 0.0) -> None:
        self.answer = answer
        self.doubt = doubt
        self.space_ = answer.space

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Return the response itself."""
        return self.answer.response(frame)

    def draws(self, frame: pd.DataFrame, n_draws: int, seed: int) -> Floats:
        """Return log responses, each configuration off by its own noise."""
        rng = np.random.default_rng(seed)
        noise = rng.normal(0, self.doubt, (n_draws, len(frame)))
        return self.answer.log_response(frame) + noise


def centred(*values: float) -> Floats:
    """Return a main effect's component: values less their mean."""
    array = np.array(values, dtype=float)
    return array - array.mean()


def product(left: Floats, right: Floats) -> Floats:
    """Return a pair's component, the product of two centred functions."""
    return np.outer(left, right)


def additive() -> KnownAnswer:
    """Two-level, five-level, three-category options without any interaction."""
    space = ConfigurationSpace(
        [
            Option(name="fast", levels=(False, True)),
            Option(name="frequency", levels=(1, 2, 3, 4, 5)),
            Option(name="backend", levels=("graph", "xla", "tflite")),
            Option(name="inert", levels=(0, 1)),
        ]
    )
    main = {
        "fast": centred(0.1, -0.1),
        "frequency": centred(0.4, 0.2, 0.1, 0.05, 0.0),
        "backend": centred(0.0, 0.3, -0.2),
    }
    return KnownAnswer(space=space, log_mean=-2.0, main=main)


def interacting() -> KnownAnswer:
    """Six options, two inert; three interactions, one without its main effects."""
    space = ConfigurationSpace(
        [
            Option(name="a", levels=(0, 1)),
            Option(name="b", levels=(0, 1)),
            Option(name="c", levels=(1, 2, 4, 8)),
            Option(name="d", levels=("p", "q", "r")),
            Option(name="e", levels=(0, 1)),
            Option(name="f", levels=(10, 20, 30)),
        ]
    )
    sign = np.array([-1.0, 1.0])
    slope = np.array([-1.5, -0.5, 0.5, 1.5])
    return KnownAnswer(
        space=space,
        log_mean=0.5,
        main={
            "a": 0.2 * sign,
            "b": -0.1 * sign,
            "c": 0.15 * slope,
            "d": centred(0.0, 0.1, -0.25),
        },
        pairs={
            ("a", "b"): product(0.08 * sign, sign),
            ("a", "c"): product(-0.05 * sign, slope),
            ("b", "d"): product(0.06 * sign, np.array([1.0, -2.0, 1.0])),
        },
    )


def ishigami(n_levels: int = 7) -> KnownAnswer:
    """Ishigami's function on equally spaced levels of three options.

    Symmetric levels keep its structure: x1 and x2 have main effects, x3 has none but
    an interaction with x1.

    References
    ----------
    .. [1] Ishigami and Homma, *An importance quantification technique in uncertainty
       analysis for computer models*, ISUMA 1990.
    """
    levels = np.linspace(-np.pi, np.pi, n_levels)
    space = ConfigurationSpace(
        [
            Option(name=name, levels=tuple(levels.tolist()))
            for name in ("x1", "x2", "x3")
        ]
    )
    scale = 0.1
    fourth = levels**4
    wave = np.sin(levels)
    return KnownAnswer(
        space=space,
        log_mean=scale * 7 * float(np.mean(wave**2)),
        main={
            "x1": scale * wave * (1 + 0.1 * fourth.mean()),
            "x2": scale * 7 * centred(*(wave**2)),
        },
        pairs={("x1", "x3"): product(scale * wave, 0.1 * centred(*fourth))},
    )


def third_order() -> KnownAnswer:
    """Two main effects, and an interaction of three options that pairs cannot hold."""
    space = ConfigurationSpace(
        [Option(name=name, levels=(0, 1)) for name in ("a", "b", "c")]
    )
    sign = np.array([-1.0, 1.0])
    return KnownAnswer(
        space=space,
        log_mean=0.0,
        main={"a": 0.3 * sign, "b": 0.1 * sign},
        three_way={("a", "b", "c"): 0.1 * np.einsum("i,j,k->ijk", sign, sign, sign)},
    )


def brute_force_front(points: Floats) -> NDArray[np.bool_]:
    """Mark the points that no other one dominates, by comparing all pairs."""
    return np.array(
        [
            not any((other <= one).all() and (other < one).any() for other in points)
            for one in points
        ]
    )
