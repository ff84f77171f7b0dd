"""Runs pipelines: slab by slab, under a memory budget, resumable, on threads or a cluster."""

from toolbox.execution.engine import check, run
from toolbox.execution.fingerprint import fingerprint
from toolbox.execution.memory import Sizes, operations, predict_peak_bytes, slab_rows
from toolbox.execution.passes import Direction, Pass, plan_passes
from toolbox.execution.progress import Progress, progress_bar
from toolbox.execution.record import RunRecord

__all__ = [
    "Direction", "Pass", "Progress", "RunRecord", "Sizes", "check", "fingerprint", "operations",
    "plan_passes", "predict_peak_bytes", "progress_bar", "run", "slab_rows",
]  # fmt: skip
