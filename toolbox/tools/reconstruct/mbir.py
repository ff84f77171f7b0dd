"""Model-based iterative reconstruction through svmbir."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param
from toolbox.kinds import DataKind, GreyState
from toolbox.operators.blocks import (
    as_volume,
    operator_for,
    slice_size,
)
from toolbox.tool import Cost
from toolbox.tools.reconstruct.slices import (
    Size,
    SliceReconstruction,
    TiltHalo,
    reconstruction_card,
)
from toolbox.values import Block, Center, Shape

# svmbir keeps its system matrices in files: two writers would spoil them.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class MBIR(SliceReconstruction):
    """Maximum a posteriori reconstruction of ``row, angle, col`` to slices ``z, y, x`` in 1/px.

    A qGGMRF prior keeps edges; the photon statistics weight the rays of an attenuation sinogram.
    Slices are independent of each other here.

    >>> MBIR(sharpness=1.0).halo()
    0
    """

    card = reconstruction_card(
        name="mbir",
        title="model-based iterative reconstruction",
        title_zh="基于模型的迭代重建（MBIR）",
        references=(
            "Thibault et al. 2007, Med. Phys. 34, 4526",
            "Wang et al. 2016, Proc. PPoPP, doi:10.1145/2851141.2851163 (super-voxels)",
        ),
        limits="One slice at a time on one core: minutes for a large one, and gigabytes of files "
        "for its system matrix. A sample wider than the field leaves a bright rim.",
        library="svmbir",
        licence="BSD-3-Clause",
        bands=3,
    )

    sharpness: Annotated[float, Param("above 0 sharper, below smoother", low=-5, high=5)] = 0.0
    noise: Annotated[
        float | None,
        Param("standard deviation of the sinogram's noise", low=1e-12, high=1e6,
              auto="measured from fine differences along columns"),
    ] = None  # fmt: skip
    prior_scale: Annotated[
        float | None,
        Param("standard deviation of neighbouring voxels", "1/px", low=1e-12, high=1e6,
              auto="from the mean of the sinogram and the sharpness"),
    ] = None  # fmt: skip
    iterations: Annotated[int, Param("most iterations", low=1, high=1000)] = 50
    non_negative: Annotated[bool, Param("keep values at or above zero")] = True
    size: Size = None
    tilt_halo: TiltHalo = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        import torch

        from toolbox.operators.blocks import as_tensor

        tool = self if self.noise and self.prior_scale else self._tuned(sinogram, center)
        size = self.size or slice_size(sinogram, center)
        operator, y = operator_for(sinogram, center, size).straightened(as_tensor(sinogram))
        rows = y.cpu().numpy()
        axes = np.broadcast_to(operator.center, len(rows))
        slices = np.stack(
            [
                _reconstruct(row, sinogram, float(axis), size, tool)
                for row, axis in zip(rows, axes, strict=True)
            ]
        )
        slices *= operator.circle.cpu().numpy()
        return as_volume(sinogram, torch.from_numpy(slices))

    def measured(
        self, sinogram: Block, center: Center, size: int
    ) -> tuple[dict[str, Any], list[str]]:
        from svmbir import auto_sigma_x

        from toolbox.operators.held_out import noise_level

        values = np.ascontiguousarray(sinogram.as_kind(DataKind.SINOGRAM).values)
        settings, notes = dict[str, Any](), []
        if self.noise is None:
            level = noise_level(values)
            noise = float(f"{max(level, 1e-4 * float(np.abs(values).mean()), 1e-9):.4g}")
            settings["noise"] = noise
            notes.append(f"The noise of the sinogram is {noise:g}.")
        if self.prior_scale is None:
            scale = float(auto_sigma_x(values.swapaxes(0, 1), sharpness=self.sharpness))
            scale = float(f"{max(scale, 1e-9):.4g}")
            settings["prior_scale"] = scale
            notes.append(f"Neighbouring voxels may differ by about {scale:g}/px.")
        return settings, notes

    def _tuned(self, sinogram: Block, center: Center) -> MBIR:
        tool = self.tune(sinogram=sinogram, center=center).tool
        assert isinstance(tool, MBIR)
        return tool

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        side = self.size or shape.columns
        matrix = 3.0 * side**2 * shape.frames  # entries: each voxel meets three columns a view
        work = 8.0 * matrix * (self.iterations * shape.rows + 10)
        return Cost(work, 5.0 * matrix + 8.0 * shape.voxels + 8.0 * shape.rows * side**2)


def _reconstruct(
    row: NDArray[np.float32], sinogram: Block, axis: float, size: int, tool: MBIR
) -> NDArray[np.float32]:
    """One slice: its prior couples slices that it is given together, even with no weight between
    them, so the result would depend on where the rows were cut."""
    import svmbir

    photons = sinogram.state == GreyState.ATTENUATION
    values = np.ascontiguousarray(row[:, None, :])
    weights = svmbir.calc_weights(values, "transmission" if photons else "unweighted")
    noise = tool.noise or 1.0
    arguments: dict[str, Any] = {
        # The noise was measured over all rays, the weights are relative to the open beam.
        "sigma_y": noise * float(np.sqrt(np.median(weights))),
        "sigma_x": tool.prior_scale,
        "positivity": tool.non_negative,
        "max_iterations": tool.iterations,
    }
    with _ONE_AT_A_TIME:
        # Its slices have x along rows and turn the other way: mirrored angles and a transpose.
        found = svmbir.recon(
            values,
            -sinogram.geometry.angles_rad,
            weights=weights,
            center_offset=axis - (row.shape[-1] - 1) / 2,
            num_rows=size,
            num_cols=size,
            roi_radius=size / 2,
            num_threads=1,  # with more, the result changes from call to call
            svmbir_lib_path=_matrix_folder().name,
            verbose=0,
            **arguments,
        )
    return found[0].T


@cache
def _matrix_folder() -> tempfile.TemporaryDirectory[str]:
    """Where system matrices lie while this process lives; slabs of one scan share them."""
    return tempfile.TemporaryDirectory(prefix="tomoplan-mbir-")
