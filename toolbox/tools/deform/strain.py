"""Strain of a measured displacement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard
from toolbox.kinds import DataKind, Domain, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Displacement, Quantities, Quantity, Shape

AXES = "zyx"


@dataclass(frozen=True)
class Strain(Tool):
    """Green–Lagrange strain and change of volume from the displacement at its nodes.

    Gradients are planes fitted to each node and its neighbours up to ``reach`` nodes away, so a
    rotation of the whole makes no strain. Values are medians over the trusted nodes with the 5th
    and 95th percentile; the table `nodes` holds every node (places in px).

    >>> tool, inputs = Strain.example()
    >>> round(tool(**inputs).values["volume_change"].value, 4)
    0.02
    """

    card = ToolCard(
        name="strain",
        title="strain of a displacement",
        title_zh="位移场的应变",
        stage=Stage.DEFORM,
        domain=Domain.RECONSTRUCTION,
        inputs={"displacement": Port(DataKind.DISPLACEMENT, unit="px")},
        output=Port(DataKind.QUANTITIES),
        split=Split.WHOLE,
        references=(
            "Malvern 1969, Introduction to the Mechanics of a Continuous Medium, ch. 4",
            "Pan, Xie, Guo & Hua 2007, Opt. Eng. 46, 033601 (planes fitted to displacements)",
        ),
        limits="Strain is as coarse as the nodes that each fit uses; noise of u px gives strains "
        "of about u over that distance. Along an axis with one layer of nodes there is none.",
    )

    reach: Annotated[int, Param("nodes on each side that a fit uses", low=1, high=50)] = 1

    def __call__(self, *, displacement: Displacement) -> Quantities:  # type: ignore[override]
        places = (displacement.z, displacement.y, displacement.x)
        axes = [a for a in range(3) if len(places[a]) > 1]
        if len(axes) < 2:
            raise InputError(
                f"strain was given nodes {' × '.join(str(len(p)) for p in places)} (z, y, x), "
                f"expected at least two along two axes. Put the nodes closer (spacing), or take "
                f"smaller windows."
            )
        gradients = _gradients(displacement, places, axes, self.reach)
        deformation = gradients + np.eye(len(axes))
        lagrange = 0.5 * (np.swapaxes(deformation, -1, -2) @ deformation - np.eye(len(axes)))
        change = np.linalg.det(deformation) - 1
        chosen = displacement.trusted if displacement.trusted.any() else slice(None)
        values: dict[str, Quantity] = {}
        columns: dict[str, NDArray[Any]] = {}
        mesh = np.meshgrid(*places, indexing="ij")
        columns |= {AXES[a]: mesh[a] for a in range(3)}
        for i, a in enumerate(axes):
            for j, b in enumerate(axes[i:], start=i):
                columns[f"strain_{AXES[a]}{AXES[b]}"] = lagrange[..., i, j]
        name = "volume_change" if len(axes) == 3 else "area_change"
        columns |= {name: change, "correlation": displacement.correlation,
                    "trusted": displacement.trusted.astype(float)}  # fmt: skip
        for key, column in columns.items():
            if key.startswith(("strain", "volume", "area")):
                values[key] = _spread(column[chosen])
        length = np.sqrt((displacement.vectors.astype(float) ** 2).sum(-1))
        values["displacement"] = _spread(length[chosen], "px")
        values["trusted_share"] = Quantity(float(displacement.trusted.mean()))
        table = {k: np.asarray(v, float).ravel().tolist() for k, v in columns.items()}
        return Quantities(values, {"nodes": table})

    def cost(self, **inputs: Shape) -> Cost:
        return Cost(1e6 + sum(s.voxels for s in inputs.values()), 16e6)  # nodes, not voxels, count

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        z, y, x = (np.arange(0.0, 40.0, 10.0) for _ in range(3))
        vectors = np.zeros((4, 4, 4, 3), np.float32)
        vectors[..., 0] = 0.02 * z[:, None, None]  # stretched by 2 % along z
        likeness = np.ones((4, 4, 4), np.float32)
        return cls(), {"displacement": Displacement(vectors, likeness, likeness > 0, z, y, x)}


def _gradients(
    found: Displacement, places: tuple[NDArray[np.float64], ...], axes: list[int], reach: int
) -> NDArray[np.float64]:
    """∂u_i/∂x_j at each node, axes ``z, y, x, i, j`` over the axes that have several nodes."""
    shape = found.vectors.shape[:3]
    made = np.zeros((*shape, len(axes), len(axes)))
    for node in np.ndindex(*shape):
        near = tuple(slice(max(0, n - reach), n + reach + 1) for n in node)
        mesh = np.meshgrid(*(places[a][near[a]] for a in range(3)), indexing="ij")
        plane = np.stack([np.ones(mesh[0].size), *(mesh[a].ravel() - places[a][node[a]]
                                                   for a in axes)], axis=1)  # fmt: skip
        vectors = found.vectors[near].reshape(-1, 3)[:, axes].astype(np.float64)
        made[node] = np.linalg.lstsq(plane, vectors, rcond=None)[0][1:].T
    return made


def _spread(values: NDArray[Any], unit: str = "") -> Quantity:
    low, middle, high = (float(v) for v in np.percentile(values, (5, 50, 95)))
    return Quantity(middle, unit, low, high)
