"""The comparison on marked sinograms and projections: its images, what is marked, its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.benchmarks.adapters.marks import marked, write_page

SMALL = {
    "scan": {"columns": 48, "metal": 1.0, "photons_log10": [3, 4], "fill": [0.8, 0.9]},
    "rows": {"sinogram": 1, "projection": 32},
    "views": {"sinogram": 24, "projection": 1},
    "least_px": 0.5,
    "train": 4,
    "test": 2,
}


@pytest.mark.parametrize(("domain", "shape"), [("sinogram", (24, 48)), ("projection", (32, 48))])
def test_traces_of_metal_are_marked(domain: str, shape: tuple[int, int]) -> None:
    train, test = marked("foam", domain, 3, SMALL)
    assert [image.shape for image in train.images] == [shape] * 4
    assert [said.shape for said in test.labels] == [shape] * 2
    images, said = np.stack(train.images), np.stack(train.labels)
    assert train.classes == 2
    assert 0.01 < said.mean() < 0.6
    assert images[said == 1].mean() > images[said == 0].mean()
    assert not np.array_equal(said[:2], np.stack(test.labels))


def test_the_page_tells_of_each_domain(tmp_path: Path) -> None:
    def row(family: str, whole: float, scratch: float) -> dict[str, Any]:
        iou = {"whole": whole, "adapter": 0.5, "scratch": scratch, "pixel_classifier": 0.5}
        seconds = {"whole": 4.0, "adapter": 2.0, "scratch": 4.0, "pixel_classifier": 1.0}
        return {"kind": "trial", "family": family, "seed": 1, "classes": 2, "iou": iou,
                "seconds": seconds}  # fmt: skip

    settings = {"domains": ["sinogram", "projection"], "train": 16, "test": 6, "seeds": [1],
                "steps": 10, "batch": 2, "crop": 32, "rates": {"whole": 0.001}}  # fmt: skip
    rows = [row("rock, sinograms", 0.8, 0.7), row("rock, projections", 0.6, 0.65)]
    page = tmp_path / "page.md"
    write_page({"settings": settings, "rows": rows}, page)
    said = page.read_text(encoding="utf-8")
    assert "- sinograms, trained further: +10.0 points of IoU over the network" in said
    assert "- projections, trained further: -5.0 points" in said
    assert "- projections, frozen: -15.0 points" in said
    assert "in 0.50 × its time" in said
