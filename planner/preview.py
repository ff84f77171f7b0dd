"""A quick look at a scan: a few rows with as many views as can be read in the time allowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError, ScanError
from metadata.scan import Scan
from metadata.scan_info import GreyState
from toolbox.kinds import DataKind
from toolbox.registry import make_tool
from toolbox.values import Block, Geometry

FIRST_LOOK = 48  # views read before deciding whether all can be
BAND_ROWS = 5
LEAST_BEAM = 0.02  # flats must lie this far above the darks, as part of the flats
READABLE_VALUES = 6_000_000  # float32 values that can be worked on within the time


@dataclass(frozen=True, eq=False)
class Preview:
    """Raw and corrected rows of a scan.

    ``raw`` and ``transmission`` have axes ``angle, row, col``; ``attenuation`` is a sinogram block.
    ``projection`` is one frame (``row, col``, strided to at most 512²) as stored.
    """

    raw: Block
    transmission: Block | None
    attenuation: Block
    projection: NDArray[np.float32]
    views_read: int


def read_block(
    scan: Scan,
    rows: NDArray[np.intp],
    frames: NDArray[np.intp],
    values: NDArray[np.float32] | None = None,
) -> Block:
    """Chosen rows and frames of a scan with their flats, darks and monitor; ``values`` where they
    have been read before (``angle, row, col``)."""
    info, monitor = scan.info, scan.monitor()
    return Block(
        values=_read_rows(scan, rows, frames) if values is None else values,
        kind=DataKind.PROJECTIONS,
        state=info.state,
        geometry=replace(Geometry.of(info), angles_rad=np.asarray(info.angles_rad)[frames]),
        rows=rows,
        frames=frames,
        flats=_gather(scan.flats, rows) if info.flats else None,
        darks=_gather(scan.darks, rows) if info.darks else None,
        monitor=None if monitor is None else monitor[frames],
    )


def preview(scan: Scan, seconds: float = 0.8) -> Preview:
    """Look at a scan within about ``seconds`` of reading.

    Raises ScanError where there was no beam or nothing can be seen.
    """
    rows = spread_rows(scan.info.rows, BAND_ROWS)
    raw = read_block(scan, rows, *_read_for(scan, rows, seconds))
    transmission, attenuation = correct(raw)
    lowest, highest = np.nanmin(attenuation.values), np.nanmax(attenuation.values)
    if not highest > lowest:
        raise ScanError(
            f"Corrected, every pixel looked at has the same attenuation ({lowest:.4g}): the "
            f"projections are no brighter than the darks, or flats and darks are those of another "
            f"scan. Expected projections of a specimen; give flats= and darks= that belong to it."
        )
    return Preview(raw, transmission, attenuation.as_kind(DataKind.SINOGRAM),
                   _one_frame(scan), len(raw.frames))  # fmt: skip


def _read_rows(scan: Scan, rows: NDArray[np.intp], frames: NDArray[np.intp]) -> NDArray[np.float32]:
    angles = slice(None) if len(frames) == scan.info.projections else frames
    return _gather(lambda r: scan.projections(angles, r), rows)


def _gather(
    read: Callable[[slice], NDArray[np.float32]], rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    return np.concatenate([read(slice(int(r), int(r) + 1)) for r in rows], axis=1)


def _read_for(
    scan: Scan, rows: NDArray[np.intp], seconds: float
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Some rows with ever more views, evenly spread, while there is time for more."""
    total = scan.info.projections
    most = max(FIRST_LOOK, READABLE_VALUES // (len(rows) * scan.info.columns))
    depth = scan.chunks[0] if scan.chunks else 1
    step = 1 << (max(total // FIRST_LOOK, 1).bit_length() - 1)
    frames = np.arange(0, total, step)
    began = time.perf_counter()
    values = _read_rows(scan, rows, frames)
    while step > 1:
        # Views that share a stored chunk cost one read together: then take them all
        finer = step // 2 if step > depth else max(1 << (-(-total // most) - 1).bit_length(), 1)
        between = np.setdiff1d(np.arange(0, total, finer), frames)
        spent = time.perf_counter() - began
        reads = len(np.unique(between // depth)) / len(np.unique(frames // depth))
        if finer >= step or len(frames) + len(between) > most or spent * (1 + reads) > seconds:
            break
        order = np.argsort(np.concatenate([frames, between]))
        values = np.concatenate([values, _read_rows(scan, rows, between)])[order]
        frames, step = np.sort(np.concatenate([frames, between])), finer
    return frames, values


def spread_rows(total: int, count: int) -> NDArray[np.intp]:
    """``count`` rows spread over a detector, its outer tenth left out where it can be."""
    if total <= count:
        return np.arange(total)
    margin = 0.1 * (total - 1)
    return np.unique(np.linspace(margin, total - 1 - margin, count).round().astype(np.intp))


def correct(raw: Block) -> tuple[Block | None, Block]:
    """Transmission and attenuation of a block in any state. Transmission is None where it cannot
    be had: of attenuation, and of counts with neither flats nor air."""
    block = raw
    if block.state is GreyState.COUNTS:
        refuse_without_beam(raw)
        if raw.flats is not None and len(raw.flats):
            block = make_tool("flat_field", {})(projections=block)
        else:
            try:
                block = make_tool("air_normalisation", {})(projections=block)
            except InputError:  # no air: attenuation is known but for what is added to it
                return None, make_tool("minus_log", {})(projections=_by_brightest(block))
    if block.state is GreyState.TRANSMISSION:
        return block, make_tool("minus_log", {})(projections=block)
    return None, block


def _by_brightest(block: Block) -> Block:
    """Counts over nearly the highest of them, for want of the beam's strength."""
    brightest = max(float(np.nanquantile(block.values[:: len(block.values) // 64 + 1], 0.999)), 1.0)
    scaled = block.values / np.float32(brightest)
    return block.with_values(scaled, state=GreyState.TRANSMISSION, flats=None, darks=None)


def refuse_without_beam(raw: Block) -> None:
    """Raise where the flats are like the darks, or the frames hold one value only."""
    if raw.flats is not None and raw.darks is not None and len(raw.flats) and len(raw.darks):
        flat, dark = float(np.nanmedian(raw.flats)), float(np.nanmedian(raw.darks))
        if flat - dark <= LEAST_BEAM * max(abs(flat), 1.0):
            raise NoBeamError(
                f"The flat fields (median {flat:.4g}) are no brighter than the dark frames "
                f"(median {dark:.4g}): there was no beam on the detector. Check the shutter and "
                f"the image keys; such a scan cannot be reconstructed."
            )
    spread = float(np.nanmax(raw.values) - np.nanmin(raw.values)) if raw.values.size else 0.0
    if not spread > 0:
        raise ScanError(
            f"Every pixel looked at has the same value ({np.nanmin(raw.values):.4g}); expected "
            f"images of a specimen. The detector may have been off, or the file is a placeholder."
        )


class NoBeamError(InputError):
    """The scan shows no beam: a refusal, not a fault of the file."""

    exit_status = 1


def _one_frame(scan: Scan) -> NDArray[np.float32]:
    info = scan.info
    middle = info.projections // 2
    frame = scan.projections(np.array([middle], dtype=np.intp))[0]
    step = max(1, -(-max(frame.shape) // 512))
    return frame[::step, ::step] if frame.shape[0] > 2 * step else frame[:, ::step]
