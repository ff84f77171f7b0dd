"""tomoplan's own runs in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metadata.sources import open_source
from metadata.store import Store
from tests.metadata.sources.reading import Following, joined


def run(id: str, hour: int, axis: float | None, columns: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "id": id, "time": f"2026-01-02T{hour:02d}:00:00+00:00", "pipeline": {},
        "scans": [{"info": {"columns": columns, "start_time": f"2026-01-01T{hour:02d}:00:00"}}],
        "center_px": None if axis is None else {"value": axis, "low": axis, "high": axis},
        "quality": {"reprojection_residual": 0.1, "noise": 5.0},
    } | more  # fmt: skip


def test_what_runs_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metadata.sources.own_runs.POLL_SECONDS", 0.02)
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path))
    with Store() as store:
        store.add_run(run("a", 5, 50.5, shifts_px={"rms": 0.5, "largest": 2.0}, tilt_deg=0.01))
        store.add_run(run("b", 3, 50.0))
        store.add_run(run("c", 3, 60.0))  # the same scan once more
        store.add_run(run("d", 6, 25.0, columns=50))
        store.add_run(run("e", 7, None, scans=[]))
        source = open_source("runs:")
        found = joined(source.history())
        start = 1767225600.0
        assert found["axis_position"].values.tolist() == [50.0, 50.5]
        assert found["axis_position"].times.tolist() == [start + 3 * 3600, start + 5 * 3600]
        assert found["axis_position_50"].values.tolist() == [25.0]
        assert found["shift_rms"].values.tolist() == [0.5]
        assert found["shift_largest"].values.tolist() == [2.0]
        assert found["axis_tilt"].values.tolist() == [0.01]
        assert len(found["reprojection_residual"]) == 4
        assert found["reprojection_residual"].times[-1] == start + 31 * 3600  # of the run itself
        assert source.metrics()["axis_position_50"].unit == "px"
        with Following(source) as following:
            store.add_run(run("f", 9, 51.0))
            following.until(lambda f: "axis_position" in f)
            assert following.finish()["axis_position"].values.tolist() == [51.0]
        source.close()
