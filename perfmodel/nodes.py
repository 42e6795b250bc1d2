"""Trees as plain node arrays: walked by numpy, saved, checked, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perfmodel.archive import array
from perfmodel.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = ["NodeArrays"]

#: A node without children, as scikit-learn marks it.
LEAF = -1
#: Rows that are walked through all trees at once, times trees.
WALKED_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeArrays:
    """The nodes of one or more trees, one after the other.

    Parameters
    ----------
    roots : ndarray of int, shape (n_trees,)
        First node of each tree.
    left, right : ndarray of int, shape (n_nodes,)
        Where a row goes whose feature is at most the threshold, or above; -1, both of
        them, in a leaf.
    feature : ndarray of int, shape (n_nodes,)
        Which feature is compared; anything in a leaf.
    threshold, value : ndarray of float, shape (n_nodes,)
        What it is compared with; what a leaf predicts.

    Examples
    --------
    >>> nodes = NodeArrays(
    ...     roots=np.array([0]), left=np.array([1, -1, -1]),
    ...     right=np.array([2, -1, -1]), feature=np.array([0, 0, 0]),
    ...     threshold=np.array([0.5, 0, 0]), value=np.array([0.0, 1.0, 2.0]))
    >>> nodes.predict(np.array([[0.0], [1.0]])).tolist()
    [1.0, 2.0]
    """

    roots: Integers
    left: Integers
    right: Integers
    feature: Integers
    threshold: Floats
    value: Floats

    @classmethod
    def from_trees(cls, trees: Sequence[Any]) -> NodeArrays:
        """Take the nodes of scikit-learn's trees.

        Parameters
        ----------
        trees : sequence of sklearn.tree.DecisionTreeRegressor
            Fitted to one response.

        Returns
        -------
        NodeArrays
            Children are numbered through all trees.
        """
        parts = [estimator.tree_ for estimator in trees]
        sizes = np.array([part.node_count for part in parts])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)

        def children(name: str) -> Integers:
            shifted = [
                np.where(getattr(part, name) == LEAF, LEAF, getattr(part, name) + root)
                for part, root in zip(parts, roots, strict=True)
            ]
            return np.concatenate(shifted).astype(np.int64)

        return cls(
            roots=roots,
            left=children("children_left"),
            right=children("children_right"),
            feature=np.concatenate([np.maximum(p.feature, 0) for p in parts]).astype(
                np.int64
            ),
            threshold=np.concatenate([p.threshold for p in parts]),
            value=np.concatenate([p.value[:, 0, 0] for p in parts]),
        )

    def predict(self, features: Floats) -> Floats:
        """Average the trees.

        Parameters
        ----------
        features : ndarray of shape (n, n_features)
            Compared in single precision, as scikit-learn compares them.

        Returns
        -------
        ndarray of shape (n,)
            Mean over the trees.
        """
        rows = np.asarray(features, dtype=np.float32)
        out = np.empty(len(rows))
        step = max(WALKED_AT_ONCE // len(self.roots), 1)
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            out[start : start + step] = self._walk(part).mean(axis=1)
        return out

    def _walk(self, rows: NDArray[np.float32]) -> Floats:
        """Send each row down each tree; values of shape (n, n_trees)."""
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
        n = np.arange(len(rows))[:, None]
        while True:
            inner = self.left[node] != LEAF
            if not inner.any():
                return np.asarray(self.value[node])
            below = rows[n, self.feature[node]] <= self.threshold[node]
            child = np.where(below, self.left[node], self.right[node])
            node = np.where(inner, child, node)

    def to_arrays(self) -> dict[str, Any]:
        """Give the arrays under the names that `from_arrays` reads.

        Returns
        -------
        dict of str to ndarray
            Of plain numbers.
        """
        return {f"nodes_{name}": getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], n_features: int) -> NodeArrays:
        """Take saved nodes, after checking that a walk ends within them.

        Parameters
        ----------
        arrays : dict of str to ndarray
            As `to_arrays` gave them.
        n_features : int
            How many features a row has.

        Returns
        -------
        NodeArrays
            The same as was saved.

        Raises
        ------
        ArchiveError
            If an index points out of its array, or a child stands before its parent.
        """
        roots = array(arrays, "nodes_roots", "iu", (-1,)).astype(np.int64)
        left = array(arrays, "nodes_left", "iu", (-1,)).astype(np.int64)
        n = left.shape
        right = array(arrays, "nodes_right", "iu", n).astype(np.int64)
        feature = array(arrays, "nodes_feature", "iu", n).astype(np.int64)
        threshold = array(arrays, "nodes_threshold", "f", n)
        value = array(arrays, "nodes_value", "f", n)
        node = np.arange(n[0])
        leaf = left == LEAF
        sound = (
            len(roots) > 0
            and np.all((0 <= roots) & (roots < n[0]))
            and np.array_equal(leaf, right == LEAF)
            # Children stand after their parent: so no walk goes round in circles.
            and np.all(leaf | ((left > node) & (left < n[0])))
            and np.all(leaf | ((right > node) & (right < n[0])))
            and np.all((0 <= feature) & (feature < n_features))
        )
        if not sound:
            raise ArchiveError(
                "the saved trees point outside their nodes; save the model again"
            )
        return cls(
            roots=roots,
            left=left,
            right=right,
            feature=feature,
            threshold=threshold,
            value=value,
        )
