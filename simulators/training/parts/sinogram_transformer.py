"""The sinogram transformer: rows of few photons → what they show without noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulators import simulate
from simulators.training.attenuation import attenuation
from simulators.training.low_dose import ROWS, Case, Image, LowDosePart, by_tool, draw
from simulators.training.part import Arrays, Tensors
from simulators.training.slice_error import slice_error
from toolbox.tools.denoise.neighbour_mean import neighbour_mean
from toolbox.tools.reconstruct import sinogram_transformer as tool
from toolbox.values import Block

if TYPE_CHECKING:
    import torch

ERROR_FLOOR = 1e-7  # of the mean square in the slice, in units: better does not count
BESIDE = ("tomogan", "red_cnn")  # on the slices
MIDDLE = ROWS // 2


class Part(LowDosePart):
    """Worlds and measures are those of all parts for few photons; ``crop``: views, columns."""

    name = "sinogram_transformer"
    clean = staticmethod(tool.clean)

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Looks at three rows, with all neighbours, with some on one side and with none; σ of
        their noise, and their attenuation without noise."""
        world = draw(rng, self.families, tuple(self.options["columns"]))
        rows = attenuation(simulate(world)).values
        quiet = attenuation(simulate(dataclasses.replace(world, photons=None))).values
        few = 1 + int(rng.integers(ROWS - 1))
        seen = [tool.looks(rows, MIDDLE), tool.looks(rows[: few + 1], 0),
                tool.looks(rows[-1:], 0)]  # fmt: skip
        return {"looks": np.stack([look for look, _ in seen]).astype(np.float16),
                "sigma": np.array([sigma for _, sigma in seen], np.float32),
                "truth": quiet[[MIDDLE, 0, ROWS - 1]].astype(np.float16)}  # fmt: skip

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops, at times seen in a mirror or backwards."""
        views, columns = self.options["crop"]
        found: dict[str, list[NDArray[Any]]] = {"looks": [], "sigma": [], "truth": []}
        for one in examples:
            high, wide = one["truth"].shape[1:]
            top, left = int(rng.integers(0, high - views + 1)), int(rng.integers(wide - columns))
            turned = tuple(slice(None, None, -1 if rng.random() < 0.5 else 1) for _ in range(2))
            which = self.some_row(rng)
            for name in ("looks", "truth"):
                crop = one[name][which][..., top : top + views, left : left + columns]
                found[name].append(crop[(..., *turned)].astype(np.float32))
            found["sigma"].append(one["sigma"][which])
        return {name: np.stack(values) for name, values in found.items()}

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Logarithm of what the mean square error of the slice would be."""
        added = network(batch["looks"]).float() * batch["sigma"][:, None, None]
        roots = (batch["looks"][:, 0] + added).clamp(min=tool.DARKEST)
        error = -2 * roots.log() - batch["truth"]
        return 0.5 * (slice_error(error) + ERROR_FLOOR).log().mean()

    def cleaned(self, network: torch.nn.Module, case: Case) -> Image:
        return _slice(network, case, case.sinogram, MIDDLE)

    def cleaned_alone(self, network: torch.nn.Module, case: Case) -> Image:
        return _slice(network, case, case.sinogram.take_rows(slice(MIDDLE, MIDDLE + 1)), 0)

    # ---- what it is worth ------------------------------------------------------------------

    def seen_slice(self, case: Case) -> Image:
        return neighbour_mean(case.volume.values, MIDDLE, tool.REACH)

    def beside(self, network: torch.nn.Module) -> dict[str, Callable[[Case], Image]]:
        return {name: partial(by_tool, name, None) for name in BESIDE}

    def after(self, network: torch.nn.Module) -> dict[str, Callable[[Case], Image]]:
        """BM3D and RED-CNN on slices of cleaned sinograms."""

        def by(name: str, case: Case) -> Image:
            whole = tool.reconstructed(network, case.sinogram, case.center)
            return dataclasses.replace(case, volume=whole).denoised(name, None)

        return {f"{name}_after_it": partial(by, name) for name in ("denoise_bm3d", "red_cnn")}

    def example_slices(self) -> Image:
        return tool.SinogramTransformer.example_rows()

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "first weights, trained small on one busy CPU core"},
            "task": "take the noise of few photons out of sinograms",
            "intended_use": "half-turn absorption scans with enough views and 100 to 4000 "
            "photons a pixel; not where single pixels decide",
            **self.data(),
            "data_type": "simulated counts of 100 to 4000 photons a pixel, corrected by the "
            "toolbox; truth: the attenuation without noise",
            "inputs": {"looks": {"axes": "n, look, angle, col", "channels": tool.LOOKS,
                                 "dtype": "float32", "unit": "root of the transmission; what the "
                                 "row has over the mean of its neighbours, what is narrow, what is "
                                 "narrow in all views, in σ of the noise; tens of σ",
                                 "size": "multiples of 4; tiles above 512 views or columns"}},
            "outputs": {"added": {"axes": "n, angle, col", "dtype": "float32",
                                  "unit": "σ of the noise of the root of the transmission"}},
            "references": list(tool.SinogramTransformer.card.references),
            "differences": "only the part on the sinogram; patches of 4 views and 4 columns as "
            "tokens; attention along views and along columns in turn; error in the slice as loss "
            "instead of losses of inner structure; neighbouring rows averaged; AdamW with a moving "
            "average; simulated specimens",
            "licence": "Apache-2.0",
        }  # fmt: skip


def _slice(network: torch.nn.Module, case: Case, rows: Block, at: int) -> Image:
    """The slice of one row of a block among its neighbours there."""
    made = tool.clean(network, np.asarray(rows.values), at)
    block = case.sinogram.take_rows(slice(MIDDLE, MIDDLE + 1)).with_values(made[None])
    return np.asarray(tool.projected_back(block, case.center).values[0])
