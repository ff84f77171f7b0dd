"""Adapters that somebody trained: tools at once, and one clear error where they are broken."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from metadata import InputError, WorkError
from simulators.training.adapter.fitting import Schedule, batch, fit
from simulators.training.adapter.labelled_slices import NOTHING, read_labelled
from simulators.training.adapter.making import hold_out, train_adapter
from toolbox import DataKind, GreyState, known_tools, make_tool, tool_class
from toolbox.learned import backbone, model_card, weights
from toolbox.learned.adapters import (
    HEAD,
    Tuning,
    adapter_start,
    adapters_folder,
    frozen_backbone,
    last_layer,
    network,
    start,
)
from toolbox.values import Block, Geometry

if TYPE_CHECKING:
    import torch

QUICK = Schedule(steps=12, batch=2, crop=32, rate=1e-2)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights with a backbone that learned nothing."""
    import torch
    from safetensors.torch import save

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    data = save({n: v.half() for n, v in backbone.network().state_dict().items()})
    (folder / "backbone_reconstruction.safetensors").write_bytes(data)
    (folder / "backbone_reconstruction.json").write_text(json.dumps({
        "sha256": hashlib.sha256(data).hexdigest(), "version": "0", "data_source": "none",
        "metrics": {}, "worlds": [], "unit": "dB", "wins": False, "suits": {},
    }))  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five labelled slices."""
    folder = tmp_path_factory.mktemp("my discs")
    for k in range(5):
        image, said = discs(k)
        np.save(folder / f"s{k}.npy", image)
        np.save(folder / f"s{k}.labels.npy", said)
    return folder


@pytest.fixture(scope="module")
def made(shipped: Path, slices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one trained adapter; tests work on copies."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        live_in(folder, shipped, patch)
        train_adapter(slices, "segment_discs", schedule=QUICK, suits={"noise": (0.1, 0.4)})
        known_tools.cache_clear()
    return folder


@pytest.fixture
def home(
    tmp_path: Path, shipped: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A home of its own that holds the trained adapter."""
    shutil.copytree(made, tmp_path / "home")
    live_in(tmp_path / "home", shipped, monkeypatch)
    known_tools.cache_clear()
    yield tmp_path / "home"
    known_tools.cache_clear()


def live_in(home: Path, shipped: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("TOMOPLAN_HOME", str(home))
    patch.setattr(weights, "weights_folder", lambda: shipped)
    patch.setattr(model_card, "weights_folder", lambda: shipped)


def discs(seed: int, side: int = 48) -> tuple[Any, Any]:
    """A slice with bright discs in noise, and its labels (0 and 5)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    inside = np.zeros((side, side), bool)
    for cy, cx in rng.uniform(8, side - 8, (4, 2)):
        inside |= (y - cy) ** 2 + (x - cx) ** 2 < 40
    return (inside + rng.normal(0, 0.2, inside.shape)).astype(np.float32), inside * np.uint8(5)


@pytest.fixture
def labels(tmp_path: Path, slices: Path) -> Path:
    """A copy of the labelled slices, to be spoiled."""
    return Path(shutil.copytree(slices, tmp_path / "labels"))


def forget() -> None:
    known_tools.cache_clear()


def volume(count: int = 2) -> Block:
    values = np.stack([discs(50 + k)[0] for k in range(count)])
    return Block(values, DataKind.VOLUME, GreyState.ATTENUATION,
                 Geometry(np.zeros(1), count, 48), np.arange(count))  # fmt: skip


def test_a_trained_adapter_is_a_tool_at_once(home: Path) -> None:
    import pickle

    from safetensors.numpy import load

    card = json.loads((adapters_folder() / "segment_discs.json").read_text(encoding="utf-8"))
    assert known_tools()["segment_discs"].card.suits == {"noise": (0.1, 0.4)}
    assert card["values"] == [0, 5]
    assert card["held_out"] == "1 of 5 slices"
    assert 0 <= card["metrics"]["iou"] <= 1
    assert card["trained_parameters"] <= 0.05 * card["parameters"]
    said = tool_class("segment_discs").card
    assert f"mean IoU {card['metrics']['iou']:.3f}" in said.limits
    tool = make_tool("segment_discs", {})
    block = volume()
    found = tool(volume=block).values
    assert found.dtype == np.uint8
    assert set(np.unique(found)) <= {0, 5}
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tool))(volume=block).values, found)
    stored = load((adapters_folder() / "segment_discs.safetensors").read_bytes())
    assert not any(name.startswith("backbone") for name in stored)
    assert {t.dtype for t in stored.values()} == {np.dtype("float16")}


@pytest.mark.parametrize("tuning", list(Tuning))
def test_whatever_is_learned_adds_nothing_at_first_and_is_kept(
    home: Path, slices: Path, tuning: Tuning
) -> None:
    import torch
    from safetensors.numpy import load

    base = frozen_backbone("reconstruction")
    images = torch.from_numpy(np.stack([discs(k)[0] for k in range(2)])[:, None])
    net = network(2, copy.deepcopy(base), tuning)
    bare: Any = base
    with torch.no_grad():
        plain = net.head(bare.features(backbone.shown(images)))  # type: ignore[operator]
        torch.testing.assert_close(net(images), plain)
    card = train_adapter(slices, "segment_tuned", schedule=QUICK, tuning=tuning)
    assert card["tuning"] == tuning.value
    stored = load((adapters_folder() / "segment_tuned.safetensors").read_bytes())
    kinds = {name.split(".")[0] for name in stored}
    assert kinds == {"head"} | ({"lora"} if tuning in (Tuning.LORA, Tuning.BOTH) else set()) | (
        {"adapters"} if tuning is not Tuning.LORA else set()
    )
    learned = [n for n in stored if n.endswith((".up", ".values", ".2.weight"))]
    assert any(np.abs(stored[name]).max() > 0 for name in learned)
    found = make_tool("segment_tuned", {})(volume=volume()).values
    assert set(np.unique(found)) <= {0, 5}


def test_an_adapter_of_a_tuning_that_nobody_knows_is_damaged(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = adapters_folder() / "segment_discs.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(card | {"tuning": "peft"}), encoding="utf-8")
    forget()
    assert "segment_discs" not in known_tools()
    assert "tuning is 'peft'" in capsys.readouterr().err


def test_learning_leaves_the_backbone_as_it_is(home: Path) -> None:
    import torch

    from simulators.training.adapter.making import adapt, held_labels
    from toolbox.learned.adapters import shares
    from toolbox.metrics import mean_iou

    images, said = zip(*(discs(k) for k in range(4)), strict=True)
    numbers = [(s > 0).astype(np.int64) for s in said]
    base = frozen_backbone("reconstruction")
    before = {n: p.clone() for n, p in base.named_parameters()}
    longer = Schedule(steps=30, batch=2, crop=32, rate=1e-2)
    net, how = adapt(base, images, numbers, 2, longer)
    assert how.steps == 30
    for name, parameter in dict(net.named_children())["backbone"].named_parameters():
        assert torch.equal(parameter, before[name])
    image, truth = discs(9)
    test = held_labels(lambda i: shares(net, i).argmax(axis=0), [image], [(truth > 0) * 1])
    assert mean_iou(*test) > 0.7


def test_classes_are_told_by_the_nearest_mean_of_their_pixels() -> None:
    import torch

    torch.manual_seed(0)
    means = torch.randn(3, HEAD)
    said = torch.randint(-1, 3, (600,))
    pixels = means[said.clamp(min=0)] + 0.1 * torch.randn(600, HEAD)
    weights, biases = last_layer(pixels, said, 4, torch.zeros(1))
    logits = pixels @ weights.T + biases
    known = said >= 0
    assert torch.equal(logits.argmax(1)[known], said[known])
    assert (logits[:, 3] < logits[:, :3].min()).all()  # a class of no pixel
    # Up to what all classes share, the logits are the squares of the distances
    squares = ((pixels[:1] - means_of(pixels, said)) ** 2).sum(1)
    found = logits[0, :3] - logits[0, 0]
    torch.testing.assert_close(found, squares[0] - squares, rtol=1e-3, atol=1e-3)


def means_of(pixels: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.stack([pixels[said == number].mean(0) for number in range(3)])


def test_adapters_begin_where_they_are_told(home: Path) -> None:
    """Before anything is learned, discs are told from what is about them by their means."""
    from simulators.training.adapter.making import adapt, held_labels
    from toolbox.learned.adapters import shares
    from toolbox.metrics import mean_iou

    images, said = zip(*(discs(k) for k in range(4)), strict=True)
    numbers = [(s > 0).astype(np.int64) for s in said]
    base = frozen_backbone("reconstruction")
    hardly = Schedule(steps=1, batch=2, crop=32, rate=1e-9)
    image, truth = discs(9)

    def iou(begun: torch.nn.Module | None) -> float:
        net, _ = adapt(base, images, numbers, 2, hardly, begun=begun)
        found = held_labels(lambda i: shares(net, i).argmax(axis=0), [image], [(truth > 0) * 1])
        return float(mean_iou(*found))

    assert iou(start()) > 0.6 > iou(None)


def test_a_start_over_another_backbone_is_not_begun_from(home: Path) -> None:
    assert adapter_start("reconstruction") is None  # the folder holds none
    assert json.loads((adapters_folder() / "segment_discs.json").read_text())["begun_from"] is None


def test_slices_of_any_size_go_through(home: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1, 37, 50)).astype(np.float32)
    values[0, 3, 3] = np.nan
    block = volume(1).with_values(values)
    assert make_tool("segment_discs", {})(volume=block).values.shape == (1, 37, 50)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "segment_discs.safetensors").unlink(), "are missing"),
        (lambda f: (f / "segment_discs.safetensors").write_bytes(b"x"), "one of the two was"),
        (lambda f: (f / "segment_discs.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "segment_discs.json").write_text("{}"), "damaged: name is None"),
        (lambda f: (f / "segment_discs.json").write_text("[]"), "it is no mapping"),
    ],
)
def test_a_broken_adapter_is_named_and_keeps_nobody_from_work(
    home: Path, spoil: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(adapters_folder())
    forget()
    assert "fbp" in known_tools()
    said = capsys.readouterr().err.strip()
    assert words in said
    assert said.count("\n") == 0
    with pytest.raises(InputError, match="no tool called 'segment_discs'"):
        make_tool("segment_discs", {})


def test_an_adapter_that_is_spoiled_meanwhile_says_so(home: Path) -> None:
    tool = make_tool("segment_discs", {})
    (adapters_folder() / "segment_discs.safetensors").unlink()
    with pytest.raises(WorkError, match=r"are missing.*tomoplan train adapter"):
        tool(volume=volume(1))


def test_an_adapter_of_another_backbone_is_refused(home: Path) -> None:
    path = adapters_folder() / "segment_discs.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(card | {"backbone_sha256": "0"}), encoding="utf-8")
    forget()
    with pytest.raises(WorkError, match="another version of the reconstruction"):
        make_tool("segment_discs", {})(volume=volume(1))


def test_names_that_cannot_be_are_refused(home: Path, labels: Path) -> None:
    with pytest.raises(InputError, match="There is a tool called fbp already"):
        train_adapter(labels, "fbp", schedule=QUICK)
    with pytest.raises(InputError, match="expected small letters"):
        train_adapter(labels, "../outside", schedule=QUICK)


def test_a_backbone_without_weights_is_one_clear_error(home: Path, labels: Path) -> None:
    with pytest.raises(WorkError, match=r"some for: reconstruction.*train backbone_sinogram"):
        train_adapter(labels, "segment_discs", "sinogram", QUICK)
    with pytest.raises(InputError, match="no backbone for 'volume'"):
        train_adapter(labels, "segment_discs", "volume", QUICK)


def test_of_few_slices_blocks_are_held_out(labels: Path) -> None:
    for k in (2, 3, 4):
        (labels / f"s{k}.labels.npy").unlink()
    data = read_labelled(labels)
    split = hold_out(data)
    assert "lower quarter of 2 slices" in split.how
    for train, test in zip(split.train, split.test, strict=True):
        assert not ((train != NOTHING) & (test != NOTHING)).any()
        assert (test != NOTHING).any()


def test_a_class_in_one_slice_only_is_asked_for_more(labels: Path) -> None:
    for k in (0, 1, 3, 4):
        np.save(labels / f"s{k}.labels.npy", np.zeros((48, 48), np.uint8))
    with pytest.raises(InputError, match=r"nothing is left of the classes \[5\]"):
        hold_out(read_labelled(labels))


def test_crops_hold_labels_and_turn_with_the_slice() -> None:
    image, said = discs(1)
    numbers = np.where(said > 0, 1, NOTHING)
    crops, classes = batch([image], [numbers], QUICK, np.random.default_rng(0))
    assert crops.shape == (2, 1, 32, 32)
    for crop, chosen in zip(crops, classes, strict=True):
        assert crop[0][chosen == 1].mean() > crop[0][chosen == NOTHING].mean() + 0.4


def test_time_ends_a_training_before_its_steps() -> None:
    image, said = discs(1)
    short = Schedule(steps=10_000, batch=1, crop=32, minutes=1e-3)
    net = network(2)
    assert fit(net, net.parameters(), [image], [(said > 0) * 1], short).steps < 10_000
