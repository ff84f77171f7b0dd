"""What a training needs to go on, kept so that a kill at any moment leaves a whole file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from metadata.errors import InputError

NAME = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any]) -> None:
    """Write the state (tensors and plain values) beside the old one, then put it in its place."""
    import torch

    part = folder / f"{NAME}.part"
    with part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / NAME)


def load(folder: Path) -> dict[str, Any] | None:
    """The last state kept, or None; nothing but tensors and plain values is ever loaded."""
    import torch

    path = folder / NAME
    if not path.exists():
        return None
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # whatever a damaged file makes torch raise
        raise InputError(
            f"The checkpoint {path} cannot be read ({type(error).__name__}). Remove it to train "
            f"from the start."
        ) from None
