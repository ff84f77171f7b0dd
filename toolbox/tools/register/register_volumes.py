"""Where one volume lies in another: rigid, affine, or bent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.tools.register.intensity import Pair, bend, first_guesses, one_thread, refine
from toolbox.tools.register.resampling import shrunk
from toolbox.values import Block, Geometry, Shape, Transform

if TYPE_CHECKING:
    import SimpleITK as sitk

STATES = (GreyState.ATTENUATION, GreyState.PHASE)
MOST_VOXELS = 16e6
LEAST_SIDE = 8


@dataclass(frozen=True)
class RegisterVolumes(Tool):
    """The transform that takes places of ``reference`` to the same places of ``moved``, both
    with axes ``z, y, x``, in px.

    Phase correlation of the grey values and of the strengths of their edges gives first shifts;
    the one with the best similarity starts a gradient descent over three resolutions. Volumes of
    one slice are registered in the plane. ``bspline`` bends the affine result by a grid of nodes.

    >>> tool, inputs = RegisterVolumes.example()
    >>> np.round(tool(**inputs).matrix[:3, 3]).tolist()
    [1.0, -2.0, 3.0]
    """

    card = ToolCard(
        name="register_volumes",
        title="registration of two volumes",
        title_zh="两个体数据的配准",
        stage=Stage.REGISTER,
        domain=Domain.RECONSTRUCTION,
        inputs={
            "reference": grey(DataKind.VOLUME, *STATES),
            "moved": grey(DataKind.VOLUME, *STATES),
        },
        output=Port(DataKind.TRANSFORM, unit="px"),
        split=Split.WHOLE,
        references=(
            "Kuglin & Hines 1975, Proc. IEEE Int. Conf. Cybernetics and Society, 163 (first shift)",
            "Mattes et al. 2003, IEEE Trans. Med. Imaging 22, 120 (mutual information)",
            "Rueckert et al. 1999, IEEE Trans. Med. Imaging 18, 712 (B-spline)",
            "Lowekamp et al. 2013, Front. Neuroinform. 7, 45 (SimpleITK)",
        ),
        limits="Follows turns about z of any size, others of some 10°, and shifts of about half "
        "the field; what is turned further, or shares no more than half of its volume, needs a "
        "first alignment by hand. Voxels of both volumes count as equally large (an affine model "
        "finds the ratio up to some 10 %). A B-spline takes minutes. Needs both volumes in memory "
        "and 40 bytes for each voxel that is looked at.",
        library="SimpleITK",
    )

    model: Annotated[
        str, Param("how one may lie in the other", choices=("shift", "rigid", "affine", "bspline"))
    ] = "rigid"
    similarity: Annotated[
        str,
        Param(
            "what is made largest: correlation for the same contrast, mutual information for two "
            "modalities",
            choices=("mutual_information", "correlation"),
        ),
    ] = "mutual_information"
    shrink: Annotated[
        int,
        Param(
            "voxels joined along each side before; 0: as few as leave 16 million", low=0, high=64
        ),
    ] = 0
    spacing: Annotated[float, Param("distance of the nodes of a B-spline", "px", low=4)] = 32.0
    iterations: Annotated[int, Param("steps at each resolution", low=1, high=10000)] = 200
    seed: Annotated[int, Param("seed of the voxels that are looked at", low=0)] = 0

    def __call__(self, *, reference: Block, moved: Block) -> Transform:  # type: ignore[override]
        with one_thread():
            return self._found(reference, moved)

    def _found(self, reference: Block, moved: Block) -> Transform:
        for name, block in (("reference", reference), ("moved", moved)):
            _check(name, block.values)
        factor = max(self.factor(v.values.shape) for v in (reference, moved))
        pair = Pair(shrunk(reference.values, factor), shrunk(moved.values, factor), factor,
                    self.similarity, self.iterations, self.seed)  # fmt: skip
        before = pair.likeness(pair.identity())
        free = self.model in ("affine", "bspline")
        starts = first_guesses(pair)[: 1 if self.model == "shift" else None]
        tried = [(*refine(pair, s, "rigid" if free else self.model), told) for s, told in starts]
        found, told, guess = max(tried, key=lambda t: pair.likeness(t[0]))
        if free:
            found, told = refine(pair, found, "affine")
        z, y, x = reference.values.shape
        grid: dict[str, Any] = {}
        after = pair.likeness(found)
        if self.model == "bspline":
            bent, grid = bend(pair, found, self.spacing, (z, y, x))
            after = pair.likeness(bent)
        warnings = list(told)
        if not after > before + 1e-6 and not _still(found):
            warnings.append(
                f"The registration made the volumes no more alike ({self.similarity} {before:.3f} "
                f"before, {after:.3f} after): look at the result, and start from a first alignment."
            )
        return Transform(
            _matrix(found, flat=pair.flat), (z, y, x), **grid, warnings=tuple(warnings),
            method=f"{self.model} by {self.similarity.replace('_', ' ')}, {before:.3f} before, "
            f"{after:.3f} after; started at {guess}; voxels joined {factor}×",
        )  # fmt: skip

    def factor(self, shape: tuple[int, ...]) -> int:
        """Voxels joined along each side for a volume of this shape."""
        return self.shrink or max(1, int(np.ceil((np.prod(shape) / MOST_VOXELS) ** (1 / 3))))

    def cost(self, **inputs: Shape) -> Cost:
        shapes = [inputs[name] for name in ("reference", "moved") if name in inputs]
        factor = max(self.factor((s.rows, s.frames, s.columns)) for s in shapes)
        seen = sum(s.voxels for s in shapes) / factor**3
        work = 2e4 if self.model == "bspline" else 4e3 if self.model == "affine" else 2e3
        return Cost(work * seen + sum(s.voxels for s in shapes), 40.0 * seen + 64e6)

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        from scipy.ndimage import gaussian_filter

        rng = np.random.default_rng(3)
        wide = gaussian_filter(rng.normal(size=(24, 56, 56)), 2).astype(np.float32)
        geometry = Geometry(np.zeros(40), 16, 40)

        def block(z: int, y: int, x: int) -> Block:
            part = wide[4 + z : 20 + z, 8 + y : 48 + y, 8 + x : 48 + x]
            return Block(part.copy(), DataKind.VOLUME, GreyState.ATTENUATION, geometry,
                         np.arange(16))  # fmt: skip

        return cls(iterations=60), {"reference": block(0, 0, 0), "moved": block(-1, 2, -3)}


def _check(name: str, values: NDArray[np.float32]) -> None:
    if min(values.shape[1:]) < LEAST_SIDE:
        raise InputError(
            f"register_volumes was given a {name} of {' × '.join(map(str, values.shape))} voxels "
            f"(z, y, x), expected at least {LEAST_SIDE} × {LEAST_SIDE} in a slice. Give larger "
            f"volumes."
        )
    if not np.isfinite(values).all() or not values.max() > values.min():
        raise InputError(
            f"register_volumes was given a {name} that has one grey value only or values that are "
            f"not finite; expected structure in both volumes. Check the reconstruction."
        )


def _still(found: sitk.Transform) -> bool:
    matrix = _matrix(found, flat=found.GetDimension() == 2)
    return bool(np.abs(matrix - np.eye(4)).max() < 0.05)


def _matrix(found: sitk.Transform, flat: bool) -> NDArray[np.float64]:
    """The 4 × 4 matrix over ``z, y, x, 1`` of an affine map of ``x, y(, z)``."""
    count = found.GetDimension()
    origin = np.array(found.TransformPoint([0.0] * count))
    columns = [np.array(found.TransformPoint(list(np.eye(count)[i]))) - origin
               for i in range(count)]  # fmt: skip
    matrix = np.eye(4)
    part = slice(1, 3) if flat else slice(0, 3)
    matrix[part, part] = np.stack(columns, axis=1)[::-1, ::-1]
    matrix[part, 3] = origin[::-1]
    return matrix
