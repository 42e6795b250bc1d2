"""What is known of a source: its runs, and a process where it was not measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.encoding import Encoding
from perfmodel.transfer.inputs import Inputs
from perfmodel.transfer.process import Prior, Process, fit_process

__all__ = ["Source", "inputs_of", "learn_source"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A source environment: measured where it was, else its process.

    Parameters
    ----------
    codes : ndarray of shape (n, n_options)
        Its configurations, in the codes of the space that it shares with the target.
    log_y : ndarray of shape (n,)
        Their log responses.
    process : Process
        Learned from them.
    name : str, default=""
        How the environment is called.
    """

    codes: Floats
    log_y: Floats
    process: Process
    name: str = ""

    @property
    def mean(self) -> float:
        """Mean log response of its runs."""
        return float(np.mean(self.log_y))

    @property
    def sd(self) -> float:
        """Standard deviation of its log response; 1 if it does not vary."""
        sd = float(np.std(self.log_y))
        return sd if sd > 0 else 1.0

    def log_predict(self, codes: Floats, encoding: Encoding) -> Floats:
        """Give the log response of configurations: measured, or else predicted.

        Parameters
        ----------
        codes : ndarray of shape (m, n_options)
            Configurations.
        encoding : Encoding
            Of the shared space.

        Returns
        -------
        ndarray of shape (m,)
            Log response in the source environment.
        """
        out = self.process.mean(inputs_of(codes, encoding))
        measured = {row.tobytes(): value for row, value in zip(self.codes, self.log_y)}
        for i, row in enumerate(np.ascontiguousarray(codes)):
            out[i] = measured.get(row.tobytes(), out[i])
        return out

    def scaled(self, codes: Floats, encoding: Encoding) -> Floats:
        """Place configurations so that distances count as the source's process sees.

        Parameters
        ----------
        codes : ndarray of shape (m, n_options)
            Configurations.
        encoding : Encoding
            Of the shared space.

        Returns
        -------
        ndarray of shape (m, n_features)
            Features, each divided by its option's length scale.
        """
        inputs = inputs_of(codes, encoding)
        lengths = np.exp(self.process.log_lengths)[list(inputs.groups)]
        return np.asarray(inputs.x / lengths)


def inputs_of(codes: Floats, encoding: Encoding, z: Floats | None = None) -> Inputs:
    """Turn codes into what a process compares.

    Parameters
    ----------
    codes : ndarray of shape (n, n_options)
        Configurations.
    encoding : Encoding
        Of their space.
    z : ndarray of shape (n, n_sources), optional
        Standardised source values; none by default.

    Returns
    -------
    Inputs
        With one group of features an option.
    """
    places = {name: i for i, name in enumerate(encoding.space.names)}
    return Inputs(
        x=encoding.features(codes),
        z=np.empty((len(codes), 0)) if z is None else z,
        groups=tuple(places[name] for name in encoding.columns),
    )


def learn_source(
    codes: Floats, log_y: Floats, encoding: Encoding, name: str = ""
) -> Source:
    """Learn what a source says about configurations that were not measured on it.

    Parameters
    ----------
    codes : ndarray of shape (n, n_options)
        Its configurations.
    log_y : ndarray of shape (n,)
        Their log responses.
    encoding : Encoding
        Of the shared space.
    name : str, default=""
        How the environment is called.

    Returns
    -------
    Source
        With a process at the mode of its parameters.
    """
    codes = np.ascontiguousarray(codes)
    inputs = inputs_of(codes, encoding)
    process = fit_process(inputs, log_y, Prior.alone(inputs.n_inputs))
    return Source(codes=codes, log_y=log_y, process=process, name=name)
