"""``tomoplan train``: one command for all learned parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata import InputError
from planner.training import train, trainable


def test_all_parts_go_by_one_command() -> None:
    assert {"understanding", "fbpconvnet", "center_cnn"} <= set(trainable())
    with pytest.raises(InputError, match=r"'nerf'.*center_cnn, fbpconvnet, .*understanding"):
        train("nerf")


def test_understanding_has_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="takes --config and --output only"):
        train("understanding", resume=True)
    with pytest.raises(InputError, match="takes --config and --output only"):
        train("understanding", folder=tmp_path)


def test_nothing_is_measured_where_no_weights_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to measure"):
        train("fbpconvnet", output=tmp_path, measure_only=True)
