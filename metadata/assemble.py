"""From what a reader found to a scan: angles, grey values, checks, warnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.angles import even_angles, fit_count, to_radians
from metadata.errors import ScanError
from metadata.found import Found, RawAngles
from metadata.frames import MissingFrames, Selection
from metadata.grey_values import judge_grey_values, probe_of
from metadata.scan_info import GreyState, ScanInfo
from metadata.stored_scan import StoredScan
from metadata.turn import Turn, find_turn

ROWS_SEEN = 16  # middle rows of the few frames that are looked at
FRAMES_SEEN = 12


def assemble(
    found: Found,
    given_angles: RawAngles | None = None,
    given_state: GreyState | None = None,
    *,
    look: bool = True,
    reopen: Callable[[], tuple[Any, ...]] | None = None,
) -> StoredScan:
    """The scan, or a :class:`ScanError` that names everything that makes it unusable.

    Frames are only looked at (some rows of some forty) where the file leaves open what its grey
    values mean or which turn it covers, and not at all without ``look``.
    """
    _check(found)
    warnings = list(found.warnings)
    sample = None
    if look and not found.flats:
        sample = _sample(found.projections)
    grey = judge_grey_values(found, sample, given_state)
    warnings += grey.warnings
    count = found.projections.count
    raw = given_angles or found.angles
    assumed = raw is None
    if raw is None:
        turn = _turn(found) if look else None
        angles = even_angles(
            count,
            0.0,
            2 * np.pi if turn and turn.full else np.pi,
            endpoint=bool(turn and turn.closed),
        )
        warnings.append(_about_turn(turn, looked=look))
    else:
        values, said = fit_count(raw.values, count, raw.name)
        angles, more = to_radians(values, raw.unit, raw.name)
        warnings += [*said, *more]
        if np.ptp(angles) == 0:
            raise ScanError(
                f"{found.path}: all {count} projections have the angle {np.rad2deg(angles[0]):g}° "
                f"in {raw.name}; expected a rotation. Give the true ones, as angles='0:180'."
            )
    facts, source = found.facts, found.projections.source
    axis = facts.rotation_axis_px
    if axis is not None and not -0.5 * source.shape[2] <= axis <= 1.5 * source.shape[2]:
        warnings.append(
            f"The file puts the rotation axis at column {axis:g}, far outside its "
            f"{source.shape[2]} columns: ignored."
        )
        axis = None
    monitor = found.monitor
    if monitor is not None and (monitor.size != count or not np.all(np.isfinite(monitor))):
        warnings.append(
            f"The monitor has {monitor.size} readings, {int(np.isfinite(monitor).sum())} of them "
            f"numbers, for {count} projections: ignored."
        )
        monitor = None
    if found.flats and not found.darks:
        warnings.append("There are no darks: the dark level is taken as zero. Give darks=.")
    info = ScanInfo(
        path=found.path,
        format=found.format,
        projections=count,
        rows=source.shape[1],
        columns=source.shape[2],
        flats=sum(s.count for s in found.flats),
        darks=sum(s.count for s in found.darks),
        dtype=str(source.dtype),
        state=grey.state,
        angles_rad=angles,
        angles_assumed=assumed,
        pixel_size_m=facts.pixel_size_m,
        energy_kev=facts.energy_kev,
        distance_m=facts.distance_m,
        exposure_s=facts.exposure_s,
        rotation_axis_px=axis,
        ring_current_ma=facts.ring_current_ma,
        start_time=facts.start_time,
        end_time=facts.end_time,
        sample=facts.sample,
        probe=probe_of(found),
        warnings=tuple(warnings),
        flats_before=found.flats_before,
    )
    return StoredScan(
        info, found.projections, found.flats, found.darks, monitor, grey.offset, grey.scale, reopen
    )


def _check(found: Found) -> None:
    problems: list[str] = []
    shape = found.projections.source.shape
    count = found.projections.count
    if count == 0:
        problems.append("it holds no projections")
    elif count == 1:
        problems.append("it holds one projection, and tomography needs several angles")
    unread = isinstance(found.projections.source, MissingFrames)
    if not unread and (0 in shape[1:] or shape[2] < 2):
        problems.append(f"its frames have {shape[1]} rows and {shape[2]} columns")
    for name, selections in (("flats", found.flats), ("darks", found.darks)):
        for selection in selections:
            if selection.source.shape[1:] != shape[1:]:
                problems.append(
                    f"its {name} have {selection.source.shape[1]} x {selection.source.shape[2]} "
                    f"pixels (rows x columns), its projections {shape[1]} x {shape[2]}"
                )
    if problems:
        raise ScanError(
            f"{found.path} ({found.format}) cannot be used: {'; '.join(problems)}. Expected at "
            f"least two projections, and flats and darks of the same size; give the right ones "
            f"with data=, flats= and darks=."
        )


def _sample(projections: Selection, frames: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
    """The middle rows of some frames as stored, ``angle, row, col``."""
    if frames is None:
        frames = np.unique(np.linspace(0, projections.count - 1, FRAMES_SEEN).astype(np.intp))
    height = projections.source.shape[1]
    start = max(0, height // 2 - ROWS_SEEN // 2)
    rows = slice(start, min(height, start + ROWS_SEEN))
    return projections.source.read(projections.index[frames], rows).astype(np.float64)


def _turn(found: Found) -> Turn | None:
    level: NDArray[np.float64] | float = 1.0
    dark: NDArray[np.float64] | float = 0.0
    if found.flats and found.flats[0].count:
        level = _sample(found.flats[0], np.arange(min(8, found.flats[0].count))).mean(axis=0)
    if found.darks and found.darks[0].count:
        dark = _sample(found.darks[0], np.arange(min(8, found.darks[0].count))).mean(axis=0)

    def profiles(frames: NDArray[np.intp]) -> NDArray[np.float64]:
        # One row, not their mean: structure that differs between rows would blur away.
        values = (_sample(found.projections, frames) - dark) / np.maximum(level - dark, 1e-6)
        line = values[:, values.shape[1] // 2]
        bright = float(np.nanpercentile(line, 95))
        return -np.log(np.clip(line / bright, 0.02, None)) if bright > 0 else np.zeros_like(line)

    return find_turn(profiles, found.projections.count)


def _about_turn(turn: Turn | None, *, looked: bool) -> str:
    way = "Give angles='START:STOP' in degrees (end left out; '0:360:inclusive' has it) if not."
    if turn is None:
        why = "too few frames or no contrast to tell more" if looked else "no frame was looked at"
        return f"There are no angles: laid evenly over 0 to 180°, end left out ({why}). {way}"
    if turn.full:
        end = (
            "with both ends, since the last frame repeats the first"
            if turn.closed
            else ("end left out")
        )
        return (
            f"There are no angles: laid evenly over 0 to 360°, {end}; projections half the scan "
            f"apart are mirror images (correlation {turn.likeness:.2f}). {way}"
        )
    return (
        f"There are no angles: laid evenly over 0 to 180°, end left out; projections half the "
        f"scan apart are no mirror images (correlation {turn.likeness:.2f}), so it is no full "
        f"turn, but a smaller arc cannot be excluded. {way}"
    )
