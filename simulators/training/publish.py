"""Weights and card of a trained part, as tools and planner read them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metadata.errors import WorkError
from simulators.training.loop import Fitted
from simulators.training.part import Arrays, Measured, Training
from simulators.training.settings import Settings

if TYPE_CHECKING:
    import torch

LARGEST = 4_000_000  # bytes of weights that the repository takes for one part
LARGER = {"sharp": 12_000_000}  # of those that need more: with its ablations beside it


def most_bytes(name: str) -> int:
    """The bytes that the weights of a part may take.

    >>> most_bytes("fbpconvnet")
    4000000
    """
    return LARGER.get(name, LARGEST)


def write_weights(network: torch.nn.Module, path: Path) -> str:
    """Parameters as float16 safetensors, running statistics (few, and some are large) as float32;
    returns the file's sha256."""
    import torch
    from safetensors.torch import save

    learned = dict(network.named_parameters())
    tensors = {
        name: (value.half() if name in learned else value).contiguous()
        for name, value in network.state_dict().items()
    }
    worst = [n for n, v in tensors.items() if v.is_floating_point() and not torch.isfinite(v).all()]
    if worst:
        raise WorkError(f"These weights do not fit into float16: {', '.join(worst)}.")
    data = save(tensors)
    if len(data) > (most := most_bytes(path.stem)):
        raise WorkError(
            f"The weights take {len(data)} bytes, more than the {most} allowed. Make the "
            f"network narrower."
        )
    write(path, data)
    return hashlib.sha256(data).hexdigest()


def read_weights(network: torch.nn.Module, path: Path) -> None:
    """The network with the weights of a file, rounded as they are stored."""
    from safetensors.torch import load_file

    network.load_state_dict(load_file(path))
    network.eval()


def write_reference(arrays: Arrays, path: Path) -> None:
    """An input and its output, for the contract test; nothing but tensors."""
    from safetensors.numpy import save

    # save() takes the memory of a view as it lies
    write(path, save({name: np.ascontiguousarray(values) for name, values in arrays.items()}))


def write_card(
    name: str, part: Training, settings: Settings, measured: Measured, facts: dict[str, Any],
    path: Path,
) -> None:  # fmt: skip
    """The model card: the part's own fields, how it was trained, what it is worth, on which
    worlds it wins and loses (after the fields of MONAI's bundles)."""
    rows = measured.worlds
    card = {
        "name": name,
        **part.card(),
        **facts,
        "settings": settings.to_json(),
        "metrics": measured.metrics,
        "unit": measured.unit,
        "worlds": rows,
        "wins_on": [row["world"] for row in rows if row["gain"] > 0],
        "loses_on": [row["world"] for row in rows if row["gain"] <= 0],
        "wins": measured.wins,
        "suits": {trait: list(span) for trait, span in measured.suits.items()},
    }
    write(path, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())


def training_facts(what: str, fitted: Fitted, network: torch.nn.Module) -> dict[str, Any]:
    """How a training went, for the card."""
    import platform

    import torch

    begun = {"begun_from_sha256": fitted.begun_from} if fitted.begun_from else {}
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor()
    return {
        "training": {
            "command": f"tomoplan train {what}",
            **begun,
            "steps": fitted.steps,
            "best_step": fitted.step,
            "minutes": round(fitted.minutes, 1),
            "ended_by": fitted.ended_by,
            "validation": {k: v for k, v in _best_row(fitted).items() if k != "rate"},
            "torch": torch.__version__,
            "device": where or platform.machine(),
        },
        "parameters": sum(p.numel() for p in network.parameters()),
    }


def _best_row(fitted: Fitted) -> dict[str, Any]:
    return next((row for row in fitted.rows if row["step"] == fitted.step), {})


def write(path: Path, data: bytes) -> None:
    """All of a file or nothing of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
