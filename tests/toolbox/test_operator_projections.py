"""The operator against bodies whose projections are known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators import World, simulate
from toolbox.operators.filters import FILTERS
from toolbox.operators.parallel_beam import ParallelBeam
from toolbox.operators.weights import redundancy_weights, view_weights

torch = pytest.importorskip("torch")

SIZE = 128
HALF_TURN = np.arange(180) * np.pi / 180
FULL_TURN = np.arange(360) * 2 * np.pi / 360


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    line = np.arange(size) - (size - 1) / 2
    return line[None, :], line[:, None]


def ellipse(size: int, x0: float, y0: float, a: float, b: float, turn: float) -> np.ndarray:
    """1 inside, smoothed over two pixels at the edge by oversampling; axes y, x."""
    fine = 8
    line = (np.arange(size * fine) + 0.5) / fine - 0.5 - (size - 1) / 2
    x, y = line[None, :] - x0, line[:, None] - y0
    along = x * np.cos(turn) + y * np.sin(turn)
    across = y * np.cos(turn) - x * np.sin(turn)
    inside = ((along / a) ** 2 + (across / b) ** 2 <= 1).astype(np.float32)
    return inside.reshape(size, fine, size, fine).mean((1, 3))


def shadow(
    angles: np.ndarray, columns: int, center: float,
    x0: float, y0: float, a: float, b: float, turn: float,
) -> np.ndarray:  # fmt: skip
    """Line integrals of the same ellipse (Kak & Slaney 1988, ch. 3), axes angle, col."""
    s = np.arange(columns) - center - (x0 * np.cos(angles) + y0 * np.sin(angles))[:, None]
    width = ((a * np.cos(angles - turn)) ** 2 + (b * np.sin(angles - turn)) ** 2)[:, None]
    return (2 * a * b * np.sqrt(np.maximum(width - s**2, 0)) / width).astype(np.float32)


BODIES = {
    "disc": (0.0, 0.0, 40.0, 40.0, 0.0),
    "disc_off_axis": (12.3, -20.7, 25.0, 25.0, 0.0),
    "ellipse": (-8.0, 10.5, 40.0, 18.0, 0.6),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("center", [(SIZE - 1) / 2, 51.3])
def test_projections_of_bodies(body: str, center: float) -> None:
    A = ParallelBeam(HALF_TURN, SIZE, center)
    made = A(torch.from_numpy(ellipse(SIZE, *BODIES[body]))[None])[0].numpy()
    known = shadow(HALF_TURN, SIZE, center, *BODIES[body])
    within = known > 0.5 * known.max(axis=1, keepdims=True)  # away from the kinks at the edges
    assert np.abs(made - known)[within].max() < 0.025 * known.max()
    assert np.linalg.norm(made - known) < 0.01 * np.linalg.norm(known)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("center", [(SIZE - 1) / 2, 60.25])
@pytest.mark.parametrize("filter", [f for f in FILTERS if f != "none"])
def test_filtered_back_projection_gives_the_value(body: str, center: float, filter: str) -> None:
    x0, y0, a, b, turn = BODIES[body]
    y = 0.02 * shadow(HALF_TURN, SIZE, center, *BODIES[body])
    x = ParallelBeam(HALF_TURN, SIZE, center).fbp(torch.from_numpy(y)[None], filter)[0].numpy()
    inner = ellipse(SIZE, x0, y0, a - 4, b - 4, turn) == 1
    outer = ellipse(SIZE, x0, y0, a + 4, b + 4, turn) == 0
    outer &= np.hypot(*grid(SIZE)) < 58
    assert x[inner].mean() == pytest.approx(0.02, rel=2e-3)
    assert abs(x[outer].mean()) < 2e-5
    assert x[inner].std() < 1e-3
    assert x[outer].std() < 1e-3


def test_turning_the_body_moves_the_views() -> None:
    step = HALF_TURN[1]
    A = ParallelBeam(np.arange(200) * step, SIZE)
    x0, y0, a, b, turn = BODIES["ellipse"]
    turned_by = 20 * step
    cos, sin = np.cos(turned_by), np.sin(turned_by)
    turned = (x0 * cos - y0 * sin, x0 * sin + y0 * cos, a, b, turn + turned_by)
    first = A(torch.from_numpy(ellipse(SIZE, *BODIES["ellipse"]))[None])[0]
    second = A(torch.from_numpy(ellipse(SIZE, *turned))[None])[0]
    gap = float((second[20:] - first[:-20]).norm() / first.norm())
    assert gap < 0.005


def test_an_image_and_its_turn_by_a_right_angle() -> None:
    A = ParallelBeam(np.arange(180) * np.pi / 90, SIZE)
    x = torch.randn(1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    # x right, y down: a quarter turn from x towards y is clockwise on the screen.
    turned = torch.rot90(x, -1, (1, 2))
    gap = A(turned)[0].roll(-45, 0) - A(x)[0]
    assert float(gap.norm() / A(x)[0].norm()) < 2e-3


def test_views_in_any_order_and_direction() -> None:
    y = shadow(HALF_TURN, SIZE, 63.5, *BODIES["ellipse"])
    straight = ParallelBeam(HALF_TURN, SIZE).fbp(torch.from_numpy(y)[None])
    order = np.random.default_rng(0).permutation(180)
    shuffled = ParallelBeam(HALF_TURN[order] + 2 * np.pi, SIZE)
    again = shuffled.fbp(torch.from_numpy(y[order])[None])
    torch.testing.assert_close(again, straight, rtol=1e-3, atol=1e-3)


def test_unequal_angles_keep_the_value() -> None:
    rng = np.random.default_rng(1)
    angles = np.sort(np.concatenate([HALF_TURN[::2], rng.uniform(0.3, 1.2, 200)]))
    y = shadow(angles, SIZE, 63.5, *BODIES["disc"])
    x = ParallelBeam(angles, SIZE).fbp(torch.from_numpy(y)[None])[0].numpy()
    inner = np.hypot(*grid(SIZE)) < 34
    assert x[inner].mean() == pytest.approx(1, rel=5e-3)


@pytest.mark.parametrize("center", [63.5, 60.0])
def test_a_full_turn_counts_every_ray_once(center: float) -> None:
    y = shadow(FULL_TURN, SIZE, center, *BODIES["ellipse"])
    A = ParallelBeam(FULL_TURN, SIZE, center)
    assert not A.half_acquisition
    assert A.size == SIZE
    x = A.fbp(torch.from_numpy(y)[None])[0].numpy()
    inner = ellipse(SIZE, -8.0, 10.5, 36.0, 14.0, 0.6) == 1
    assert x[inner].mean() == pytest.approx(1, rel=3e-3)


@pytest.mark.parametrize("center", [14.0, 113.4])
def test_half_acquisition(center: float) -> None:
    A = ParallelBeam(FULL_TURN, SIZE, center)
    assert A.half_acquisition
    assert A.size == 2 * round(max(center, SIZE - 1 - center)) + 1
    body = (30.0, -20.0, 60.0, 45.0, 0.4)  # wider than the detector on one side
    small = (-60.0, 40.0, 12.0, 12.0, 0.0)
    y = shadow(FULL_TURN, SIZE, center, *body) + shadow(FULL_TURN, SIZE, center, *small)
    x = A.fbp(torch.from_numpy(y)[None])[0].numpy()
    for x0, y0, a, b, turn in (body, small):
        inner = ellipse(A.size, x0, y0, a - 4, b - 4, turn) == 1
        assert x[inner].mean() == pytest.approx(1, rel=5e-3)
        assert x[inner].std() < 0.05
    empty = (ellipse(A.size, 30, -20, 64, 49, 0.4) + ellipse(A.size, -60, 40, 16, 16, 0)) == 0
    empty &= np.hypot(*grid(A.size)) < A.size / 2 - 6
    assert abs(x[empty].mean()) < 5e-3
    assert x[empty].std() < 0.05


def test_edge_padding_saves_a_truncated_sample() -> None:
    body = (5.0, 0.0, 90.0, 80.0, 0.3)  # wider than the field
    hole = (20.0, -10.0, 10.0, 10.0, 0.0)
    y = shadow(HALF_TURN, SIZE, 63.5, *body) - 0.5 * shadow(HALF_TURN, SIZE, 63.5, *hole)
    A = ParallelBeam(HALF_TURN, SIZE)
    sinogram = torch.from_numpy(y)[None]
    truth = 1 - 0.5 * ellipse(SIZE, *hole)
    seen = np.hypot(*grid(SIZE)) < 58

    def bend(padding: str) -> float:
        """How far the slice is from the truth plus a constant."""
        error = (A.fbp(sinogram, padding=padding)[0].numpy() - truth)[seen]
        return float(error.std())

    assert bend("edge") < 0.6 * bend("zero")
    torch.testing.assert_close(A.fbp(sinogram), A.fbp(sinogram, padding="edge"))
    complete = torch.from_numpy(shadow(HALF_TURN, SIZE, 63.5, *BODIES["disc"]))[None]
    torch.testing.assert_close(A.fbp(complete), A.fbp(complete, padding="zero"))


@pytest.mark.parametrize("tilt_deg", [2.0, -2.0])
def test_a_leaning_axis(tilt_deg: float) -> None:
    world = World(columns=96, rows=25, projections=150, tilt_deg=tilt_deg, specimen="foam")
    scan = simulate(world)
    y = np.stack([scan.line_integrals(r) for r in range(25)]).astype(np.float32)
    row = 6  # away from the middle, so that both sides of the shear count
    truth = scan.truth(row)
    inside = np.hypot(*grid(96)) < 40
    angles = scan.info.angles_rad

    def error(tilt_rad: float) -> float:
        A = ParallelBeam(angles, 96, scan.truth_center, tilt_rad=tilt_rad)
        x = A.fbp(torch.from_numpy(y), "cosine")[row].numpy()
        return float(np.linalg.norm((x - truth)[inside]) / np.linalg.norm(truth[inside]))

    right = error(np.deg2rad(tilt_deg))
    level = ParallelBeam(angles, 96, scan.truth_center)
    straight = np.stack([simulate(World(columns=96, rows=25, projections=150, specimen="foam"))
                         .line_integrals(r) for r in (row,)]).astype(np.float32)  # fmt: skip
    untilted = level.fbp(torch.from_numpy(straight), "cosine")[0].numpy()
    floor = float(np.linalg.norm((untilted - truth)[inside]) / np.linalg.norm(truth[inside]))
    assert right < 1.35 * floor
    assert right < 0.8 * error(0.0)
    assert right < 0.6 * error(-np.deg2rad(tilt_deg))


def test_projecting_along_a_leaning_axis() -> None:
    tilt = np.deg2rad(1.5)
    world = World(columns=96, rows=25, projections=60, tilt_deg=1.5, specimen="foam")
    scan = simulate(world)
    x: Any = torch.from_numpy(np.stack([scan.truth(r) for r in range(25)]))
    A = ParallelBeam(scan.info.angles_rad, 96, scan.truth_center, tilt_rad=tilt)
    made = A(x)[12].numpy()
    known = scan.line_integrals(12)
    wrong = ParallelBeam(scan.info.angles_rad, 96, scan.truth_center, tilt_rad=-tilt)(x)[12].numpy()
    error = np.linalg.norm(made - known) / np.linalg.norm(known)
    assert error < 0.03
    assert error < 0.6 * np.linalg.norm(wrong - known) / np.linalg.norm(known)


def test_view_weights() -> None:
    np.testing.assert_allclose(view_weights(HALF_TURN), np.pi / 180)
    assert view_weights(FULL_TURN).sum() == pytest.approx(np.pi)
    assert view_weights(FULL_TURN, 2 * np.pi).sum() == pytest.approx(2 * np.pi)
    limited = np.deg2rad(np.arange(126))
    weights = view_weights(limited)
    np.testing.assert_allclose(weights[1:-1], np.pi / 180)
    assert weights[0] == pytest.approx(np.pi / 180)  # no share of the missing wedge
    assert view_weights(np.array([0.3])).sum() == pytest.approx(np.pi)
    double = view_weights(np.array([0.0, np.pi / 2, np.pi, 1.5 * np.pi]))
    np.testing.assert_allclose(double, np.pi / 4)


@pytest.mark.parametrize("center", [10.0, 10.5, 80.25])
def test_redundancy_weights_add_up(center: float) -> None:
    columns = 96
    weights = redundancy_weights(columns, center)
    s = np.arange(columns) - center
    mirrored = np.interp(-s, s, weights, left=0, right=0)
    inside = np.abs(s) <= min(center, columns - 1 - center)
    np.testing.assert_allclose((weights + mirrored)[inside], 1, atol=5e-3)
    far = np.abs(s) > min(center, columns - 1 - center) + 1
    np.testing.assert_allclose(weights[far], 1)
