"""Batches of simulated slices with their truth, on the GPU where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from metadata.errors import InputError
from simulators.acquisition.beam import open_beam
from simulators.acquisition.detector import DARK_LEVEL, FULL_WELL, READ_NOISE, Detector
from simulators.acquisition.exposure import Exposure
from simulators.acquisition.matter import Matter, matter
from simulators.acquisition.scintillator import CUT, TAILS
from simulators.faults.rings import rings
from simulators.faults.zingers import zingers
from simulators.projector import fractions, labels
from simulators.rendered_projector import painted, rendered_lengths
from simulators.world import World

if TYPE_CHECKING:
    import torch

FINE = 3  # points of the painted grid in a pixel
WIDEST = 4  # times the field: what is wider is projected exactly, as its grid would be too large


@dataclass(frozen=True, eq=False)
class Batch:
    """Middle rows of some worlds, on one device, float32 unless said.

    ``counts`` (``slice, angle, col``); ``flat`` and ``dark`` the mean frames (``slice, col``);
    ``attenuation`` −log of the corrected counts (``slice, angle, col``); ``clean`` the same without
    noise, spectrum and faults but those of place; ``truth`` in 1/px and ``labels`` (uint8)
    (``slice, y, x``); and the ``worlds`` with all the rest.
    """

    counts: torch.Tensor
    flat: torch.Tensor
    dark: torch.Tensor
    attenuation: torch.Tensor
    clean: torch.Tensor
    truth: torch.Tensor
    labels: torch.Tensor
    worlds: tuple[World, ...]


def batches(worlds: Iterable[World], size: int = 8, device: str | None = None,
            rendered: bool | None = None) -> Iterator[Batch]:  # fmt: skip
    """Batches of ``size`` worlds (alike in columns and projections) as they come; the last may be
    smaller.

    On a GPU slices are painted and projected there (:mod:`simulators.rendered_projector`), on a
    CPU by the exact projector; ``rendered`` overrides that. What one slice cannot show, a tilted or
    wobbling axis, shifts along it, distortion or propagated waves, and specimens of many fields'
    width, is always projected exactly, on the CPU. The same world gives the same batch on the same
    device; noise is drawn on the device, so counts are those of :func:`simulators.simulate` in law,
    not in value.

    >>> from simulators.sampling import draw_world
    >>> rng = np.random.default_rng(0)
    >>> drawn = (draw_world(rng, size=32, views=(20, 20)) for _ in range(3))
    >>> [tuple(b.counts.shape) for b in batches(drawn, size=2, device="cpu")]
    [(2, 20, 32), (1, 20, 32)]
    """
    import torch

    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    drawn = place != "cpu" if rendered is None else rendered
    stream = iter(worlds)
    while chosen := tuple(islice(stream, size)):
        shapes = {(w.projections, w.columns) for w in chosen}
        if len(shapes) > 1:
            raise InputError(
                f"A batch got worlds of {sorted(shapes)} (projections, columns), expected one "
                f"size; fix columns and projections of the worlds, or batches of one."
            )
        slices = [_slice(world, place, drawn) for world in chosen]
        stacks = [torch.stack(parts) for parts in zip(*slices, strict=True)]
        yield Batch(*stacks, worlds=chosen)  # type: ignore[misc, arg-type]


def _slice(world: World, device: str, rendered: bool) -> tuple[torch.Tensor, ...]:
    import torch

    thing = matter(world)
    exposure = Exposure(thing)
    row = (world.rows - 1) // 2
    z = row - (world.rows - 1) / 2 + world.row_offset_px
    mu = thing.attenuation()
    lengths = _lengths(thing, exposure, row, z, device, rendered)
    clean = _along_materials(mu, lengths)
    if exposure.wave_margin:
        through = exposure.transmission(range(row, row + 1), slice(0, world.projections))
        passed = torch.as_tensor(through[:, 0], device=device)
    else:
        passed = torch.zeros_like(clean)
        for at_energy, weight in zip(exposure.mu, exposure.weights, strict=True):
            passed += weight * torch.exp(-_along_materials(at_energy, lengths))
        if world.fringes:
            bend = torch.gradient(torch.gradient(passed.log(), dim=1)[0], dim=1)[0]
            passed = passed * (1 + 12 * world.fringes * bend).clamp(0.2, 3)
    counts, flat, dark = _detected(world, exposure, passed, row, device)
    corrected = (counts - dark) / (flat - dark).clamp(min=1)
    attenuation = -corrected.clamp(min=1e-4).log()
    truth, material = _truth(thing, mu, z, world.columns, device, rendered)
    return counts, flat, dark, attenuation, clean, truth, material


def _width(thing: Matter, z: float) -> int:
    """Px about the axis across which the specimen lies at a height."""
    shapes = thing.specimen.shapes.within(z, z)
    if not len(shapes):
        return thing.world.columns
    half = np.stack([shapes.reach([1.0, 0.0, 0.0]), shapes.reach([0.0, 1.0, 0.0])], axis=1)
    edge = (np.abs(shapes.center[:, :2]) + half)[shapes.material > 0]
    return 2 * int(np.ceil(edge.max())) + 4 if len(edge) else thing.world.columns


def _lengths(thing: Matter, exposure: Exposure, row: int, z: float, device: str, rendered: bool
             ) -> torch.Tensor:  # fmt: skip
    """Path lengths (``material, angle, col``), painted where that is asked for and possible."""
    import torch

    world = thing.world
    level = not exposure.lean.any() and not exposure.shifts[:, 0].any()
    level = level and not world.distortion_px
    width = _width(thing, z)
    if not (rendered and level and not exposure.wave_margin and width <= WIDEST * world.columns):
        return torch.as_tensor(exposure.lengths(row), device=device)
    u = np.arange(world.columns) - world.axis - exposure.shifts[:, 1][:, None]
    return rendered_lengths(thing.specimen.shapes, len(thing.specimen.materials),
                            world.angles_rad, u, z, width, FINE, device)  # fmt: skip


def _truth(thing: Matter, mu: np.ndarray, z: float, size: int, device: str, rendered: bool
           ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    import torch

    shapes, count = thing.specimen.shapes, len(thing.specimen.materials)
    if not rendered:
        parts = torch.as_tensor(fractions(shapes, count, z, size), device=device)
        named = torch.as_tensor(labels(shapes, z, size), device=device)
        return _along_materials(mu, parts), named
    fine = painted(shapes.scaled(FINE), z * FINE, size * FINE, device)
    values = torch.as_tensor(mu, device=device, dtype=torch.float32)[fine.long()]
    truth = values.unflatten(1, (size, FINE)).unflatten(0, (size, FINE)).mean(dim=(1, 3))
    # FINE is odd, so one of its points is the voxel's centre.
    return truth, fine[FINE // 2 :: FINE, FINE // 2 :: FINE].contiguous()


def _along_materials(mu: np.ndarray, lengths: torch.Tensor) -> torch.Tensor:
    import torch

    weights = torch.as_tensor(mu, device=lengths.device, dtype=lengths.dtype)
    return torch.tensordot(weights, lengths, dims=1)


def _detected(world: World, exposure: Exposure, passed: torch.Tensor, row: int, device: str
              ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """Counts (``angle, col``) and the mean flat and dark (``col``): the chain of
    :class:`Exposure` with its noise drawn on the device."""
    import torch

    detector = Detector(world)
    random = torch.Generator(device=device).manual_seed(world.seed)
    place = np.array([float(row)])

    def there(values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values, np.float32), device=device)

    def read(light: torch.Tensor, gain: torch.Tensor | float) -> torch.Tensor:
        if detector.noisy:
            light = torch.poisson(light, generator=random)
        counts = detector.gain * _spread(light, world) * gain
        counts = counts * (1 - world.nonlinearity / FULL_WELL * counts)
        if detector.noisy:
            counts = counts + READ_NOISE * torch.randn(counts.shape, generator=random,
                                                       device=device)  # fmt: skip
        counts[:, torch.as_tensor(detector.dead(row), device=device)] = 0
        counts = counts + DARK_LEVEL + there(pedestal)
        return counts.round().clamp(0, detector.limit)

    pedestal = np.zeros(world.columns, np.float32)
    hot, added = detector.hot(row)
    pedestal[hot] = added
    light = passed * there(open_beam(world, place, exposure.beam_shifts)[:, 0])
    light = light * there(exposure.current)[:, None] * detector.photons
    gain = rings(world, row).gain(slice(None), world.projections)
    counts = read(light, there(gain))
    if world.zingers:
        places, bright = zingers(world, row)
        angle, column = (torch.as_tensor(p.copy(), device=device) for p in places.T)
        hit = counts[angle, column] + there(bright) * FULL_WELL
        counts[angle, column] = hit.clamp(max=65535).floor()
    still = there(open_beam(world, place, np.zeros((1, 2)))[0, 0]) * detector.photons
    end = there(open_beam(world, place, exposure.beam_shifts[[-1]])[0, 0]) * detector.photons
    end = end * float(exposure.current[-1])
    before = world.flats or (0 if world.flats_after else 1)  # a batch always has a flat
    flats = read(torch.stack([still] * before + [end] * world.flats_after), 1.0)
    dark = there(detector.darks(row)).mean(dim=0) if world.darks else there(pedestal) + DARK_LEVEL
    return counts, flats.mean(dim=0), dark


def _spread(light: torch.Tensor, world: World) -> torch.Tensor:
    """Scintillator blur across the columns, as :func:`scintillator.spread` does one row."""
    import torch

    if not world.blur_px:
        return light
    parts = [(1 - world.blur_tails, 1.0)]
    if world.blur_tails:
        parts += [(world.blur_tails * share, width) for share, width in TAILS]
    reach = int(CUT * parts[-1][1] * world.blur_px + 0.5)
    x = torch.arange(-reach, reach + 1, device=light.device, dtype=torch.float32)
    kernel = torch.zeros_like(x)
    for share, width in parts:
        spot = torch.exp(-0.5 * (x / (width * world.blur_px)) ** 2)
        spot = torch.where(x.abs() <= int(CUT * width * world.blur_px + 0.5), spot, 0.0)
        kernel += share * spot / spot.sum()
    wide = torch.nn.functional.pad(light[:, None], (reach, reach), mode="replicate")
    return torch.nn.functional.conv1d(wide, kernel[None, None])[:, 0]
