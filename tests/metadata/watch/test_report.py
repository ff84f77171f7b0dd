"""Pictures and pages of a history."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from metadata.drift.regimes import MAINTENANCE, OPERATION
from metadata.drift.verdicts import ALARM, GAP, QUIET, WARNING, Verdicts
from metadata.watch import report
from metadata.watch.dashboard import sparkline
from metadata.watch.trace import BINS, Trace

Command = Callable[..., tuple[int, str, str]]


def some(n: int, seed: int = 0, start: float = 1.7e9) -> Verdicts:
    draw = np.random.default_rng(seed)
    nothing = np.full(n, np.nan)
    values = draw.normal(size=n)
    codes = draw.choice(np.array([QUIET, WARNING, ALARM, GAP], np.int8), n)
    values[draw.random(n) < 0.1] = np.nan
    regimes = draw.choice(np.array([OPERATION, MAINTENANCE], np.int8), n)
    times = start + np.cumsum(draw.exponential(60.0, n))
    return Verdicts("axis", times, codes, np.zeros(n), values, nothing, nothing, nothing, nothing,
                    np.zeros(n), regimes, np.full(n, -1, np.int16), np.ones(n, bool))  # fmt: skip


@pytest.mark.parametrize("size", [1, 7, 1000, 20000])
def test_a_trace_is_bounded_and_true_however_it_is_fed(size: int) -> None:
    block = some(20000)
    trace = Trace()
    for start in range(0, len(block), size):
        trace = Trace.from_state(trace.to_state())
        part = block[start : start + size]
        trace.add(part, part.times)
        if size == 1 and start > 300:
            break
    seen = block[: start + size]
    read = np.isfinite(seen.values) & (seen.codes != GAP)
    assert trace.used <= BINS
    assert trace.counts.sum() == read.sum()
    np.testing.assert_allclose(trace.sums.sum(), seen.values[read].sum())
    assert trace.least.min() == seen.values[read].min()
    assert trace.most.max() == seen.values[read].max()
    assert trace.times[0] >= seen.times[0]
    assert trace.times[-1] - trace.width <= seen.times[-1]
    at = ((seen.times - trace.start) // trace.width).astype(int)
    for bin in np.unique(at)[:50]:
        assert trace.states[bin] == seen.codes[at == bin].max()


def test_a_picture_and_a_page(tomoplan: Command, ramp: Path, tmp_path: Path) -> None:
    picture, page = tmp_path / "r.png", tmp_path / "r.html"
    tomoplan("watch", ramp, "--limit", "2.5", "--report", picture)
    from matplotlib.image import imread

    pixels = imread(picture)
    assert pixels.shape[1] > 1000
    red = (pixels[..., 0] > 0.8) & (pixels[..., 1] < 0.3)  # the limit, and the alarm
    assert red.sum() > 500
    tomoplan("watch", ramp, "--limit", "2.5", "--report", page, "--language", "zh")
    text = page.read_text(encoding="utf-8")
    assert "漂移预警" in text
    assert "已到达限值 2.5。" in text
    assert "<td>… 2.5</td>" in text
    assert "inf" not in re.sub(r"base64,[^\"]*", "", text)
    assert len(re.findall("data:image/png;base64,", text)) == 1
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)  # it needs nothing else


def test_the_likeliest_cause_is_drawn_beside_the_drift(tomoplan: Command, tmp_path: Path) -> None:
    draw, rows = np.random.default_rng(1), np.arange(16 * 96)
    warm = 0.3 * np.clip(rows / 96 - 8, 0, None)
    water, hutch = (draw.normal(level, 0.1, len(rows)) for level in (18.0, 23.0))
    axis = warm + draw.normal(0, 0.1, len(rows))
    table = tmp_path / "both.csv"
    table.write_text("time,axis,hutch_temperature,water\n" + "".join(
        f"{1767225600 + 900 * k},{a:.4f},{h:.4f},{w:.4f}\n"
        for k, a, h, w in zip(rows, axis, hutch + warm, water, strict=True)
    ))  # fmt: skip
    picture, page = tmp_path / "r.png", tmp_path / "r.html"
    assert tomoplan("watch", table, "--limit", "axis=-3:3", "--report", picture)[0] == 0
    from matplotlib.image import imread

    pixels = imread(picture)[..., :3]
    lilac = np.abs(pixels - np.array([0x7B, 0x32, 0x94]) / 255).max(axis=-1) < 0.12
    assert lilac.sum() > 200
    assert tomoplan("watch", table, "--limit", "axis=-3:3", "--report", page)[0] == 0
    assert re.search(r"<td>hutch_temperature \d+%", page.read_text(encoding="utf-8"))


def test_without_matplotlib_one_error_says_so(
    tomoplan: Command, ramp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    status, out, err = tomoplan("watch", ramp, "--report", tmp_path / "r.png")
    assert (status, out) == (1, "")
    assert "matplotlib" in err
    assert len(err.strip().splitlines()) == 1


def test_names_of_metrics_are_no_markup(tomoplan: Command, tmp_path: Path) -> None:
    odd = tmp_path / "odd.csv"
    odd.write_text("time,<b>$x_1$ & [red]\n" + "".join(f"{900 * i},{i % 3}\n" for i in range(50)))
    page = tmp_path / "r.html"
    status, _, err = tomoplan("watch", odd, "--report", page)
    assert status == 0, err
    text = page.read_text(encoding="utf-8")
    assert "<b>" not in text
    assert "&lt;b&gt;" in text


def test_a_course_of_nothing_is_blank() -> None:
    assert sparkline([float("nan")] * 3) == "   "
    assert sparkline([5.0, 5.0]) == "▁▁"
