"""The models there are, by name; importing this loads none of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from measure.spelling import did_you_mean
from perfmodel.errors import ModelError

if TYPE_CHECKING:
    from measure.space import ConfigurationSpace
    from perfmodel.base import PerformanceModel

__all__ = ["AUTO", "MODELS", "RACING", "make_model", "model_class"]

#: Module and class of each model.
MODELS = {
    "gaussian-process": ("gaussian_process", "GaussianProcessModel"),
    "stepwise": ("linear", "StepwiseModel"),
    "cart": ("trees", "CartModel"),
    "forest": ("trees", "ForestModel"),
    "extra-trees": ("trees", "ExtraTreesModel"),
    "xgboost": ("trees", "XGBoostModel"),
}
AUTO = "auto"
#: Models that ``auto`` chooses from, in this order where errors are equal.
RACING = ("gaussian-process", "stepwise", "cart", "forest", "xgboost")


def model_class(name: str) -> type[PerformanceModel]:
    """Give the class of a model.

    Parameters
    ----------
    name : str
        One of `MODELS`.

    Returns
    -------
    type
        A subclass of `PerformanceModel`.

    Raises
    ------
    ModelError
        If there is no such model.

    Examples
    --------
    >>> model_class("oracle")
    Traceback (most recent call last):
    perfmodel.errors.ModelError: no model 'oracle'; choose one of auto, ...
    """
    if name not in MODELS:
        kinds = [AUTO, *MODELS]
        raise ModelError(
            f"no model {name!r}; choose one of {', '.join(kinds)}"
            f"{did_you_mean(name, kinds)}"
        )
    module, attribute = MODELS[name]
    found: type[PerformanceModel] = getattr(
        import_module(f"perfmodel.{module}"), attribute
    )
    return found


def make_model(
    name: str, space: ConfigurationSpace | None = None, seed: int = 0
) -> PerformanceModel:
    """Make a model by its name, ready to be fitted.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    space : ConfigurationSpace, optional
        The options; by default what the rows will show.
    seed : int, default=0
        Seed of everything random in it.

    Returns
    -------
    PerformanceModel
        Not fitted.

    Raises
    ------
    ModelError
        If there is no such model.

    Examples
    --------
    >>> make_model("cart", seed=3).seed
    3
    """
    return model_class(name)(space=space, seed=seed)
