"""Several scans that belong together on disk, and what is true of them together beside them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metadata.errors import InputError
from metadata.whole_file import whole_file
from simulators.acquisition.mosaic import mosaic
from simulators.acquisition.second_modality import second_modality
from simulators.acquisition.series import energies, time_steps
from simulators.simulated_scan import SimulatedScan
from simulators.world import World
from simulators.writing import check_format, write_scan

KINDS = ("energies", "tiles", "time_steps", "modalities")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SetOptions:
    """How the scans of a set differ; each kind reads its own: ``energies_kev`` (energies);
    ``across``, ``down``, ``overlap_px``, ``stage_error_px`` (tiles); ``steps`` (time steps, up to
    the world's ``deformation_px``); ``coarser`` (modalities: X-rays, then neutrons)."""

    energies_kev: Sequence[float] = ()
    across: int = 2
    down: int = 1
    overlap_px: int = 40
    stage_error_px: float = 0.0
    steps: int = 2
    coarser: int = 2


def write_set(kind: str, world: World, folder: Path, format: str = "nxtomo",
              options: SetOptions = SetOptions(), *, volume: bool = True,
              progress: Progress | None = None) -> list[Path]:  # fmt: skip
    """Write the scans of a set into ``folder``, each with its own truth beside it, and
    ``truth.json`` for what is true of them together; returns the scans' paths.

    In ``truth.json``: ``scans`` (file names in order) and, of tiles, ``nominal_px`` and
    ``offsets_px`` (``tile, (row, col)``) and ``center_px`` in the whole field; of modalities,
    ``matrix`` and ``shift_px`` that take ``(x, y, z)`` of the first to the second; of energies,
    ``energies_kev`` and ``attenuation_per_px`` by scan and material; of time steps,
    ``deformation_px`` (the field itself is in each scan's truth).
    """
    check_format(format)
    scans, truth = _made(kind, world, options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: {error}. Name another.") from None
    suffix = "nxs" if format == "nxtomo" else "h5"
    paths = [folder / f"{name}.{suffix}" for name in scans]
    for number, (path, scan) in enumerate(zip(paths, scans.values(), strict=True)):
        write_scan(scan.world, path, format, volume=volume)
        if progress:
            progress(number + 1, len(paths))
    document = {
        "kind": kind,
        "scans": [path.name for path in paths],
        **truth,
        "options": dataclasses.asdict(options),
        "world": world.to_dict(),
    }
    with whole_file(folder / "truth.json") as draft:
        draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return paths


def _made(
    kind: str, world: World, options: SetOptions
) -> tuple[dict[str, SimulatedScan], dict[str, Any]]:
    """The scans by the name of their file, and their common truth."""
    if kind == "energies":
        made = energies(world, options.energies_kev)
        kev = [float(e) for e in options.energies_kev]
        names = [f"{e:g}_kev" for e in kev]
        if len(set(names)) < len(names):
            raise InputError(f"The energies {', '.join(f'{e:g}' for e in kev)} keV hold one twice.")
        basis = [scan.attenuation_per_px().tolist() for scan in made]
        materials = [m.name for m in made[0].specimen.materials]
        return dict(zip(names, made, strict=True)), {
            "energies_kev": kev, "materials": materials, "attenuation_per_px": basis}  # fmt: skip
    if kind == "tiles":
        tiles = mosaic(world, options.across, options.down, options.overlap_px,
                       options.stage_error_px)  # fmt: skip
        named = {f"tile_{n}": tile for n, tile in enumerate(tiles.tiles)}
        return named, {
            "nominal_px": tiles.nominal_px.tolist(),
            "offsets_px": tiles.offsets_px.tolist(),
            "center_px": tiles.whole.truth_center,
        }
    if kind == "time_steps":
        steps = time_steps(world, options.steps)
        amounts = [scan.world.deformation_px for scan in steps]
        return {f"step_{n}": s for n, s in enumerate(steps)}, {"deformation_px": amounts}
    if kind == "modalities":
        pair = second_modality(world, options.coarser)
        return {"x-ray": pair.first, "neutron": pair.second}, {
            "matrix": pair.matrix.tolist(), "shift_px": pair.shift.tolist()}  # fmt: skip
    raise InputError(f"The set is {kind!r}, expected one of {', '.join(KINDS)}.")
