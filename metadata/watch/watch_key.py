"""What makes two watches the same: their sources, limits and how they speak."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metadata.series import MetricInfo
from metadata.sources.source import Source

HEAD = 65536  # bytes in which the first lines of a table are looked for


def watch_key(
    sources: Sequence[Source], infos: Mapping[str, MetricInfo], settings: Mapping[str, Any]
) -> str:
    """Sixteen hexadecimal digits. A table that was replaced by another one of the same name is
    told by its first lines; one that only grew is the same."""
    said = {
        "sources": [_identity(source) for source in sources],
        "limits": {n: [i.limits.low, i.limits.high] for n, i in sorted(infos.items()) if i.limits},
        "settings": dict(sorted(settings.items())),
    }
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:16]


def _identity(source: Source) -> list[str]:
    path = Path(source.name)
    if not path.exists():
        return [source.name]
    return [str(path.resolve()), _first_lines(path) if path.is_file() else ""]


def _first_lines(path: Path) -> str:
    """The header and the first row; nothing of a binary file, whose head may be written again."""
    with path.open("rb") as file:
        lines = file.read(HEAD).split(b"\n")[:3]
    if len(lines) < 3 or b"\0" in lines[0]:
        return ""
    return hashlib.sha256(b"\n".join(lines[:2])).hexdigest()
