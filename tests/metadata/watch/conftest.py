"""A table with a drift that reaches its limit, and the command as people meet it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.exit_status import exit_status

Result = tuple[int, str, str]


@pytest.fixture(scope="session")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``time,value`` each 15 minutes for 14 days: quiet, then a ramp that reaches 2.5 on day 11."""
    count = 14 * 96
    draw = np.random.default_rng(1)
    days = np.arange(count) / 96
    values = 0.1 * draw.standard_normal(count) + 0.5 * np.clip(days - 6, 0, None)
    path = tmp_path_factory.mktemp("ramp") / "ramp.csv"
    rows = [f"{1767225600 + 900 * i},{v:.5f}" for i, v in enumerate(values.tolist())]
    path.write_text("time,value\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def tomoplan(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Result]:
    """The command line in this process with a store of its own: exit status, stdout, stderr."""
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path / "home"))

    def call(*arguments: object) -> Result:
        status = exit_status(monkeypatch, *arguments)
        captured = capfdbinary.readouterr()
        return status, captured.out.decode(), captured.err.decode()

    return call
