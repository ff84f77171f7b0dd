"""Trabecular bone: a net of mineralised struts and plates, with marrow between.

Human trabeculae are 0.1 to 0.2 mm thick, 0.5 to 1 mm apart and take 5 to 25 % (Hildebrand et al.
1999, J. Bone Miner. Res. 14, 1167).
"""

from __future__ import annotations

import numpy as np

from simulators.packing import packed
from simulators.shapes import Shapes, along, cylinders, ellipsoids
from simulators.specimens.specimen import family

MARROW, BONE = 1, 2


@family(
    "trabecular_bone",
    en="trabecular bone",
    zh="松质骨",
    phases=(("marrow", "adipose marrow"), ("bone", "bone mineral and collagen")),
    energy_kev=30.0,
    pixel_size_m=3e-6,
)
def trabecular_bone(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Nodes some 0.25 of the radius apart, each joined to its nearest by rods or plates."""
    from scipy.spatial import cKDTree

    core = 0.97 * radius
    apart = radius * rng.uniform(0.17, 0.23)
    thick = apart * rng.uniform(0.13, 0.19)
    tall = height + 4 * apart  # struts come into the heights from nodes outside them
    nodes, _ = packed(0.5, core, tall, lambda n: np.full(n, apart / 2), rng, inside=0.35)
    near = cKDTree(nodes).query(nodes, k=5)[1][:, 1:]
    pairs = np.stack([np.repeat(np.arange(len(nodes)), 4), near.ravel()], axis=1)
    pairs = np.unique(np.sort(pairs[pairs[:, 1] < len(nodes)], axis=1), axis=0)
    a, b = nodes[pairs[:, 0]], nodes[pairs[:, 1]]
    span = np.linalg.norm(b - a, axis=1)
    pairs, a, b, span = (v[span < 1.9 * apart] for v in (pairs, a, b, span))
    n = len(pairs)
    width = thick * rng.uniform(0.75, 1.25, n)
    half = np.stack([width, width * rng.uniform(0.7, 1.0, n), span / 2], axis=1)
    struts = cylinders((a + b) / 2, half, BONE, along(b - a))
    joints = ellipsoids(nodes, thick * rng.uniform(1.1, 1.6, (len(nodes), 3)), BONE)
    marrow = cylinders([[0, 0, 0]], [core, core, height / 2 + radius], MARROW)
    bone = struts + joints + _plates(nodes, near, thick, rng)
    return marrow + bone[bone.farthest() < radius]


def _plates(nodes: np.ndarray, near: np.ndarray, thick: float, rng: np.random.Generator) -> Shapes:
    """Flat bodies over some of the triangles between nodes and two of their neighbours."""
    owner = np.repeat(np.arange(len(nodes)), 2)
    others = np.stack([near[:, [0, 1]], near[:, [1, 2]]], axis=1).reshape(-1, 2)
    chosen = (rng.random(len(owner)) < rng.uniform(0.2, 0.5)) & (others.max(axis=1) < len(nodes))
    a, b, c = nodes[owner[chosen]], nodes[others[chosen, 0]], nodes[others[chosen, 1]]
    wide = np.linalg.norm(b - c, axis=1, keepdims=True)
    half = np.concatenate([0.6 * wide, 0.5 * wide, np.full_like(wide, 0.7 * thick)], axis=1)
    return ellipsoids((a + b + c) / 3, half, BONE, along(np.cross(b - a, c - a)))
