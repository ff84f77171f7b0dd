"""What a scan's frames show of the instrument, measured by a room that can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from metadata.scan import Scan
from metadata.series import MetricInfo


class ScanMeasures(Protocol):
    """Measures metrics on the frames of a scan; ``toolbox.scan_measures.FrameMeasures`` does."""

    def metrics(self) -> Mapping[str, MetricInfo]:
        """Every metric that may be measured."""
        ...

    def measure(self, scan: Scan, reference: Scan | None) -> Mapping[str, float]:
        """What could be measured. ``reference``: the first scan of the folder with frames of the
        same size (the scan itself for that one), which shifts are counted from."""
        ...
