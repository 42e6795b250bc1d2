"""Writes networks down as layers, and keeps the shape so far."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, Self

from measure.errors import WorkloadError
from measure.workloads.layers import Gemm, Kind, Layer, LayerTable

Norm = Literal["bias", "batch", "none"]
Padding = int | Literal["same"]


class Tape:
    """Writes a network down, layer by layer, and keeps the shape so far.

    Parameters
    ----------
    input_shape : tuple of int
        Channels, height and width.

    Examples
    --------
    >>> tape = Tape((3, 8, 8)).conv(16, 3, padding="same", norm="batch")
    >>> tape.shape, [layer.kind for layer in tape.layers]
    ((16, 8, 8), ['convolution', 'batch_norm', 'activation'])
    """

    def __init__(self, input_shape: tuple[int, int, int]) -> None:
        self.shape = input_shape
        self.layers: list[Layer] = []

    @property
    def size(self) -> int:
        """Elements of the shape so far."""
        return math.prod(self.shape)

    def conv(
        self,
        channels: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: Padding = "same",
        groups: int = 1,
        norm: Norm = "bias",
        activation: bool = True,
    ) -> Self:
        """Add a convolution with what usually follows it.

        Parameters
        ----------
        channels : int
            Of the output.
        kernel : int or tuple of int
            Height and width.
        stride : int, default=1
            In both directions.
        padding : int or "same", default="same"
            Rows and columns added at each side.
        groups : int, default=1
            Groups of channels that do not mix.
        norm : {"bias", "batch", "none"}, default="bias"
            A bias, or no bias and a batch normalisation, or neither.
        activation : bool, default=True
            Whether a rectifier follows.

        Returns
        -------
        Tape
            Itself.
        """
        rows, columns = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        inputs, height, width = self.shape
        out = (
            _size(height, rows, stride, padding),
            _size(width, columns, stride, padding),
        )
        depth = inputs // groups * rows * columns
        gemm = Gemm(
            rows=channels // groups, columns=out[0] * out[1], depth=depth, groups=groups
        )
        before, self.shape = self.size, (channels, *out)
        depthwise = groups > 1 and groups == inputs
        self._write(
            "depthwise" if depthwise else "convolution",
            reads=before,
            parameters=channels * depth,
            macs=gemm.macs,
            gemm=None if depthwise else gemm,
            kernels=1 if depthwise else groups,
        )
        return self._after(channels, norm, activation)

    def separable(
        self, channels: int, kernel: int, *, stride: int = 1, middle: bool = False
    ) -> Self:
        """Add a depthwise and a pointwise convolution with batch normalisation.

        Parameters
        ----------
        channels : int
            Of the output.
        kernel : int
            Height and width of the depthwise filters.
        stride : int, default=1
            Of the depthwise one.
        middle : bool, default=False
            Normalise and rectify between the two, and rectify after, as MobileNet
            does; else only normalise after, as Xception does.

        Returns
        -------
        Tape
            Itself.
        """
        inputs = self.shape[0]
        if middle:
            self.conv(inputs, kernel, stride=stride, groups=inputs, norm="batch")
            return self.conv(channels, 1, norm="batch")
        self.conv(
            inputs, kernel, stride=stride, groups=inputs, norm="none", activation=False
        )
        return self.conv(channels, 1, norm="batch", activation=False)

    def dense(self, units: int, *, activation: bool = True) -> Self:
        """Add a dense layer over all that is there, with a bias.

        Parameters
        ----------
        units : int
            Of the output.
        activation : bool, default=True
            Whether a rectifier follows.

        Returns
        -------
        Tape
            Itself.
        """
        before, self.shape = self.size, (units, 1, 1)
        gemm = Gemm(rows=units, columns=1, depth=before)
        self._write(
            "dense", reads=before, parameters=units * before, macs=gemm.macs, gemm=gemm
        )
        return self._after(units, "bias", activation)

    def pool(self, kernel: int, stride: int, padding: Padding = 0) -> Self:
        """Add a pooling, with partial windows at the far edges.

        Parameters
        ----------
        kernel, stride : int
            Of the windows.
        padding : int or "same", default=0
            Rows and columns added at each side.

        Returns
        -------
        Tape
            Itself.
        """
        channels, height, width = self.shape
        ceil = padding != "same"
        out = tuple(_size(n, kernel, stride, padding, ceil) for n in (height, width))
        before, self.shape = self.size, (channels, out[0], out[1])
        self._write("pooling", reads=before)
        return self

    def pool_to(self, size: int) -> Self:
        """Add a pooling to a fixed grid, so that weights do not depend on the input.

        Parameters
        ----------
        size : int
            Height and width of the output.

        Returns
        -------
        Tape
            Itself.
        """
        if self.shape[1:] != (size, size):
            before, self.shape = self.size, (self.shape[0], size, size)
            self._write("pooling", reads=before)
        return self

    def point(self, kind: Kind) -> Self:
        """Add a layer that writes as many elements as it reads.

        Parameters
        ----------
        kind : str
            Such as ``response_norm`` or ``softmax``.

        Returns
        -------
        Tape
            Itself.
        """
        self._write(kind, reads=self.size)
        return self

    def batch_norm(self) -> Self:
        """Add a batch normalisation.

        Returns
        -------
        Tape
            Itself.
        """
        return self._after(self.shape[0], "batch", activation=False)

    def add(self) -> Self:
        """Add a residual to what is there.

        Returns
        -------
        Tape
            Itself.
        """
        self._write("add", reads=2 * self.size)
        return self

    def branches(self, branches: Iterable[Tape]) -> Self:
        """Append branches that start at this shape, and concatenate their ends.

        Parameters
        ----------
        branches : iterable of Tape
            Each made by `branch`.

        Returns
        -------
        Tape
            Itself.
        """
        ends = []
        for branch in branches:
            self.layers.extend(branch.layers)
            ends.append(branch.shape)
        self.shape = (sum(shape[0] for shape in ends), *ends[0][1:])
        self._write("concatenate", reads=self.size, kernels=len(ends))
        return self

    def branch(self) -> Tape:
        """Return an empty tape that starts at this shape.

        Returns
        -------
        Tape
            To be handed to `branches` or `beside`.
        """
        return Tape(self.shape)

    def beside(self, branch: Tape) -> Self:
        """Append a branch without taking its shape: the short cut of a residual.

        Parameters
        ----------
        branch : Tape
            Made by `branch`.

        Returns
        -------
        Tape
            Itself.
        """
        self.layers.extend(branch.layers)
        return self

    def table(self, network: str, input_shape: tuple[int, int, int]) -> LayerTable:
        """Return what was written.

        Parameters
        ----------
        network : str
            Its name.
        input_shape : tuple of int
            Channels, height and width of an item.

        Returns
        -------
        LayerTable
            With the layers numbered.
        """
        layers = (
            replace(layer, name=f"{number:03d}_{layer.kind}")
            for number, layer in enumerate(self.layers, start=1)
        )
        return LayerTable(
            network=network, input_shape=input_shape, layers=tuple(layers)
        )

    def _after(self, channels: int, norm: Norm, activation: bool) -> Self:
        if norm == "batch":
            self._write("batch_norm", reads=self.size, parameters=2 * channels)
        elif norm == "bias":
            self._write("bias", reads=self.size, parameters=channels)
        return self.point("activation") if activation else self

    def _write(
        self,
        kind: Kind,
        *,
        reads: int,
        parameters: int = 0,
        gemm: Gemm | None = None,
        macs: int = 0,
        kernels: int = 1,
    ) -> None:
        self.layers.append(
            Layer(
                name=kind,
                kind=kind,
                reads=reads,
                writes=self.size,
                parameters=parameters,
                macs=macs,
                gemm=gemm,
                kernels=kernels,
            )
        )


def _size(
    length: int, kernel: int, stride: int, padding: Padding, ceil: bool = False
) -> int:
    if padding == "same":
        return math.ceil(length / stride)
    span = length + 2 * padding - kernel
    size = (math.ceil(span / stride) if ceil else span // stride) + 1
    if size < 1:
        raise WorkloadError(
            f"an input of {length} pixels has no place for a window of {kernel}; "
            "take a larger image size"
        )
    return size
