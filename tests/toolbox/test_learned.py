"""What learned tools share: tiles without seams, weights that are checked."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata import WorkError
from toolbox.learned import model_card, weights
from toolbox.learned.model_card import ModelCard, summary
from toolbox.learned.tiles import tiled


@pytest.mark.parametrize("shape", [(64, 64), (37, 80), (150, 101), (5, 9), (65, 64)])
def test_tiles_put_together_are_the_slice(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    seen = set()

    def process(part: Any) -> Any:
        seen.add(part.shape)
        return 2 * part

    result = tiled(image, process, tile=32, overlap=8, multiple=8)
    np.testing.assert_allclose(result, 2 * image, rtol=1e-6)
    assert len(seen) == 1, "tiles of several shapes"
    assert all(side <= 32 and side % 8 == 0 for side in seen.pop())


def test_tiles_leave_no_seam_where_the_overlap_holds_what_is_looked_at() -> None:
    from scipy.ndimage import uniform_filter

    image = np.random.default_rng(1).normal(size=(130, 97)).astype(np.float32)

    def local(part: Any) -> Any:
        return uniform_filter(part, 5, mode="mirror")  # looks 2 px far, a quarter of the overlap

    np.testing.assert_allclose(tiled(image, local, 32, 8), local(image), atol=1e-6)


def test_a_seam_fades_where_the_overlap_is_too_small() -> None:
    image = np.zeros((32, 96), np.float32)
    offsets = iter(np.arange(10.0))
    result = tiled(image, lambda part: part + np.float32(next(offsets)), 32, 16)
    assert 0 < np.abs(np.diff(result, axis=1)).max() < 0.2  # a step of 1 spread over 8 px


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of one number in a folder of its own; its weights' path."""
    import torch
    from safetensors.torch import save

    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path)
    monkeypatch.setattr(model_card, "weights_folder", lambda: tmp_path)
    data = save({"weight": torch.full((1, 1, 1, 1), 3.0).half()})
    path = tmp_path / "triple.safetensors"
    path.write_bytes(data)
    row = {"world": "grey", "gain": 1.5}
    path.with_suffix(".json").write_text(json.dumps({
        "sha256": hashlib.sha256(data).hexdigest(), "version": "1", "data_source": "none",
        "metrics": {}, "worlds": [row, {"world": "black", "gain": -0.2}], "unit": "dB",
        "wins": True, "suits": {"noise": [0, 1]},
    }))  # fmt: skip
    model_card._read.cache_clear()
    return path


def triple() -> Any:
    from torch import nn

    return nn.Conv2d(1, 1, 1, bias=False)


def test_weights_come_from_their_file(model: Path) -> None:
    import torch

    network = weights.trained("triple", triple)
    image = torch.arange(4.0).reshape(1, 1, 2, 2)
    assert torch.equal(weights.infer(network, image), 3 * image)
    assert not network.training
    assert weights.trained("triple", triple) is network
    card = ModelCard.of("triple")
    assert card.wins
    assert card.suits == {"noise": (0, 1)}
    assert "better on grey (+1.5); not better on black (-0.2)" in card.summary


def test_weights_that_were_changed_are_refused(model: Path) -> None:
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(bytes(data))
    with pytest.raises(WorkError, match="one of the two was changed"):
        weights.trained("triple", triple)


def test_missing_weights_say_how_to_get_them(model: Path) -> None:
    model.unlink()
    with pytest.raises(WorkError, match="tomoplan train triple"):
        weights.trained("triple", triple)
    shutil.rmtree(model.parent)
    assert not ModelCard.of("never").wins


def test_a_summary_says_none_where_there_is_none() -> None:
    assert "better on none; not better on none" in summary({"unit": "dB", "worlds": []})
