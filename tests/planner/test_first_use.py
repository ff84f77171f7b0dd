"""Timing the machine at first use leaves nothing in the process that asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from planner.cost import MeasuredCosts, fit
from planner.task import Goal, Intent, Task
from tests.planner.situations import scan_info, situation
from toolbox.execution import predict_peak_bytes
from toolbox.execution.resident import resident_bytes
from toolbox.pipeline import Pipeline
from toolbox.values import Shape

PIPELINE = Pipeline.chain(
    ["flat_field", "minus_log", "fbp"], center=("known_center", {"column": 127.5})
)
ASKS = """
import sys
from metadata.store import Store
from planner.cost import machine_costs
from toolbox.execution.resident import resident_bytes
import planner.calibration, toolbox.registry
toolbox.registry.known_tools()
held = resident_bytes()
with Store(sys.argv[1]) as store:
    costs = machine_costs(store)
assert "simulators" not in sys.modules, "the scans were simulated here"
assert "torch" not in sys.modules
assert resident_bytes() - held < 60 * 2**20, (resident_bytes() - held) / 2**20
assert costs.library_bytes > 100 * 2**20, costs.library_bytes
print("asked")
"""


def test_first_use_leaves_no_libraries_behind(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ASKS, str(tmp_path / "s.sqlite")],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.stdout.endswith("asked\n"), done.stderr


def test_what_the_first_run_loads_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of = situation(Task(Intent.PLAN, (Goal.RECONSTRUCT,)))
    costs = MeasuredCosts({}, 1.0, 1, base_bytes=1e6, library_bytes=5e8)
    monkeypatch.setitem(sys.modules, "torch", sys)
    later = costs.peak_bytes(PIPELINE, of).value
    monkeypatch.delitem(sys.modules, "torch")
    first = costs.peak_bytes(PIPELINE, of).value
    assert first - later == pytest.approx(5e8, abs=1e8)


def test_what_a_run_brings_is_read_off_runs_that_loaded() -> None:
    info = scan_info()
    shapes = [Shape(info.projections, info.rows, info.columns)]
    data = predict_peak_bytes(PIPELINE, shapes, 1, float("inf"))
    held = float(resident_bytes())

    def document(brought: float, load: float) -> dict[str, object]:
        seconds = {n.id: 0.1 for n in PIPELINE.nodes} | {"load": load}
        return {"pipeline": PIPELINE.to_json(), "scans": [{"info": info.to_json()}], "rows": None,
                "node_seconds": seconds, "seconds": 1.0 + load, "task": None,
                "base_bytes": held, "peak_bytes": held + data + brought}  # fmt: skip

    found = fit([document(4e8, 2.0), document(4e8, 2.0), document(1e7, 0.0)], workers=1)
    assert found.library_bytes == pytest.approx(4e8)
    assert np.isclose(fit([document(1e7, 0.0)], workers=1).library_bytes, 0.0)
