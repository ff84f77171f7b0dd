"""A random forest as plain arrays: trained by scikit-learn, run and kept without it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees in a row: node i asks whether ``feature[i] <= threshold[i]`` and goes to ``left[i]``
    or ``right[i]``; at a leaf both are i. ``share`` is the part of each class there (axes
    ``node, class``), ``roots`` where each tree begins."""

    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    share: NDArray[np.float32]
    roots: NDArray[np.int32]
    depth: int

    @classmethod
    def train(
        cls,
        features: NDArray[np.float32],
        classes: NDArray[np.intp],
        trees: int,
        depth: int,
        seed: int,
    ) -> Forest:
        """Grow trees on samples (axes ``sample, feature``) of classes 0, 1 …; classes weigh alike
        however many samples they have.

        Reference: Breiman 2001, Mach. Learn. 45, 5.
        """
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            n_estimators=trees, max_depth=depth, min_samples_leaf=2, class_weight="balanced",
            random_state=seed, n_jobs=1,
        )  # fmt: skip
        forest.fit(features, classes)
        parts: dict[str, list[NDArray]] = {n: [] for n in ("f", "t", "l", "r", "s")}
        roots, start = [], 0
        for grown in forest.estimators_:
            tree = grown.tree_
            here = np.arange(tree.node_count)
            leaf = tree.children_left < 0
            parts["f"].append(np.where(leaf, 0, tree.feature))
            parts["t"].append(tree.threshold)
            parts["l"].append(start + np.where(leaf, here, tree.children_left))
            parts["r"].append(start + np.where(leaf, here, tree.children_right))
            counts = tree.value[:, 0]
            parts["s"].append(counts / counts.sum(axis=1, keepdims=True))
            roots.append(start)
            start += tree.node_count
        joined = {name: np.concatenate(arrays) for name, arrays in parts.items()}
        return cls(
            joined["f"].astype(np.int32), joined["t"].astype(np.float32),
            joined["l"].astype(np.int32), joined["r"].astype(np.int32),
            joined["s"].astype(np.float32), np.array(roots, np.int32),
            max(int(grown.get_depth()) for grown in forest.estimators_),
        )  # fmt: skip

    def shares(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean share of each class (axes ``sample, class``) for ``sample, feature``."""
        count = len(features)
        flat, width = np.ascontiguousarray(features, np.float32).ravel(), features.shape[-1]
        base = np.arange(count) * width
        total = np.zeros((count, self.share.shape[1]), np.float32)
        for root in self.roots:
            node = np.full(count, root, np.int32)
            for _ in range(self.depth):
                below = flat[base + self.feature[node]] <= self.threshold[node]
                node = np.where(below, self.left[node], self.right[node])
            total += self.share[node]
        return total / np.float32(len(self.roots))

    def save(self, path: str | Path) -> None:
        """Write the arrays (NumPy's npz; no pickle)."""
        with Path(path).open("wb") as file:
            np.savez_compressed(
                file, feature=self.feature, threshold=self.threshold, left=self.left,
                right=self.right, share=self.share, roots=self.roots, depth=np.array(self.depth),
            )  # fmt: skip

    @classmethod
    def load(cls, path: str | Path) -> Forest:
        """Read what :meth:`save` wrote; raises InputError on anything else."""
        names = ("feature", "threshold", "left", "right", "share", "roots")
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in names}
                forest = cls(**arrays, depth=int(stored["depth"]))
        except (OSError, KeyError, ValueError, EOFError) as error:
            raise InputError(
                f"{path} does not hold a pixel classifier ({error}); expected an npz file that "
                f"Forest.save wrote. Give `labels` to train one."
            ) from None
        nodes = len(forest.feature)
        links = (forest.left, forest.right, forest.roots)
        per_node = (forest.threshold, forest.left, forest.right, forest.share)
        sound = all(len(a) == nodes for a in per_node) and all(
            len(a) and a.min() >= 0 and a.max() < nodes for a in links
        )
        if not sound:
            raise InputError(
                f"{path} holds a pixel classifier whose nodes point outside of it: the file is "
                f"damaged. Train again from `labels`."
            )
        return forest
