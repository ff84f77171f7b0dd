"""Tells scans apart without reading them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from metadata.scan import Scan


def fingerprint(scan: Scan) -> dict[str, Any]:
    """What tells a scan from another: its file's size and time, its shape and angles."""
    import hashlib

    info = scan.info
    found: dict[str, Any] = {
        "shape": [info.projections, info.rows, info.columns],
        "angles": hashlib.sha256(np.ascontiguousarray(info.angles_rad).tobytes()).hexdigest()[:16],
    }
    path = Path(info.path)
    if path.is_file():
        status = path.stat()
        found |= {
            "path": str(path.resolve()),
            "size": status.st_size,
            "modified_ns": status.st_mtime_ns,
        }
    return found
