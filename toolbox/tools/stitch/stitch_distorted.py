"""Two tiles whose optics distort become one wider stack."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param
from toolbox.kinds import Split
from toolbox.tool import Cost, Tuned
from toolbox.tools.stitch.distortion import ROUNDS, ROWS, VIEWS, Looks, found, slopes
from toolbox.tools.stitch.optics import rows_mixed, undistorted
from toolbox.tools.stitch.stitch_tiles import StitchTiles
from toolbox.values import Block, Shape


@dataclass(frozen=True)
class StitchDistorted(StitchTiles):
    """One stack from two tiles, axes ``angle, row, col``, that share some columns and were seen
    through optics that displace the image by the cube of the distance from their middle.

    The columns that both tiles show are registered along their slopes to a shift and a bend; the
    bend tells the distortion, which is taken out of both tiles before they are joined as by
    ``stitch_tiles``. A distortion that the views do not agree on is left alone, with a note.

    >>> StitchDistorted(distortion=2.0, reach_rows=0).halo()
    0
    """

    card = dataclasses.replace(
        StitchTiles.card,
        name="stitch_distorted",
        title="stitch two tiles, their distortion undone",
        title_zh="校正畸变后拼接两块投影",
        split=Split.ROWS,
        references=(
            "Vo, Atwood & Drakopoulos 2015, doi 10.1364/OE.23.032859 (distortion by the optics)",
            "Lucas & Kanade 1981, IJCAI, 674 (registration along the slope)",
        ),
        limits="Takes out only what optics do, alike to both tiles, about the middle of each: the "
        "first term of a radial distortion. Needs an overlap of 24 columns and more that is wide "
        "beside the tile, and the same views at the same angles in both tiles.",
        default_on=False,
    )

    distortion: Annotated[
        float | None,
        Param("how far the sides of a tile lie too far out", "px", auto="from the overlap"),
    ] = None
    reach_rows: Annotated[
        int | None, Param("rows that the distortion mixes", "px", low=0, auto="from it")
    ] = None

    @staticmethod
    def looks() -> Looks:
        """What says how far apart the tiles show what both see."""
        return slopes

    def tune(self, *, left: Block, right: Block) -> Tuned:  # type: ignore[override]
        """Find what is ``None``; what was found of the distortion is said in the notes."""
        notes: list[str] = []
        by = self.distortion
        if by is None:
            first = StitchTiles.tune(self, left=left, right=right).tool.parameters()
            tiles = (left, right) if first["order"] == "as_given" else (right, left)
            by, note = found(self.looks(), *tiles, float(first["overlap"]))
            notes.append(note)
        told = dataclasses.replace(self, distortion=by)
        tuned = StitchTiles.tune(told, left=undistorted(left, by), right=undistorted(right, by))
        reach = max(rows_mixed(tile, by) for tile in (left, right))
        tool = type(self)(**tuned.tool.parameters() | {"reach_rows": reach})
        return Tuned(tool, (*notes, *tuned.notes))

    def halo(self) -> int:
        return self.reach_rows or 0

    def __call__(self, *, left: Block, right: Block) -> Block:  # type: ignore[override]
        if self.needs_tuning():
            tuned = self.tune(left=left, right=right).tool
            return tuned(left=left, right=right)  # type: ignore[no-any-return]
        by = float(self.distortion or 0)
        return super().__call__(left=undistorted(left, by), right=undistorted(right, by))

    def cost(self, *, left: Shape, right: Shape) -> Cost:  # type: ignore[override]
        voxels = left.voxels + right.voxels
        return Cost(60.0 * voxels, 24.0 * voxels)

    def tuning_cost(self, **inputs: Shape) -> Cost:
        shape = inputs["right"]
        seen = float(min(shape.frames, VIEWS) * min(shape.rows, ROWS) * shape.columns)
        return Cost(300.0 * ROUNDS * seen, 60.0 * seen)
