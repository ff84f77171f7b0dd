"""The laws of the parallel-beam operator, for every kind of geometry and both transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metadata import InputError
from toolbox.operators import polar
from toolbox.operators.nufft import PLANS, default_threads
from toolbox.operators.parallel_beam import ParallelBeam

torch = pytest.importorskip("torch")

HALF_TURN = np.arange(45) * np.pi / 45
GEOMETRIES: dict[str, dict[str, Any]] = {
    "even": {"angles_rad": HALF_TURN, "columns": 48},
    "odd": {"angles_rad": HALF_TURN, "columns": 47},
    "off_axis": {"angles_rad": HALF_TURN, "columns": 48, "center": 17.3},
    "axis_outside": {"angles_rad": HALF_TURN, "columns": 48, "center": -6.0},
    "golden": {"angles_rad": np.arange(40) * 2.39996, "columns": 48, "center": 23.0},
    "half_acquisition": {
        "angles_rad": np.arange(90) * 2 * np.pi / 90,
        "columns": 48,
        "center": 8.6,
    },
    "axis_of_each_row": {"angles_rad": HALF_TURN, "columns": 48, "center": [23.0, 23.4, 23.9]},
    "tilt": {"angles_rad": HALF_TURN, "columns": 48, "center": 22.5, "tilt_rad": 0.04},
    "tilt_of_rows": {
        "angles_rad": HALF_TURN,
        "columns": 48,
        "center": [21.0, 21.1, 21.2],
        "tilt_rad": -0.1,
    },
    "small_slice": {"angles_rad": HALF_TURN, "columns": 48, "size": 31},
}

every_geometry = pytest.mark.parametrize("name", GEOMETRIES)


@pytest.fixture(params=["finufft", "torch"])
def transform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to compute: the second is what a CUDA device runs."""
    monkeypatch.setattr(polar, "_TRANSFORMS", type(polar._TRANSFORMS)())
    if request.param == "torch":
        monkeypatch.setattr(polar, "has_finufft", lambda: False)
    else:
        pytest.importorskip("finufft")
    return request.param


def random(shape: tuple[int, ...], seed: int) -> Any:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def inner(a: Any, b: Any) -> float:
    return float((a.double() * b.double()).sum())


@every_geometry
def test_adjoint(name: str, transform: str) -> None:
    A = ParallelBeam(**GEOMETRIES[name])
    x, y = random(A.domain_shape(3), 1), random(A.range_shape(3), 2)
    projected = A(x)
    scale = float(projected.double().norm() * y.double().norm())
    assert abs(inner(projected, y) - inner(x, A.T(y))) < 1e-6 * scale
    # Not only small beside the norms: beside the inner product of things that agree, too.
    assert inner(projected, projected) == pytest.approx(inner(x, A.T(projected)), rel=1e-5)


@every_geometry
def test_linear(name: str, transform: str) -> None:
    A = ParallelBeam(**GEOMETRIES[name])
    x, z = random(A.domain_shape(3), 3), random(A.domain_shape(3), 4)
    torch.testing.assert_close(A(2 * x - 3 * z), 2 * A(x) - 3 * A(z), rtol=1e-3, atol=1e-3)
    y, w = random(A.range_shape(3), 5), random(A.range_shape(3), 6)
    both = A.fbp(2 * y - 3 * w, padding="edge")
    apart = 2 * A.fbp(y, padding="edge") - 3 * A.fbp(w, padding="edge")
    torch.testing.assert_close(both, apart, rtol=1e-3, atol=1e-3)


@every_geometry
def test_gradient_is_the_adjoint(name: str) -> None:
    A = ParallelBeam(**GEOMETRIES[name])
    x = random(A.domain_shape(3), 7).requires_grad_()
    y = random(A.range_shape(3), 8)
    (A(x) * y).sum().backward()
    torch.testing.assert_close(x.grad, A.T(y))
    # ½‖Ax − y‖² along a line: the slope is what finite differences say.
    step = random(A.domain_shape(3), 9)

    def loss(t: float) -> float:
        return float(0.5 * (A((x + t * step).detach()) - y).double().square().sum())

    x.grad = None
    (0.5 * (A(x) - y).square().sum()).backward()
    numeric = (loss(0.5) - loss(-0.5)) / 1.0  # exact for a quadratic
    assert inner(x.grad, step) == pytest.approx(numeric, rel=1e-3, abs=1e-2)


def test_gradient_through_filtered_back_projection() -> None:
    A = ParallelBeam(HALF_TURN, 48, center=22.0)
    y = random(A.range_shape(2), 10).requires_grad_()
    x = random(A.domain_shape(2), 11)
    (A.fbp(y, padding="edge") * x).sum().backward()
    step = random(A.range_shape(2), 12)
    slope = inner(A.fbp(step, padding="edge"), x)
    assert inner(y.grad, step) == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_gradient_of_the_gradient() -> None:
    A = ParallelBeam(HALF_TURN, 48)
    x = random(A.domain_shape(1), 13).requires_grad_()
    (slope,) = torch.autograd.grad(A(x).square().sum(), x, create_graph=True)
    slope.square().sum().backward()
    expected = 8 * A.T(A(A.T(A(x.detach()))))
    torch.testing.assert_close(x.grad, expected, rtol=1e-3, atol=1e-1 * float(expected.std()))


def test_both_transforms_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("finufft")
    A = ParallelBeam(HALF_TURN, 48, precision=1e-5)
    x = random(A.domain_shape(3), 14)
    fast = A(x), A.fbp(A(x))
    monkeypatch.setattr(polar, "has_finufft", lambda: False)
    monkeypatch.setattr(polar, "_TRANSFORMS", type(polar._TRANSFORMS)())
    B = ParallelBeam(HALF_TURN, 48, precision=1e-5)
    torch.testing.assert_close(B(x), fast[0], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(B.fbp(fast[0]), fast[1], rtol=1e-3, atol=1e-3)


def test_rows_do_not_see_each_other_without_tilt() -> None:
    A = ParallelBeam(HALF_TURN, 48)
    x = random(A.domain_shape(5), 15)
    alone = torch.cat([A(x[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(A(x), alone, rtol=0, atol=3e-3 * float(alone.std()))


def test_the_number_of_threads_does_not_matter() -> None:
    x = random((4, 48, 48), 16)
    one, two = (ParallelBeam(HALF_TURN, 48, threads=n)(x) for n in (1, 2))
    torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-4)


def test_workers_use_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.delenv("TOMOPLAN_THREADS", raising=False)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(default_threads).result() == 1
    monkeypatch.setenv("TOMOPLAN_THREADS", "3")
    assert default_threads() == 3


def test_plans_are_used_again_and_limited() -> None:
    pytest.importorskip("finufft")
    PLANS.clear()
    A = ParallelBeam(HALF_TURN, 48, threads=1)
    for _ in range(3):
        A(torch.zeros(A.domain_shape(2)))
    assert len(PLANS._idle) == 1
    for columns in range(20, 32):
        B = ParallelBeam(HALF_TURN, columns, threads=1)
        B(torch.zeros(B.domain_shape(1)))
    assert len(PLANS._idle) == PLANS._limit
    PLANS.clear()


def test_what_does_not_fit_is_named() -> None:
    A = ParallelBeam(HALF_TURN, 48, center=[20.0, 21.0])
    with pytest.raises(InputError, match=r"shape \(2, 48, 47\), expected float32 slices"):
        A(torch.zeros(2, 48, 47))
    with pytest.raises(InputError, match="3 rows were given to an operator with the axis of 2"):
        A(torch.zeros(3, 48, 48))
    with pytest.raises(InputError, match="expected one of ramp, shepp-logan"):
        A.fbp(torch.zeros(2, 45, 48), filter="ramlak")
    with pytest.raises(InputError, match="expected one of auto, zero, edge"):
        A.fbp(torch.zeros(2, 45, 48), padding="mirror")
    with pytest.raises(InputError, match="one number for each projection"):
        ParallelBeam([], 48)
    with pytest.raises(InputError, match="not finite"):
        ParallelBeam([0.0, np.nan], 48)


@pytest.mark.gpu
def test_adjoint_on_the_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    A = ParallelBeam(HALF_TURN, 48, device="cuda")
    x, y = random(A.domain_shape(2), 1).cuda(), random(A.range_shape(2), 2).cuda()
    scale = float(A(x).double().norm() * y.double().norm())
    assert abs(inner(A(x), y) - inner(x, A.T(y))) < 1e-6 * scale
    B = ParallelBeam(HALF_TURN, 48)
    torch.testing.assert_close(A.fbp(y).cpu(), B.fbp(y.cpu()), rtol=1e-2, atol=1e-2)
