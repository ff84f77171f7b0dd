"""A scan over frames on disk."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata import outlying, repair
from metadata.errors import ScanError
from metadata.frames import Selection
from metadata.reference_frames import ReferenceFrames
from metadata.row_file import RowFile, has_room
from metadata.scan import Frames, Scan
from metadata.scan_info import Content, GreyState, ScanInfo

logger = logging.getLogger("tomoplan")


class StoredScan(Scan):
    """Frames behind a :class:`ScanInfo`, as float32: ``(stored + offset) * scale``.

    Lost frames, rows and pixels are filled from their neighbours as they are read (see
    :mod:`metadata.repair`); ``info.warnings`` then says which. ``cache_bytes`` bounds what a pass
    over rows keeps in memory of stored chunks; what needs more goes through a scratch file.
    """

    cache_bytes = 512 << 20

    def __init__(
        self,
        info: ScanInfo,
        projections: Selection,
        flats: Sequence[Selection] = (),
        darks: Sequence[Selection] = (),
        monitor: NDArray[np.float64] | None = None,
        offset: float = 0.0,
        scale: float = 1.0,
        reopen: Callable[[], tuple[Any, ...]] | None = None,
    ) -> None:
        self.info = info
        self._stated = info.warnings
        self._projections = projections
        size = (info.rows, info.columns, self.cache_bytes)
        self._flats = ReferenceFrames("flats", flats, *size)
        self._darks = ReferenceFrames("darks", darks, *size)
        self._monitor = monitor
        self._offset, self._scale = offset, scale
        self._reopen = reopen
        self._rows: RowFile | None = None
        self._lock = threading.RLock()
        self._found: dict[str, set[int]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reopen is None:
            raise TypeError("This scan was not opened from a file, so another process cannot.")
        return self._reopen()

    def projections(
        self,
        angles: slice | NDArray[np.intp] = slice(None),
        rows: slice = slice(None),
    ) -> Frames:
        positions = np.arange(self.info.projections)[angles]
        start, stop, _ = rows.indices(self.info.rows)
        kept = self._rows
        if kept is not None and stop - start < self.info.rows:
            stored = kept.read(start, max(stop, start))[positions]
        else:
            stored = self._read(positions, slice(start, stop))
        return self._grey(stored, positions, start)

    def flats(self, rows: slice = slice(None)) -> Frames:
        return self._reference(self._flats, rows)

    def darks(self, rows: slice = slice(None)) -> Frames:
        return self._reference(self._darks, rows)

    @property
    def chunks(self) -> tuple[int, int, int] | None:
        return self._projections.source.chunks

    def monitor(self) -> NDArray[np.float64] | None:
        return None if self._monitor is None else self._monitor.copy()

    def row_slabs(
        self, height: int, *, halo: int = 0, rows: slice = slice(None)
    ) -> Iterator[tuple[slice, Frames]]:
        source, n = self._projections.source, self.info.projections
        first, last, _ = rows.indices(self.info.rows)
        step = source.chunks[1] if source.chunks else 1
        line = n * self.info.columns * source.dtype.itemsize
        fits = min(self.info.rows, height + 2 * (halo + step)) * line <= self.cache_bytes
        slabs = [
            slice(max(0, s - halo), min(min(s + height, last) + halo, self.info.rows))
            for s in range(first, last, height)
        ]
        direct = len(slabs) == 1 or source.chunks is None or (step == 1 and not (halo and fits))
        if not (direct or fits or self._rows is not None):
            self._turn()
        if self._rows is not None or direct or not fits:
            for slab in slabs:
                yield slab, self.projections(rows=slab)
            return
        yield from self._rolling(slabs, step)

    def _rolling(self, slabs: list[slice], step: int) -> Iterator[tuple[slice, Frames]]:
        """Slabs out of whole chunks: what reaches beyond one slab is kept for the next."""
        everything = np.arange(self.info.projections)
        low = high = slabs[0].start if slabs else 0
        held = np.empty((everything.size, 0, self.info.columns), self._projections.source.dtype)
        for slab in slabs:
            held, low = held[:, slab.start - low :], slab.start
            upto = min(-(-slab.stop // step) * step, self.info.rows)
            if upto > high:
                held = np.concatenate([held, self._read(everything, slice(high, upto))], axis=1)
                high = upto
            yield slab, self._grey(held[:, : slab.stop - low], everything, low)

    def close(self) -> None:
        self._projections.source.close()
        self._flats.close()
        self._darks.close()
        with self._lock:
            if self._rows is not None:
                self._rows.close()
                self._rows = None

    def _read(self, positions: NDArray[np.intp], rows: slice) -> NDArray[Any]:
        return self._projections.source.read(self._projections.index[positions], rows)

    def _turn(self) -> None:
        """Read every chunk once and keep the rows in a scratch file, where there is room."""
        with self._lock:
            if self._rows is not None:
                return
            source, index = self._projections.source, self._projections.index
            shape = (self.info.projections, self.info.rows, self.info.columns)
            line = shape[2] * source.dtype.itemsize
            if not has_room(shape[0] * shape[1] * line):
                logger.warning(
                    "%s: no scratch space for its rows (%.1f GB): chunks are read several times, "
                    "which is slow. Set TOMOPLAN_SCRATCH to a folder with room.",
                    self.info.path,
                    shape[0] * shape[1] * line / 1e9,
                )
                return
            rows = RowFile(shape, source.dtype)
            chunk, step = source.chunks[:2] if source.chunks else (1, 1)
            budget = min(self.cache_bytes, 128 << 20)
            band = min(shape[1], step * max(1, budget // (chunk * step * line)))
            most = max(1, budget // (band * line))
            # Pieces end where stored chunks end, or a chunk would be read for both.
            ends = np.flatnonzero(np.diff(index // chunk, append=-1)) + 1
            for top in range(0, shape[1], band):
                below = min(top + band, shape[1])
                start = 0
                for end, following in zip(ends, [*ends[1:], None], strict=True):
                    if following is None or following - start > most:
                        piece = source.read(index[start:end], slice(top, below))
                        rows.write(start, piece, top)
                        start = int(end)
            self._rows = rows

    def _grey(self, stored: NDArray[Any], positions: NDArray[np.intp], first_row: int) -> Frames:
        counts = self.info.state is GreyState.COUNTS and not self._offset
        damage = repair.find_damage(stored, counts=counts)
        far = self._outlying(stored, damage.lost, positions, first_row, counts)
        damage = dataclasses.replace(damage, outlying=far)
        values = self._scaled(stored)
        if not damage.none:
            self._mend(values, damage, positions, first_row, counts)
        return values

    @property
    def _has_level(self) -> bool:
        """Whether a frame is as bright as those around: of projections before the logarithm."""
        projections = self.info.content is Content.PROJECTIONS
        wide = self.info.columns >= outlying.NARROW
        return projections and wide and self.info.state is not GreyState.ATTENUATION

    def _outlying(
        self,
        stored: NDArray[Any],
        lost: NDArray[np.bool_],
        positions: NDArray[np.intp],
        first_row: int,
        counts: bool,
    ) -> NDArray[np.bool_]:
        """Rows (``frame, row``) far brighter or darker than those of the frames around. Where the
        frames at hand do not follow each other, the scan's own decide about what stands out."""
        if not self._has_level or not stored.size:
            return np.zeros_like(lost)
        if len(lost) < outlying.FEWEST:
            far = self._looked_up(lost, positions, first_row, counts)
        else:
            far = outlying.find_outlying(outlying.row_levels(stored, self._offset), lost)
        for at, row in np.argwhere(far):
            wanted = self._around(int(positions[at]))
            near = positions[max(0, at - outlying.REACH) : at + outlying.REACH + 1]
            if not np.isin(wanted, near).all():
                far[at, row] = self._stands_out(int(positions[at]), first_row + int(row), counts)
        return far

    def _looked_up(
        self, lost: NDArray[np.bool_], positions: NDArray[np.intp], first_row: int, counts: bool
    ) -> NDArray[np.bool_]:
        """Rows of one or two frames worth comparing with those around: of a few rows all, of many
        all where the middle one stands out (a shutter or a beam takes the whole frame)."""
        far = np.zeros_like(lost)
        rows = lost.shape[1]
        for at, frame in enumerate(positions):
            middle = first_row + rows // 2
            far[at] = rows <= outlying.FEW_ROWS or self._stands_out(int(frame), middle, counts)
        return far & ~lost

    def _around(self, frame: int) -> NDArray[np.intp]:
        reach = outlying.REACH
        near = np.arange(max(0, frame - reach), min(self.info.projections, frame + reach + 1))
        return near[near != frame]

    def _stands_out(self, frame: int, row: int, counts: bool) -> bool:
        """Whether a row of a frame lies far off the same row of the frames around in the scan."""
        if not self._has_level:
            return False
        frames = np.append(self._around(frame), frame)
        stored = self._read(frames, slice(row, row + 1))
        levels = outlying.row_levels(stored, self._offset)
        lost = repair.find_damage(stored, counts=counts).lost
        own, around = levels.take(np.intp(-1)), levels.take(np.arange(len(frames) - 1))
        return bool(outlying.stands_out(own, around, lost[:-1])[0])

    def _scaled(self, stored: NDArray[Any]) -> Frames:
        values = stored.astype(np.float32)
        if self._offset:
            values += np.float32(self._offset)
        if self._scale != 1.0:
            values *= np.float32(self._scale)
        return values

    def _mend(
        self,
        values: Frames,
        damage: repair.Damage,
        positions: NDArray[np.intp],
        first_row: int,
        counts: bool,
    ) -> None:
        spots = repair.fill_spots(values, damage.spotted)
        lost = damage.lost

        def fetch(frame: int, row: int) -> NDArray[np.float32] | None:
            if not 0 <= frame < self.info.projections:
                return None
            at = slice(first_row + row, first_row + row + 1)
            stored = self._read(np.array([frame]), at)
            other = repair.find_damage(stored, counts=counts)
            if other.lost.any() or self._stands_out(frame, first_row + row, counts):
                return None
            line = self._scaled(stored)
            repair.fill_spots(line, other.spotted)
            return line[0, 0]

        hopeless = repair.fill_rows(values, lost, positions, fetch)
        blind = hopeless & damage.not_numbers
        empty = first_row + np.flatnonzero(blind.all(axis=0))
        if empty.size and len(positions) > repair.REACH:
            raise ScanError(
                f"{self.info.path}: no projection looked at holds numbers in row "
                f"{_some(set(empty.tolist()))} (NaN alone). Copy the file again from where it was "
                f"recorded, or give data= the frames as they were taken."
            )
        if blind.any():
            frames = positions[blind.any(axis=1)]
            raise ScanError(
                f"{self.info.path}: projections {_some(set(frames.tolist()))} hold no numbers "
                f"(NaN), and none of the {repair.REACH} projections on either side does, so they "
                f"cannot be filled. Leave these projections out and open the scan again."
            )
        mended = lost & ~hopeless
        with self._lock:
            for name, rows in (
                ("hold nothing but zeros (dropped)", damage.empty),
                ("are saturated all over", damage.saturated),
                ("hold no numbers (NaN)", damage.not_numbers),
                ("are far brighter or darker than those around", damage.outlying),
            ):
                if rows is None:
                    continue
                frames = positions[(rows & mended).any(axis=1)].tolist()
                if frames:
                    self._found.setdefault(name, set()).update(frames)
            if spots:
                frames = positions[damage.spotted.any(axis=1)].tolist()
                self._found.setdefault("hold some pixels that are not numbers", set()).update(
                    frames
                )
            self._tell()

    def _tell(self) -> None:
        told = [
            f"{len(frames)} of {self.info.projections} projections ({_some(frames)}) {name}, in "
            f"whole or in some rows: filled from their neighbours."
            for name, frames in self._found.items()
        ]
        told += [*self._flats.warnings(), *self._darks.warnings()]
        self.info = dataclasses.replace(
            self.info,
            flats=self._flats.usable,
            darks=self._darks.usable,
            warnings=(*self._stated, *told),
        )

    def _reference(self, frames: ReferenceFrames, rows: slice) -> Frames:
        try:
            values = frames.read(rows)
        except ScanError as error:
            raise ScanError(f"{self.info.path}: {error}") from error
        if frames.warnings():
            with self._lock:
                self._tell()
        return values


def _some(frames: set[int]) -> str:
    """A few numbers of a set, in order.

    >>> _some({3, 1, 2})
    '1, 2, 3'
    """
    ordered = sorted(frames)
    return ", ".join(map(str, ordered[:6])) + (", …" if len(ordered) > 6 else "")
