"""What all tests share: the folder of real data, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real scans named by TOMOPLAN_DATA, or skip."""
    folder = os.environ.get("TOMOPLAN_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real scans: set TOMOPLAN_DATA to their folder")
    return Path(folder).resolve()
