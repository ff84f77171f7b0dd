"""Spots found in the views of a scan, followed as what turns about the axis with the sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from toolbox.noise import MAD_TO_SIGMA

Numbers = NDArray[np.float64]
TRIALS = 300
STARTS = 5  # of the likeliest features are followed up
FAR = 10.0  # px that a spot may lie from its place before the shifts are known …
NEAR = 2.0  # … and after
BESIDE = 5.0  # px: two features about axes so near each other, and not both so near in the slice
SCATTERED = 0.5  # of how far it may lie: spots of no one feature lie anywhere (0.58 of it)
COMMON = 0.5  # of the views show a feature that is followed
ALIKE = 1.5  # times larger or smaller than it is in the views around
ALONE = 0.2  # of the views show it apart from others
TOGETHER, BLURRED = 0.7, 0.1  # what features before one another count in votes, and in the mean
DOUBT = 0.08  # of a vote is lost by a shift as large as is usual
ERRS = 0.2  # px that a spot's middle is off
ROUNDS = 6
MOST = 6  # features


@dataclass(frozen=True, eq=False)
class Spots:
    """What was found: in which view (by increasing angle), at what row and column, how large
    (px), one number each."""

    view: NDArray[np.intp]
    row: Numbers
    column: Numbers
    size: Numbers

    def __len__(self) -> int:
        return len(self.view)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Spots:
        return Spots(self.view[chosen], self.row[chosen], self.column[chosen], self.size[chosen])

    @property
    def at(self) -> Numbers:
        """Axes ``spot, (row, col)``."""
        return np.stack([self.row, self.column], axis=1)


@dataclass(frozen=True, eq=False)
class Track:
    """A feature: its row, and its column as ``axis + x cos θ + y sin θ``; ``at[view]`` is its spot
    among those found, −1 where it was not seen."""

    row: float
    waves: Numbers
    at: NDArray[np.intp]

    @property
    def seen(self) -> NDArray[np.bool_]:
        return self.at >= 0

    def place(self, waves: Numbers) -> Numbers:
        """Where it is without shifts, axes ``angle, (row, col)``."""
        return np.stack([np.full(len(waves), self.row), waves @ self.waves], axis=1)


def circle(angles_rad: Numbers) -> Numbers:
    """1, cosine and sine of angles, axes ``angle, wave``."""
    return np.stack([np.ones_like(angles_rad), np.cos(angles_rad), np.sin(angles_rad)], axis=1)


def tracks(
    spots: Spots, angles_rad: Numbers, columns: int, seed: int = 0
) -> tuple[list[Track], Numbers]:
    """Features that most views show, and the shifts of views that they agree in, axes
    ``angle, (row, col)``, nan where a view shows none.

    Three spots of three views make a sine; the sines that pass near a spot in most views are
    features (Fischler & Bolles 1981, Commun. ACM 24, 381). What spots are off their sines in one
    view is its shift, by the vote of most features; with the shifts taken off the sines are fitted
    again, and again.
    """
    rng = np.random.default_rng(seed)
    waves = circle(angles_rad)
    everything = np.arange(len(spots))
    best: list[Track] = []
    for first in _likely(spots, everything, waves, columns, None, rng)[:STARTS]:
        together = _further([first], spots, everything, waves, columns, rng)
        if sum(t.seen.sum() for t in together) > sum(t.seen.sum() for t in best):
            best = together
    shifts = np.full((len(waves), 2), np.nan)
    for turn in range(ROUNDS):
        spread = FAR / 2 if turn == 0 else usual_shift(shifts)
        shifts, best = voted(best, spots, waves, max(FAR * 0.5**turn, NEAR), spread)
        best = [track for track in best if track.seen.mean() >= ALONE]
        best = fitted_together(best, spots, waves, spread)
        if turn == ROUNDS // 3 and best:  # what was hidden by the shifts
            own = shifts[spots.view]
            still = Spots(spots.view, spots.row - own[:, 0], spots.column - own[:, 1], spots.size)
            known = np.flatnonzero(np.isfinite(own[:, 1]))
            best = _further(best, still, known, waves, columns, rng)
    return best, shifts


def _further(
    found: list[Track],
    spots: Spots,
    some: NDArray[np.intp],
    waves: Numbers,
    columns: int,
    rng: np.random.Generator,
) -> list[Track]:
    """With more features about the same axis from those of some spots that are no one's."""
    found = list(found)
    while len(found) < MOST:
        left = np.setdiff1d(some, np.concatenate([track.at[track.seen] for track in found]))
        likely = _likely(spots, left, waves, columns, float(found[0].waves[0]), rng)
        more = [track for track in likely if not _among(track, found)]
        if not more:
            break
        found.append(more[0])
    return found


def _among(track: Track, found: list[Track]) -> bool:
    """Whether a feature is one of those found."""
    return any(np.abs(other.waves - track.waves).max() < BESIDE for other in found)


def fitted_together(found: list[Track], spots: Spots, waves: Numbers, spread: float) -> list[Track]:
    """The sines and rows that explain all spots best where each view may be off by any shift, with
    ``spread`` px as its usual size: least squares with the shifts left out, twice, the second time
    without spots that are far off."""
    if not found:
        return []
    view = np.concatenate([np.flatnonzero(track.seen) for track in found])
    which = np.repeat(np.arange(len(found)), [track.seen.sum() for track in found])
    there = spots.at[np.concatenate([track.at[track.seen] for track in found])]
    design = np.zeros((len(view), len(found), 3))
    design[np.arange(len(view)), which] = waves[view]
    rows = np.eye(len(found))[which]
    use = np.ones(len(view), bool)
    sines = heights = np.zeros(0)
    for _ in range(2):
        apart = _without_shift(view[use], len(waves), spread)
        sines = _least_squares(apart(design[use].reshape(use.sum(), -1)), apart(there[use, 1:]))
        heights = _least_squares(apart(rows[use]), apart(there[use, :1]))
        rest = there[:, 1] - design.reshape(len(view), -1) @ sines
        middle = np.array([np.median(rest[use & (view == v)]) if (use & (view == v)).any() else 0.0
                           for v in range(len(waves))])  # fmt: skip
        rest = np.abs(rest - middle[view])
        use = rest <= max(3 * MAD_TO_SIGMA * float(np.median(rest)), 3 * ERRS)
    pairs = zip(found, heights, sines.reshape(-1, 3), strict=True)
    return [Track(float(height), sine, track.at) for track, height, sine in pairs]


def _least_squares(lines: Numbers, wanted: Numbers) -> Numbers:
    found = np.linalg.lstsq(lines, wanted[:, 0], rcond=1e-6)[0]
    return np.asarray(found, np.float64)


def _without_shift(
    view: NDArray[np.intp], views: int, spread: float
) -> Callable[[Numbers], Numbers]:
    """What whitens lines that belong to views, of errors :data:`ERRS` and what a view's share."""
    count = np.maximum(np.bincount(view, minlength=views), 1)
    ratio = (ERRS / spread) ** 2
    share = 1 - np.sqrt(ratio / (count + ratio))

    def apart(lines: Numbers) -> Numbers:
        total = np.zeros((views, lines.shape[1]))
        np.add.at(total, view, lines)
        return np.asarray(lines - (share / count)[view, None] * total[view])

    return apart


def usual_shift(shifts: Numbers) -> float:
    """Robust spread of shifts across, px; at least 1."""
    known = shifts[np.isfinite(shifts[:, 1]), 1]
    if not len(known):
        return FAR / 2
    return max(float(np.median(np.abs(known - np.median(known)))) * MAD_TO_SIGMA, 1.0)


def voted(
    found: list[Track], spots: Spots, waves: Numbers, far: float, spread: float
) -> tuple[Numbers, list[Track]]:
    """The shift of each view, axes ``angle, (row, col)``, nan where it shows no feature; and the
    features, with those spots that show one alone.

    Of what each spot would be off if it were one or another feature (or several that stand before
    one another), that is chosen with which most have a spot of their size within ``far`` px, and
    the mean of what these say is the shift. Offers of many times the usual ``spread`` count less.
    """
    shifts = np.full((len(waves), 2), np.nan)
    at = np.full((len(found), len(waves)), -1)
    if not found or not len(spots):
        return shifts, []
    places = np.stack([track.place(waves) for track in found], axis=1)  # view, feature, (row, col)
    half = np.array([np.sqrt(usual_size(track, spots) / np.pi) for track in found])
    begins = np.searchsorted(spots.view, np.arange(len(waves) + 1))
    for view, (first, last) in enumerate(pairwise(begins)):
        groups = grouped(places[view], half)
        middle = np.array([group.middle for group in groups])
        usual = np.array([group.size for group in groups])
        single = np.array([len(group.members) == 1 for group in groups])
        off = spots.at[first:last, None] - middle  # spot, group, (row, col)
        alike = np.abs(np.log(spots.size[first:last, None] / usual)) < np.log(ALIKE)
        off[~alike] = np.inf
        offers = off[np.abs(off).max(axis=-1) <= FAR]
        if not len(offers):
            continue
        away = np.abs(off[None] - offers[:, None, None]).max(axis=-1)  # offer, spot, group
        near = away.min(axis=1)  # of a group's nearest spot
        agree = np.maximum(1 - (near / far) ** 2, 0) @ np.where(single, 1.0, TOGETHER)
        worth = agree - DOUBT * (offers[:, 1] / spread) ** 2
        chosen = int(np.argmax(worth))
        if worth[chosen] <= 0:
            continue
        those = np.flatnonzero(near[chosen] <= far)
        which = away[chosen].argmin(axis=0)[those]
        weights = np.where(single[those], 1.0, BLURRED)
        shifts[view] = np.average(off[which, those], axis=0, weights=weights)
        for spot, group in zip(which, those, strict=True):
            if single[group]:
                at[groups[group].members[0], view] = first + spot
    return shifts, [Track(t.row, t.waves, one) for t, one in zip(found, at, strict=True)]


@dataclass(frozen=True, eq=False)
class Group:
    """Features that make one spot: their numbers, its middle ``(row, col)`` and size (px)."""

    members: list[int]
    middle: Numbers
    size: float


def grouped(place: Numbers, half: Numbers) -> list[Group]:
    """Features at their places in one view, axes ``feature, (row, col)``, with those that touch
    put together: discs of half the width ``half``, the taller hiding the lower."""
    groups: list[list[int]] = []
    for index in np.argsort(place[:, 1]):
        near = [
            group for group in groups
            if any(np.hypot(*(place[index] - place[i])) < half[index] + half[i] + 1 for i in group)
        ]  # fmt: skip
        groups = [group for group in groups if group not in near]
        groups.append([i for group in near for i in group] + [int(index)])
    found = []
    for members in groups:
        columns, own = place[members, 1], half[members]
        middle, size = place[members[0]], float(np.pi * own[0] ** 2)
        if len(members) > 1:
            u = np.arange(float(np.min(columns - own)), float(np.max(columns + own)), 0.25)
            high = np.sqrt(np.maximum(own[:, None] ** 2 - (u - columns[:, None]) ** 2, 0)).max(0)
            weights = own**2
            middle = np.array([np.average(place[members, 0], weights=weights),
                               np.average(u, weights=high + 1e-12)])  # fmt: skip
            size = float(2 * high.sum() * 0.25)
        found.append(Group(members, middle, size))
    return found


def usual_size(track: Track, spots: Spots) -> float:
    """The median size of a feature's spots, px."""
    return float(np.median(spots.size[track.at[track.seen]])) if track.seen.any() else 1.0


def _likely(
    spots: Spots,
    left: NDArray[np.intp],
    waves: Numbers,
    columns: int,
    axis: float | None,
    rng: np.random.Generator,
) -> list[Track]:
    """Sines through what is left that pass near a spot in most views, the likeliest first, each
    fitted to these spots; those that lie closer than by chance."""
    if len(np.unique(spots.view[left])) < max(COMMON * len(waves), 8):
        return []
    middle, aside = ((columns - 1) / 2, 0.25 * columns) if axis is None else (axis, BESIDE)
    tried: list[tuple[float, Track]] = []
    for _ in range(TRIALS):
        first = rng.choice(left)
        level = left[np.abs(spots.row[left] - spots.row[first]) < FAR]
        three = rng.choice(level, min(3, len(level)), replace=False)
        corner = waves[spots.view[three]]
        if len(three) < 3 or abs(np.linalg.det(corner)) < 0.1:
            continue
        sine = np.asarray(np.linalg.solve(corner, spots.column[three]), np.float64)
        if abs(sine[0] - middle) > aside + FAR or np.hypot(*sine[1:]) > columns:
            continue
        track = Track(float(np.median(spots.row[three])), sine, three)
        at, away = nearest(spots, left, track.place(waves), FAR)
        score = float((1 - (away[at >= 0] / FAR) ** 2).sum())
        tried.append((score, Track(track.row, sine, at)))
    found: list[Track] = []
    for score, track in sorted(tried, key=lambda pair: -pair[0])[: 4 * STARTS]:
        if score < COMMON / 2 * len(waves):
            break
        away = np.full(len(waves), np.inf)
        for _ in range(3):
            track = fitted(track, spots, waves)
            at, away = nearest(spots, left, track.place(waves), FAR)
            track = Track(track.row, track.waves, at)
        if (
            _among(track, found)
            or track.seen.mean() < COMMON
            or abs(track.waves[0] - middle) > aside
        ):
            continue
        if np.sqrt(np.mean(away[track.seen] ** 2)) < SCATTERED * FAR * np.sqrt(2):
            found.append(track)
    return sorted(found, key=lambda track: -int(track.seen.sum()))


def nearest(
    spots: Spots, some: NDArray[np.intp], place: Numbers, far: float
) -> tuple[NDArray[np.intp], Numbers]:
    """Of some spots, the one nearest to a place (axes ``angle, (row, col)``) in each view, −1 where
    none is so near in rows and columns; and how far it is."""
    view = spots.view[some]
    off = np.abs(spots.at[some] - place[view])
    away = np.where((off <= far).all(axis=1), np.hypot(off[:, 0], off[:, 1]), np.inf)
    closest = np.full(len(place), np.inf)
    np.minimum.at(closest, view, away)
    at = np.full(len(place), -1)
    chosen = np.isfinite(away) & (away == closest[view])
    at[view[chosen]] = some[chosen]
    return at, closest


def fitted(track: Track, spots: Spots, waves: Numbers) -> Track:
    """Through its spots; the farthest tenth does not count."""
    seen = np.flatnonzero(track.seen)
    if len(seen) < 8:
        return track
    own = spots.at[track.at[seen]]
    use = np.ones(len(own), bool)
    sine = track.waves
    for _ in range(2):
        sine = _least_squares(waves[seen][use], own[use, 1:])
        rest = np.abs(own[:, 1] - waves[seen] @ sine)
        use = rest <= np.quantile(rest, 0.9)
    return Track(float(np.median(own[:, 0])), sine, track.at)
