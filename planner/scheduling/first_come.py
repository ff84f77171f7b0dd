"""First come, first served."""

from __future__ import annotations

from simulators.clusters.placement import Placement
from simulators.clusters.situation import Situation


class FirstCome:
    """The first step of the queue on the quickest device that is free. Where it does not fit, all
    wait for it, unless ``fills_gaps``: then the next that fits goes ahead."""

    def __init__(self, fills_gaps: bool = False) -> None:
        self.name = "first-come, filling gaps" if fills_gaps else "first-come"
        self._fills_gaps = fills_gaps

    def choose(self, situation: Situation) -> Placement | None:
        for waiting in situation.waiting:
            placement = situation.quickest(waiting)
            if placement is not None or not self._fills_gaps:
                return placement
        return None
