"""Masked reconstruction: what is hidden and asked for, in the three domains."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from simulators.training import real_images
from simulators.training.command import shipped_settings
from simulators.training.masked import filled, measured, scaled, squares
from simulators.training.settings import Settings
from toolbox.learned import backbone

DOMAINS = backbone.DOMAINS


def part(domain: str, **changes: Any) -> Any:
    options = Settings.read(shipped_settings(f"backbone_{domain}")).options
    small = {"crop": 32, "columns": [48, 64], "real": 0.0, "validation": 1, "test": 2,
             "families": ["foam"], "held_out": ["alloy"]}  # fmt: skip
    made = importlib.import_module(f"simulators.training.parts.backbone_{domain}").Part
    return made(options | small | changes)


@pytest.mark.parametrize("domain", DOMAINS)
def test_held_out_families_are_not_trained_on(domain: str) -> None:
    options = Settings.read(shipped_settings(f"backbone_{domain}")).options
    assert len(options["held_out"]) >= 5
    assert not set(options["families"]) & set(options["held_out"])


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_truth_is_the_image_without_its_faults(domain: str) -> None:
    one = part(domain)
    found = one.example(np.random.default_rng(3))
    image, truth = (found[n].astype(np.float64) for n in ("image", "truth"))
    assert image.shape == truth.shape
    assert np.corrcoef(image.ravel(), truth.ravel())[0, 1] > 0.5
    assert found["known"]
    again = one.example(np.random.default_rng(3))
    np.testing.assert_array_equal(again["image"], found["image"])


def test_what_is_shown_of_a_real_image_is_not_asked_for() -> None:
    import torch

    one = part("reconstruction")
    image = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float16)
    known = {"image": image, "truth": image, "known": np.array(False)}
    batch = one.batch([known], np.random.default_rng(1))
    assert 0.2 < batch["shown"].mean() < 0.6
    tensors = {n: torch.from_numpy(v) for n, v in batch.items()}
    hidden = tensors["shown"] == 0

    class Answer(torch.nn.Module):
        """Right where nothing is shown, far off elsewhere."""

        def forward(self, _: torch.Tensor) -> torch.Tensor:
            return torch.where(hidden, tensors["truth"], torch.tensor(99.0))

    assert float(one.loss(Answer(), tensors)) == 0
    tensors["known"] = torch.ones_like(tensors["known"])
    assert float(one.loss(Answer(), tensors)) > 10


def test_small_images_fill_a_crop() -> None:
    one = part("reconstruction")
    image = np.ones((20, 50), np.float16)
    batch = one.batch([{"image": image, "truth": image, "known": np.array(True)}] * 3,
                      np.random.default_rng(0))  # fmt: skip
    assert {name: v.shape[1:] for name, v in batch.items()} == {
        "image": (1, 32, 32), "truth": (1, 32, 32), "shown": (1, 32, 32), "known": (1, 1, 1)
    }  # fmt: skip


def test_a_step_lowers_the_loss() -> None:
    import torch

    torch.manual_seed(0)
    one = part("reconstruction")
    examples = [one.example(np.random.default_rng(k)) for k in range(2)]
    batch = {n: torch.from_numpy(v)
             for n, v in one.batch(examples, np.random.default_rng(0)).items()}  # fmt: skip
    net = one.network()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(8):
        loss = one.loss(net, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_measured_is_the_gain_over_filling_in() -> None:
    one = part("reconstruction")
    net = one.network()
    found = one.validate(net)
    assert set(found) == {"score", "mended"}
    (case,) = one.cases(1, 1, ["foam"])
    figures = measured(net, case)
    assert figures["raw"] > figures["filled"] - 30
    assert all(np.isfinite(v) for v in figures.values())
    card = one.measure(net)
    assert [row["world"] for row in card.worlds] == ["alloy (unseen family)"]
    assert card.worlds[0]["gain"] == pytest.approx(
        card.worlds[0]["own_db"] - card.worlds[0]["conventional_db"], abs=0.011
    )
    assert {"data_source", "intended_use", "references"} <= set(one.card())


def test_filling_in_leaves_what_is_shown_and_keeps_a_constant() -> None:
    rng = np.random.default_rng(0)
    shown = squares((40, 40), 0.6, rng)
    image = rng.normal(size=(40, 40)).astype(np.float32)
    found = filled(image, shown, 4.0)
    np.testing.assert_array_equal(found[shown > 0], image[shown > 0])
    np.testing.assert_allclose(filled(np.full_like(image, 3), shown, 4.0), 3, rtol=1e-5)


def test_without_data_there_are_no_real_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOMOPLAN_DATA", raising=False)
    assert all(real_images.real_images(domain) == () for domain in DOMAINS)


@pytest.mark.parametrize("domain", ["sinogram", "projection"])
def test_real_images_of_each_domain(domain: str, data: Any) -> None:
    found = real_images.real_images(domain)
    assert found
    for image in found:
        assert image.ndim == 2
        assert np.isfinite(scaled_of(image)).all()


def scaled_of(image: Any) -> Any:
    from simulators.training.masked import Pair

    return scaled(Pair(image, None))["image"]
