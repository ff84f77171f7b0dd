"""What all tests share: a home of their own, and the folder of real data, where there is one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Nobody's home while tests are collected: the user's adapters are no tools to be tested."""
    os.environ["TOMOPLAN_HOME"] = str(Path(tempfile.gettempdir(), "tomoplan-nobody"))


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of its own for what tomoplan remembers: tests neither read nor fill the user's."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOMOPLAN_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real scans named by TOMOPLAN_DATA, or skip."""
    folder = os.environ.get("TOMOPLAN_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real scans: set TOMOPLAN_DATA to their folder")
    return Path(folder).resolve()
