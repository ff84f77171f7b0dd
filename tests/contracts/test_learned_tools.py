"""What every learned tool must keep beside the contract of tools: a whole model card, weights
that are the card's, and the stored output."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulators.training import known_parts
from simulators.training.command import shipped_settings
from simulators.training.publish import most_bytes
from toolbox.learned import backbone
from toolbox.learned.adapters import START, adapter_start, frozen_backbone
from toolbox.learned.model_card import ModelCard, weights_folder
from toolbox.learned.weights import infer, trained
from toolbox.registry import shipped_tools

LEARNED = sorted(name for name, cls in shipped_tools().items() if cls.card.weights)
# What adapters are trained on: no tools themselves
BACKBONES = sorted(path.stem for path in weights_folder().glob("backbone_*.json"))
MODELS = sorted([*LEARNED, *BACKBONES, START])
FIELDS = {
    "name", "version", "changelog", "task", "intended_use", "data_source", "data_type", "inputs",
    "outputs", "references", "differences", "licence", "training", "settings", "parameters",
    "sha256", "bytes", "metrics", "unit", "worlds", "wins_on", "loses_on", "wins", "suits",
}  # fmt: skip
each_learned = pytest.mark.parametrize("name", LEARNED)
each_model = pytest.mark.parametrize("name", MODELS)


def model_card(name: str) -> dict[str, Any]:
    return json.loads((weights_folder() / f"{name}.json").read_text(encoding="utf-8"))


def test_every_model_of_the_folder_belongs_to_a_tool_or_to_adapters() -> None:
    stored = {path.stem for path in weights_folder().glob("*.json")}
    assert stored == set(MODELS)
    assert set(MODELS) <= set(known_parts())
    assert {name.removeprefix("backbone_") for name in BACKBONES} <= set(backbone.DOMAINS)


@each_model
def test_the_model_card_is_complete(name: str) -> None:
    card = model_card(name)
    assert set(card) >= FIELDS
    assert card["name"] == name
    assert card["worlds"], "it says on no world whether it wins"
    for row in card["worlds"]:
        assert {"world", "scans", "conventional", "gain"} <= set(row)
        assert math.isfinite(row["gain"])
        assert (row["world"] in card["wins_on"]) == (row["gain"] > 0)
    assert all(math.isfinite(value) for value in card["metrics"].values())
    assert card["training"]["command"] == f"tomoplan train {name}"
    assert {"steps", "minutes", "ended_by", "torch", "device"} <= set(card["training"])
    assert set(card["settings"]["options"]["families"]).isdisjoint(
        card["settings"]["options"]["held_out"]
    )


@each_model
def test_the_model_was_trained_with_the_shipped_settings(name: str) -> None:
    import yaml

    shipped = yaml.safe_load(Path(shipped_settings(name)).read_text(encoding="utf-8"))
    card = model_card(name)["settings"]
    assert {key: card[key] for key in shipped} == shipped


@each_learned
def test_the_tool_says_what_its_model_card_says(name: str) -> None:
    card, model = shipped_tools()[name].card, ModelCard.of(name)
    assert card.weights == model.weights
    assert card.metrics == model.metrics
    assert card.suits == model.suits
    assert card.training_data == model.training_data
    assert model.summary in card.limits
    if not model_card(name)["wins"]:
        assert not card.default_on, "it loses to the conventional tool and yet is on by default"


@each_model
def test_the_weights_are_the_cards_and_hold_tensors_only(name: str) -> None:
    from safetensors.numpy import load

    path = weights_folder() / f"{name}.safetensors"
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == ModelCard.of(name).weights[path.name]
    assert len(data) <= most_bytes(name)
    tensors = load(data)  # raises on anything else than tensors
    floats = [t for t in tensors.values() if np.issubdtype(t.dtype, np.floating)]
    learned = [t for n, t in tensors.items() if "running" not in n and t.dtype.kind == "f"]
    assert {t.dtype for t in learned} == {np.dtype("float16")}
    assert all(np.isfinite(t).all() for t in floats)
    assert sum(t.size for t in tensors.values()) >= model_card(name)["parameters"]


@each_learned
def test_the_stored_output_comes_out_again(name: str) -> None:
    import torch
    from safetensors.numpy import load_file

    stored = load_file(weights_folder() / f"{name}.reference.safetensors")
    module = importlib.import_module(shipped_tools()[name].__module__)
    network = trained(name, module.network)
    if hasattr(module, "clean"):
        found = module.clean(network, stored["input"])
    else:
        found = infer(network, torch.from_numpy(stored["input"])).cpu().numpy()
    # bfloat16 keeps eight bits; other processors round elsewhere, single pixels by more than most
    scale = float(np.abs(stored["output"]).max())
    np.testing.assert_allclose(found, stored["output"], rtol=0, atol=0.04 * scale)
    assert np.sqrt(np.mean((found - stored["output"]) ** 2)) < 0.01 * scale


@pytest.mark.parametrize("name", BACKBONES)
def test_the_stored_output_of_a_backbone_comes_out_again(name: str) -> None:
    from safetensors.numpy import load_file

    from simulators.training.masked import whole

    stored = load_file(weights_folder() / f"{name}.reference.safetensors")
    found = whole(trained(name, backbone.network), stored["input"])
    scale = float(np.abs(stored["output"]).max())
    np.testing.assert_allclose(found, stored["output"], rtol=0, atol=0.02 * scale)


def test_adapters_begin_over_the_backbone_that_is_shipped() -> None:
    from safetensors.numpy import load_file

    from simulators.training.parts.adapter_start import embedded

    begun = adapter_start("reconstruction")
    assert begun is not None, "it was learned over another version of the backbone: train it again"
    stored = load_file(weights_folder() / f"{START}.reference.safetensors")
    found = embedded(begun, frozen_backbone("reconstruction"), stored["input"])
    scale = float(np.abs(stored["output"]).max())
    np.testing.assert_allclose(found, stored["output"], rtol=0, atol=0.02 * scale)
