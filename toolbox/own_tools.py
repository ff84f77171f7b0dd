"""The tools that were trained here (``tomoplan train adapter``)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metadata.errors import WorkError
from toolbox.card import ToolCard
from toolbox.kinds import Domain
from toolbox.learned.adapters import adapters_folder, checked_weights, read_card
from toolbox.tool import Tool


def own_tools() -> Iterator[type[Tool]]:
    """A tool for each adapter that was trained here. What cannot be used is passed over, and
    standard error says why: it must not keep others from work."""
    for path in sorted(adapters_folder().glob("*.json")):
        try:
            card = read_card(path)
            checked_weights(path.with_suffix(".safetensors"), card)
        except WorkError as error:
            print(f"{error} The tool {path.stem} is left out until then.", file=sys.stderr)
        else:
            yield _tool(card, path.parent)


def _tool(card: dict[str, Any], folder: Path) -> type[Tool]:
    from toolbox.tools.correct.marked import MarkedTool
    from toolbox.tools.segment.adapter import AdapterTool

    name, domain = card["name"], card["backbone"]
    base = AdapterTool if domain == Domain.RECONSTRUCTION else MarkedTool
    said = ToolCard(
        name=name,
        **base.place(name, domain),
        references=("Houlsby et al. 2019, ICML, 2790 (adapters)",
                    "Hu et al. 2022, ICLR (LoRA)"),
        limits=card["summary"],
        library="torch",
        version=card["version"],
        gpu=True,
        weights={f"{name}.safetensors": card["sha256"]},
        training_data=card["data_source"],
        metrics={key: float(value) for key, value in card["metrics"].items()},
        suits={trait: (float(low), float(high)) for trait, (low, high) in card["suits"].items()},
    )  # fmt: skip
    facts = {"card": said, "values": tuple(card["values"]), "folder": folder,
             "__doc__": base.__doc__, "__module__": __name__}  # fmt: skip
    return type(f"Adapter_{name}", (base,), facts)
