"""What a fitted model tells of itself; a regressor of the user's tells less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from measure.space import ConfigurationSpace

__all__ = ["Facts", "facts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a fitted model beside its predictions.

    Parameters
    ----------
    response, unit : str, default=""
        What it predicts; empty if it does not say.
    environment : mapping of str to str, default={}
        Where.
    space : ConfigurationSpace, optional
        Its options.
    log_response : bool, default=True
        Whether it learned the logarithm.
    learnable : bool, default=True
        Whether it predicts better than the mean, as far as is known.
    p_values : mapping of str to float, default={}
        Its own tests, term to p-value.
    draws_are_refits : bool, default=False
        Whether each draw of its mean function is a fit.
    """

    response: str = ""
    unit: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    space: ConfigurationSpace | None = None
    log_response: bool = True
    learnable: bool = True
    p_values: Mapping[str, float] = field(default_factory=dict)
    draws_are_refits: bool = False


def facts_of(model: Any) -> Facts:
    """Ask a fitted model for what it knows.

    Parameters
    ----------
    model : PerformanceModel
        Or any fitted regressor, of which `perfmodel.fit` keeps the response, its unit,
        the environment and the cross-validation.

    Returns
    -------
    Facts
        With defaults for what it does not tell.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> facts_of(LinearRegression()).response
    ''
    """
    told = {
        name: getattr(model, attribute)
        for name, attribute in (
            ("response", "response_"),
            ("unit", "unit_"),
            ("environment", "environment_"),
            ("space", "space_"),
            ("log_response", "log_response_"),
            ("p_values", "p_values_"),
            ("draws_are_refits", "draws_are_refits"),
        )
        if hasattr(model, attribute)
    }
    validation = getattr(model, "cross_validation_", None)
    learnable = validation is None or bool(validation.learnable)
    return Facts(**told, learnable=learnable)
