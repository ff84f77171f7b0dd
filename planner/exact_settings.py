"""Settings of trainings that are learned in one go: a YAML that sets what it has to, no more."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Any

from metadata.errors import InputError


def exact_settings(path: str | Path, names: Set[str], shipped: str) -> dict[str, Any]:
    """What the YAML at ``path`` sets, which must be exactly ``names``; ``shipped`` names the file
    of ``configs/training`` to look at. Raises :class:`InputError` where it sets anything else."""
    import yaml

    found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(found, dict) or set(found) != names:
        raise InputError(
            f"{path} should set exactly {', '.join(sorted(names))}; see configs/training/{shipped}."
        )
    return found
