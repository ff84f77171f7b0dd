"""What somebody marked in own sinograms or projections becomes a tool that fills it in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata import InputError
from planner.benchmarks.adapters.marks import marked
from simulators.training.adapter.fitting import Schedule
from simulators.training.adapter.making import train_adapter
from toolbox import DataKind, GreyState, known_tools, make_tool
from toolbox.kinds import Split, Stage
from toolbox.learned import backbone, model_card, weights
from toolbox.learned.adapters import adapters_folder
from toolbox.tools.correct.marked import filled
from toolbox.values import Block, Geometry, Shape

LEARNING = Schedule(steps=60, batch=4, crop=32, rate=1e-2)
SMALL = {
    "scan": {"columns": 48, "metal": 1.0, "photons_log10": [4, 4], "fill": [0.8, 0.8]},
    "rows": {"sinogram": 1, "projection": 40},
    "views": {"sinogram": 40, "projection": 1},
    "least_px": 0.5,
    "train": 5,
    "test": 2,
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, and backbones of both domains that learned nothing."""
    import torch
    from safetensors.torch import save

    shipped = tmp_path / "weights"
    shipped.mkdir()
    torch.manual_seed(0)
    data = save({n: v.half() for n, v in backbone.network().state_dict().items()})
    for domain in ("projection", "sinogram"):
        (shipped / f"backbone_{domain}.safetensors").write_bytes(data)
        (shipped / f"backbone_{domain}.json").write_text(json.dumps({
            "sha256": hashlib.sha256(data).hexdigest(), "version": "0", "data_source": "none",
            "metrics": {}, "worlds": [], "unit": "dB", "wins": False, "suits": {},
        }))  # fmt: skip
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(weights, "weights_folder", lambda: shipped)
    monkeypatch.setattr(model_card, "weights_folder", lambda: shipped)
    known_tools.cache_clear()
    yield tmp_path / "home"
    known_tools.cache_clear()


def labelled_folder(folder: Path, domain: str, well: int = 0) -> Any:
    """Simulated images with the traces of metal labelled 7; returns those to try it on."""
    train, test = marked("foam", domain, 5, SMALL)
    folder.mkdir()
    for k, (image, said) in enumerate(zip(train.images, train.labels, strict=True)):
        np.save(folder / f"f{k}.npy", image)
        np.save(folder / f"f{k}.labels.npy", np.where(said, 7, well).astype(np.uint8))
    return test


@pytest.mark.parametrize("domain", ["projection", "sinogram"])
def test_what_was_marked_is_found_and_filled_in(home: Path, tmp_path: Path, domain: str) -> None:
    test = labelled_folder(tmp_path / "mine", domain)
    train_adapter(tmp_path / "mine", "fill_metal", domain, LEARNING)
    card = json.loads((adapters_folder() / "fill_metal.json").read_text(encoding="utf-8"))
    assert card["task"].startswith(f"find what is marked 7 in {domain}s")
    assert card["held_out"] == f"1 of 5 {domain}s"
    said = known_tools()["fill_metal"].card
    assert said.stage is Stage.CORRECT
    assert said.split is (Split.ANGLES if domain == "projection" else Split.ROWS)
    kind = DataKind.PROJECTIONS if domain == "projection" else DataKind.SINOGRAM
    values = np.stack(test.images).astype(np.float32)
    angles = np.linspace(0, np.pi, 40 if domain == "sinogram" else 2, endpoint=False)
    block = Block(values, kind, GreyState.ATTENUATION, Geometry(angles, 2, 48), np.arange(2))
    tool = make_tool("fill_metal", {})
    found = tool(**{kind.value: block})
    assert found.kind is kind
    assert found.state is GreyState.ATTENUATION
    truth = np.stack(test.labels) > 0
    changed = found.values != values
    assert changed[truth].mean() > 0.6
    assert changed[~truth].mean() < 0.1
    assert found.values[truth].mean() < 0.7 * values[truth].mean()
    assert tool.cost(**{kind.value: Shape(40, 40, 48)}).operations > 0


def test_one_label_has_to_say_what_is_well(home: Path, tmp_path: Path) -> None:
    labelled_folder(tmp_path / "mine", "sinogram", well=1)
    with pytest.raises(InputError, match="are 1, 7; in sinograms 0 is expected"):
        train_adapter(tmp_path / "mine", "fill_metal", "sinogram", LEARNING)


def test_a_plane_is_drawn_as_it_was() -> None:
    y, x = np.mgrid[:20, :30].astype(np.float32)
    image, hidden = 2 * x - y, np.zeros((20, 30), bool)
    hidden[5:9, 7:20] = hidden[12, :] = True
    spoiled = np.where(hidden, np.float32(1e4), image)
    np.testing.assert_allclose(filled(spoiled, hidden), image, atol=1e-3)


def test_at_the_edge_the_only_neighbour_counts_and_nan_never_does() -> None:
    image = np.array([[5, 1, 1, np.nan, 9, 2]], np.float32)
    found = filled(image, np.array([[1, 0, 0, 0, 1, 0]], bool))
    np.testing.assert_array_equal(found[0, [0, 1, 2, 5]], [1, 1, 1, 2])
    assert np.isnan(found[0, 3])
    assert 1 < found[0, 4] < 2
    everything = np.ones((1, 6), bool)
    np.testing.assert_array_equal(filled(image, everything), image)
