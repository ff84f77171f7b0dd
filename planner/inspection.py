"""Measures the traits of a scan from a preview."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from metadata.errors import ScanError, TomoplanError
from metadata.scan import Scan
from metadata.scan_info import Content, GreyState, ScanInfo
from planner.preview import Preview, preview
from planner.traits import Trait, Traits
from toolbox.values import Block, Center

T = TypeVar("T")
Rows = NDArray[np.float64]
EDGE_COLUMNS = 5
ROWS_ENOUGH = 3  # for an interval from their spread
BLOCKS = 4  # of views, where rows are fewer
VIEWS_ENOUGH = 8  # in a block
MANY = 0.05  # share of a projection that zingers do not reach
AIR = 0.12  # how far the transmission of air may seem to lie from 1
DENSE = 3.0  # attenuation above which next to no light comes through (5 %)
NO_FLATS = (
    "The scan has no flat fields: each projection is normalised by the air at its edges, and the "
    "pattern of the beam and of the detector stays (as rings)."
)

CLIPPED = 1e-3  # share of saturated pixels that is worth a word


@dataclass(frozen=True, eq=False)
class Inspection:
    """What the file says and what the data shows."""

    info: ScanInfo
    traits: Traits
    center: Center | None
    warnings: tuple[str, ...]
    seconds: float
    preview: Preview | None  # of projections
    picture: NDArray[np.float32] | None = (
        None  # of a volume its middle slice, of pictures the first
    )
    flats_vary: bool = True  # by more than noise; True too where they were not looked at

    @property
    def sees_no_beam(self) -> bool:
        """Whether neither flats nor air in the frames tell the strength of the beam."""
        counts = self.info.state is GreyState.COUNTS
        return counts and self.preview is not None and self.preview.transmission is None

    @property
    def has_monitor(self) -> bool:
        """Whether the file has a beam monitor reading for each projection."""
        return self.preview is not None and self.preview.raw.monitor is not None


def inspect_scan(scan: Scan, seconds: float = 0.8) -> Inspection:
    """Traits of a scan, from a preview that takes about ``seconds`` to read."""
    if scan.info.content is not Content.PROJECTIONS:
        return inspect_stack(scan)
    began = time.perf_counter()
    seen = preview(scan, seconds)
    info = scan.info  # with what reading the frames had to mend
    warnings = list(info.warnings)
    if info.state is GreyState.COUNTS and not info.flats and seen.transmission is not None:
        warnings.append(NO_FLATS)
    traits, center = measure(info, seen, warnings)
    if traits.saturation is not None and traits.saturation.value > CLIPPED:
        warnings.append(
            f"{100 * traits.saturation.value:.2g} % of the pixels are at the detector's limit "
            f"(saturated): how much is absorbed there is not known, and thin parts come out "
            f"wrong. Kept as they are; expose for less time, or in a weaker beam."
        )
    if center is not None:
        warnings += center.warnings
    took = time.perf_counter() - began
    told = tuple(dict.fromkeys(warnings))
    return Inspection(info, traits, center, told, took, seen, flats_vary=_flats_vary(seen.raw))


def inspect_stack(scan: Scan) -> Inspection:
    """A look at a few slices of a volume, or pictures: traits are of projections, so there are
    none. Raises ScanError where there is nothing to see."""
    began = time.perf_counter()
    info = scan.info
    volume = info.content is Content.VOLUME
    places = np.unique(np.linspace(0, (info.rows if volume else info.projections) - 1, 5).round())
    chosen = [int(p) for p in places]
    seen = [
        scan.projections(rows=slice(p, p + 1))[:, 0] if volume
        else scan.projections(np.array([p], np.intp))[0] for p in chosen
    ]  # fmt: skip
    lowest, highest = (f([f(s) for s in seen]) for f in (np.nanmin, np.nanmax))
    if not highest > lowest:
        raise ScanError(
            f"Every value looked at in {info.path} is {lowest:.4g}; expected a specimen. The file "
            f"may be a placeholder, or another dataset is meant (data=)."
        )
    picture = seen[len(seen) // 2] if volume else seen[0]
    step = max(1, -(-max(picture.shape) // 512))
    took = time.perf_counter() - began
    return Inspection(info, Traits(), None, info.warnings, took, None, picture[::step, ::step])


def measure(info: ScanInfo, seen: Preview, warnings: list[str]) -> tuple[Traits, Center | None]:
    """All traits; what cannot be measured is left out and said in ``warnings``."""
    sinogram = seen.attenuation
    values = sinogram.values  # row, angle, col
    center = _attempt("center", warnings, lambda: _center(sinogram))
    jitter = _attempt("jitter", warnings, lambda: _jitter(sinogram))
    traits = Traits(
        noise=_spread(_noise, values, "of line integral"),
        signal=_spread(_signal, values, "of line integral"),
        rings=_attempt("rings", warnings, lambda: _rings(values)),
        view_sufficiency=_view_sufficiency(info, values),
        angular_coverage=_coverage(info),
        center_px=None if center is None else Trait(center.column, center.low, center.high, "px"),
        tilt=_tilt(center),
        jitter=None if jitter is None else Trait(*jitter, "px"),
        motion=_over_rows(_motion(sinogram), "px"),
        truncation=_spread(_truncation, values, "of strongest"),
        fringes=_spread(_fringes, values, "power-law exponent + 2"),
        metal=_spread(_metal, values, "share of pixels"),
        zingers=_spread(_zingers, seen.raw.values.swapaxes(0, 1), "share of pixels"),
        lost_frames=_lost_frames(seen.transmission),
        saturation=_saturation(info, seen.raw.values),
        beam_drift=_beam_drift(seen.transmission),
    )
    return traits, center


# ---- one trait each ------------------------------------------------------------------------------


def _center(sinogram: Block) -> Center:
    from toolbox.centering import estimate_center

    return estimate_center(sinogram, effort="quick")


def _tilt(center: Center | None) -> Trait | None:
    """Degrees; None where no rows far enough apart tell it."""
    if center is None or center.tilt_error_rad is None:
        return None
    tilt, error = np.degrees(center.tilt_rad), 1.96 * np.degrees(center.tilt_error_rad)
    return Trait(float(tilt), float(tilt - error), float(tilt + error), "degree")


def _jitter(sinogram: Block) -> tuple[float, float, float]:
    from toolbox.jitter import jitter_level

    return jitter_level(sinogram)


def _rings(values: NDArray[np.float32]) -> Trait:
    from toolbox.stripes import stripe_energy

    views = np.sqrt(values.shape[1])
    return _spread(lambda some: np.asarray(stripe_energy(some), np.float64) * views, values,
                   "σ of the mean over views")  # fmt: skip


def _noise(values: NDArray[np.float32]) -> Rows:
    from toolbox.noise import noise_sigma

    return np.array([noise_sigma(row) for row in values])


def _signal(values: NDArray[np.float32]) -> Rows:
    return np.asarray(np.quantile(values[:, :: _stride(values)], 0.95, axis=(1, 2)), np.float64)


def _view_sufficiency(info: ScanInfo, values: NDArray[np.float32]) -> Trait:
    """Crowther 1970: π/2 · N views over half a turn; low by the field, high by the specimen."""
    half_turns = max(info.angular_range_rad / np.pi, 1e-9)
    views = info.projections / max(half_turns, 1.0)
    mean = values.mean(axis=(0, 1))
    level = mean.min() + 0.05 * (mean.max() - mean.min())
    width = max(int((mean > level).sum()), 1)
    low = views / (np.pi / 2 * info.columns)
    high = views / (np.pi / 2 * width)
    return Trait(float(low), float(low), float(max(high, low)), "of Crowther's criterion")


def _coverage(info: ScanInfo) -> Trait:
    """Degrees of the half turn covered: 180 less the gap that is wider than a step."""
    folded = np.sort(np.unique(np.round(np.mod(info.angles_rad, np.pi), 9)))
    if len(folded) < 2:
        return Trait(0.0, 0.0, 0.0, "degree")
    gaps = np.diff(np.append(folded, folded[0] + np.pi))
    step = float(np.median(gaps))
    missing = float(gaps[gaps > 2.5 * step].sum() - step * (gaps > 2.5 * step).sum())
    covered = float(np.degrees(np.pi - missing))
    margin = float(np.degrees(step))
    return Trait(covered, max(covered - margin, 0.0), min(covered + margin, 180.0), "degree")


def _motion(sinogram: Block) -> Rows:
    """The centre of mass of a rigid specimen inside the field moves on a sine of the angle
    (Helgason–Ludwig); what slowly departs from it is motion or drift."""
    values, theta = sinogram.values, sinogram.geometry.angles_rad
    base = np.minimum(values[..., :EDGE_COLUMNS].mean(-1), values[..., -EDGE_COLUMNS:].mean(-1))
    mass = np.maximum(values - base[..., None], 0)
    columns = np.arange(values.shape[-1])
    total = np.maximum(mass.sum(-1), 1e-9)
    place = (mass * columns).sum(-1) / total  # row, angle
    model = np.stack([np.ones_like(theta), np.cos(theta), np.sin(theta)], axis=1)
    fit = np.linalg.lstsq(model, place.T, rcond=None)[0]
    rest = place - (model @ fit).T
    window = max(3, len(theta) // 12) | 1
    kernel = np.ones(window) / window
    slow = np.stack([np.convolve(r, kernel, mode="valid") for r in rest])
    return np.sqrt((slow**2).mean(axis=1))


def _truncation(values: NDArray[np.float32]) -> Rows:
    left = np.median(values[..., :EDGE_COLUMNS], axis=(1, 2))
    right = np.median(values[..., -EDGE_COLUMNS:], axis=(1, 2))
    strongest = np.quantile(values[:, :: _stride(values)], 0.99, axis=(1, 2))
    return np.maximum(np.maximum(left, right), 0) / np.maximum(strongest, 1e-9)


def _fringes(values: NDArray[np.float32]) -> Rows:
    """Absorption alone makes sinograms whose power falls at least as q^−2 at edges; propagation
    fringes (Laplacian of the phase) flatten or raise it. The flattest slope over an octave, of
    bands that stand above the noise, plus 2."""
    columns = values.shape[-1]
    window = np.hanning(columns).astype(np.float32)
    found = []
    q = np.fft.rfftfreq(columns)
    for row in values[:, :: _stride(values)]:
        mean = row.mean(axis=0)
        calm = row - (mean - _smooth(mean, 21))
        power = (np.abs(np.fft.rfft(calm * window, axis=1)) ** 2).mean(axis=0)
        floor = float(np.median(power[q > 0.4]))
        slopes = []
        for low in (0.02, 0.03, 0.05, 0.08):
            near, far = (q >= low) & (q < 1.5 * low), (q >= 2 * low) & (q < 3 * low)
            if not near.any() or not far.any():
                continue  # a narrow detector has no such frequencies
            here, there = power[near].mean() - floor, power[far].mean() - floor
            if here > 0 and there > floor:
                slopes.append(np.log2(there / here))
        found.append(max(slopes, default=-2.0) + 2.0)
    return np.array(found)


def _metal(values: NDArray[np.float32]) -> Rows:
    some = values[:, :: _stride(values)]
    usual = np.median(some[some > 0.1]) if (some > 0.1).any() else 1.0
    return (some > max(DENSE, 3 * float(usual))).mean(axis=(1, 2))


def _flats_vary(raw: Block) -> bool:
    """Whether the flats show how the beam moves, by the judgement of the tool that follows it."""
    from toolbox.tools.correct.dynamic_flat_field import DynamicFlatField

    if raw.flats is None or not len(raw.flats):
        return False
    follower = DynamicFlatField().tune(projections=raw).tool
    assert isinstance(follower, DynamicFlatField)
    return bool(follower.components)


def _zingers(raw: NDArray[np.float32]) -> Rows:
    """Pixels far brighter than the views before and after, which share the specimen."""
    if raw.shape[1] < 3:
        return np.zeros(len(raw))
    middle, around = raw[:, 1:-1], np.maximum(raw[:, :-2], raw[:, 2:])
    excess = middle - around
    scale = 1.4826 * np.median(np.abs(excess - np.median(excess, axis=(1, 2), keepdims=True)),
                               axis=(1, 2))  # fmt: skip
    level = np.median(raw, axis=(1, 2))
    limit = 10 * scale + 0.1 * np.abs(level)
    hit = excess > limit[:, None, None]
    # A projection hit all over was lost, not sprinkled.
    return hit.mean(axis=(1, 2), where=hit.mean(axis=2, keepdims=True) < MANY)


def _lost_frames(transmission: Block | None) -> Trait | None:
    if transmission is None:
        return None
    from toolbox.tools.correct.bad_frames import BadFrames

    rule = BadFrames()
    lost = [rule.lost(row).mean() for row in transmission.values.swapaxes(0, 1)]
    return _over_rows(np.array(lost, np.float64), "share of projections")


def _saturation(info: ScanInfo, raw: NDArray[np.float32]) -> Trait:
    """Share of pixels at the highest value, where values pile up there as noise never does."""
    top = float(np.nanmax(raw))
    share = float((raw >= top).mean())
    kind = np.dtype(info.dtype)
    limited = kind.kind in "iu" and top >= np.iinfo(kind).max
    near = float(((raw < top) & (raw >= 0.995 * top)).mean())
    piled = limited or (share > 1e-4 and share > 5 * near)
    value = share if piled else 0.0
    return Trait(value, value, value, "share of pixels")


def _beam_drift(transmission: Block | None) -> Trait | None:
    """Slow change of the clearest edge of the field over the scan, as part of the beam."""
    if transmission is None:
        return None
    values = transmission.values  # angle, row, col
    edges = [values[..., :EDGE_COLUMNS], values[..., -EDGE_COLUMNS:]]
    clear = max(edges, key=lambda e: float(np.median(e)))
    if abs(float(np.median(clear)) - 1) > AIR:
        return None  # no edge shows the open beam alone
    course = np.median(clear, axis=(1, 2))
    window = max(1, len(course) // 20)
    slow = np.convolve(course, np.ones(window) / window, mode="valid")
    value = float(np.ptp(slow) / np.median(course))
    error = float(course.std() / np.sqrt(window))
    return Trait(value, max(value - 2 * error, 0.0), value + 2 * error, "of the beam")


# ---- small pieces --------------------------------------------------------------------------------


def _attempt(name: str, warnings: list[str], work: Callable[[], T]) -> T | None:
    try:
        return work()
    except TomoplanError as error:
        warnings.append(f"{name} could not be measured: {error}")
        return None


def _spread(
    measure: Callable[[NDArray[np.float32]], Rows], values: NDArray[np.float32], unit: str
) -> Trait:
    """As :func:`_over_rows` of what is measured on ``row, angle, col``; where rows are few, the
    interval is the range over blocks of views of each."""
    found = _over_rows(measure(values), unit)
    if len(values) >= ROWS_ENOUGH or values.shape[1] < BLOCKS * VIEWS_ENOUGH:
        return found
    blocks = np.array_split(values, BLOCKS, axis=1)
    ranges = [found, *(_over_rows(measure(block), unit) for block in blocks)]
    return replace(found, low=min(r.low for r in ranges), high=max(r.high for r in ranges))


def _over_rows(values: NDArray[np.float64], unit: str) -> Trait:
    """Median over rows; the interval is the range over the rows looked at."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Trait(float("nan"), float("nan"), float("nan"), unit)
    return Trait(float(np.median(finite)), float(finite.min()), float(finite.max()), unit)


def _stride(values: NDArray[np.float32], enough: int = 200) -> int:
    return max(1, values.shape[1] // enough)


def _smooth(line: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    padded = np.pad(line, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    return np.median(windows, axis=-1)
