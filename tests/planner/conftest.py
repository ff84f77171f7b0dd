"""What the planner's tests share: a store of runs that is not the machine's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of its own: runs of tests do not teach the machine's costs."""
    folder = tmp_path_factory.mktemp("home")
    os.environ["TOMOPLAN_HOME"] = str(folder)
    return folder
