"""Networks as tables of layers: what each computes, reads and writes.

The counts are derived from the architecture alone, for any input size, so that
a cost model needs neither weights nor a runtime. `tape` writes networks down,
`architectures` holds those that are known by name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "convolution",
    "depthwise",
    "dense",
    "bias",
    "batch_norm",
    "activation",
    "response_norm",
    "pooling",
    "add",
    "concatenate",
    "softmax",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemm:
    """A matrix product that a layer amounts to, for one item.

    Parameters
    ----------
    rows : int
        Output channels, of one group.
    columns : int
        Output positions of one item; a batch multiplies them.
    depth : int
        Length of the sums, of one group.
    groups : int, default=1
        How many such products there are.
    """

    rows: int
    columns: int
    depth: int
    groups: int = 1

    @property
    def macs(self) -> int:
        """Multiply-add operations of one item."""
        return self.rows * self.columns * self.depth * self.groups

    def tiled_macs(self, batch: int, tile: tuple[int, int]) -> int:
        """Return the multiply-adds that are carried out in whole tiles.

        Parameters
        ----------
        batch : int
            Items in a call.
        tile : tuple of int
            Rows and columns of the result that a thread block computes.

        Returns
        -------
        int
            Of the whole batch; edges of the result fill a tile all the same.

        Examples
        --------
        >>> Gemm(rows=96, columns=3025, depth=363).tiled_macs(1, (128, 64))
        142737408
        """
        rows = math.ceil(self.rows / tile[0]) * tile[0]
        columns = math.ceil(self.columns * batch / tile[1]) * tile[1]
        return rows * columns * self.depth * self.groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One step of a network, counted for one item.

    Parameters
    ----------
    name : str
        Unique within its table.
    kind : str
        What it computes.
    reads, writes : int
        Elements of activations that go in and come out.
    parameters : int, default=0
        Trained numbers.
    macs : int, default=0
        Multiply-adds; none for layers that only pass over the data.
    gemm : Gemm, optional
        The matrix product, of convolutions and dense layers.
    kernels : int, default=1
        GPU kernels that a runtime without fusion launches for it.
    """

    name: str
    kind: Kind
    reads: int
    writes: int
    parameters: int = 0
    macs: int = 0
    gemm: Gemm | None = None
    kernels: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTable:
    """A network at one input size.

    Parameters
    ----------
    network : str
        Its name.
    input_shape : tuple of int
        Channels, height and width of an item.
    layers : tuple of Layer
        In the order in which they run.
    """

    network: str
    input_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """Trained numbers, the scale and shift of normalisations among them."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-adds of one item in convolutions and dense layers."""
        return sum(layer.macs for layer in self.layers)

    @property
    def kernels(self) -> int:
        """GPU kernels that a runtime without fusion launches for a call."""
        return sum(layer.kernels for layer in self.layers)

    @property
    def input_elements(self) -> int:
        """Numbers in one item."""
        return math.prod(self.input_shape)

    def parameter_bytes(self, bytes_per_element: int = 4) -> int:
        """Return the size of the weights.

        Parameters
        ----------
        bytes_per_element : int, default=4
            2 for half precision.

        Returns
        -------
        int
            Bytes.
        """
        return self.parameters * bytes_per_element

    def activation_bytes(self, batch: int = 1, bytes_per_element: int = 4) -> int:
        """Return what the layers write, the whole batch together.

        Parameters
        ----------
        batch : int, default=1
            Items in a call.
        bytes_per_element : int, default=4
            2 for half precision.

        Returns
        -------
        int
            Bytes.
        """
        written = sum(layer.writes for layer in self.layers)
        return written * batch * bytes_per_element

    def flops(self, batch: int = 1) -> int:
        """Return the floating-point operations of a call.

        Parameters
        ----------
        batch : int, default=1
            Items in a call.

        Returns
        -------
        int
            Two a multiply-add.
        """
        return 2 * self.macs * batch
