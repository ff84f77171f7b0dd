"""The comparison of adapters: its labelled slices, its trials that are kept, its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.benchmarks.adapters import comparison
from planner.benchmarks.adapters.comparison import Done, light_share
from planner.benchmarks.adapters.report import table, write_report
from simulators.training.adapter.simulated_labels import labelled
from toolbox.learned.adapters import Tuning

SLICES = {"columns": 48, "views": [0.5, 0.6], "photons_log10": [3, 4], "fill": [0.8, 0.9],
          "rarest": 0.01}  # fmt: skip


def row(family: str, seed: int, adapter: float, scratch: float) -> dict[str, Any]:
    return {"kind": "trial", "family": family, "seed": seed, "classes": 3,
            "iou": {"adapter": adapter, "scratch": scratch, "pixel_classifier": 0.5},
            "seconds": {"adapter": 2.0, "scratch": 4.0, "pixel_classifier": 1.0}}  # fmt: skip


def result(*rows: dict[str, Any]) -> dict[str, Any]:
    settings = {"train": 16, "test": 6, "steps": 10, "batch": 2, "crop": 32,
                "choice": {"family": "foam"}, "others": {"seeds": [1]}}  # fmt: skip
    other = {"kind": "trial", "family": "foam", "iou": {"lora": 0.77}, "seconds": {"lora": 3.0}}
    return {"settings": settings, "rates": {"adapter": 0.01}, "light_share": 0.02, "rows": rows,
            "other_rates": {"lora": 0.003}, "other_shares": {"lora": 0.037},
            "other_rows": [other]}  # fmt: skip


def test_materials_that_absorb_alike_are_one_class() -> None:
    train, test = labelled("battery_electrode", 3, 3, 2, SLICES)
    assert len(train.images) == len(train.labels) == 3
    assert len(test.images) == 2
    assert train.images[0].shape == train.labels[0].shape == (48, 48)
    assert train.classes == 3  # air, pores and cracks; binder; particles
    means = [np.mean([i[s == k].mean() for i, s in zip(train.images, train.labels, strict=True)
                      if (s == k).any()]) for k in range(3)]  # fmt: skip
    assert means[0] < means[2]
    assert not np.array_equal(train.labels[0], test.labels[0])


def test_trials_are_kept_for_the_settings_that_they_were_made_with(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    Done(path, {"steps": 1, "seeds": [1]}).add(row("foam", 1, 0.8, 0.7))
    assert Done(path, {"steps": 1, "seeds": [1, 2]}).get("foam", 1) is not None
    assert Done(path, {"steps": 1, "seeds": [1]}).get("foam", 2) is None
    assert Done(path, {"steps": 2, "seeds": [1]}).get("foam", 1) is None


def test_the_page_says_whether_the_aim_is_reached(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    found = result(row("foam", 1, 0.80, 0.70), row("alloy", 1, 0.70, 0.68))
    assert "| mean | 3–3 | 0.750 (2.0) | 0.690 (4.0)" in table(found)
    write_report(found, page)
    said = page.read_text(encoding="utf-8")
    assert "+6.00 points" in said
    assert "in 0.50 × its time" in said
    assert "is reached" in said
    assert "| lora | 3.7 % | 0.003 | 3.0 | 0.770 | 0.770 |" in said
    assert (tmp_path / "images" / "page.png").exists()
    write_report(result(row("foam", 1, 0.80, 0.79), row("alloy", 1, 0.70, 0.68)), page)
    assert "is not reached" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("way", list(Tuning))
def test_few_parameters_are_trained(way: Tuning) -> None:
    assert 0.005 < light_share(way) <= 0.05


def test_every_way_of_tuning_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def found(way: str, *_: Any) -> tuple[float, float, float]:
        asked.append(way)
        return 0.5, 1.0, 1.0

    monkeypatch.setattr(comparison, "network_iou", found)
    settings = {"train": 2, "test": 1, "slices": SLICES, "steps": 1, "batch": 1, "crop": 16,
                "families": ["foam"], "choice": {"family": "rock", "seed": 3},
                "others": {"seeds": [1],
                           "rates": {w.value: [0.1, 0.2] for w in Tuning}}}  # fmt: skip
    rates, done = comparison.other_ways(settings, tmp_path)
    assert set(rates) == {way.value for way in Tuning}
    assert [r["family"] for r in done.rows if r["kind"] == "trial"] == ["foam"]
    assert len(asked) == 3 * len(Tuning)  # two rates each, and one trial
    comparison.other_ways(settings, tmp_path)
    assert len(asked) == 3 * len(Tuning)
