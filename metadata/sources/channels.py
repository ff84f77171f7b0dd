"""What the sources of EPICS channels share: their names, what is known of them, their silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from metadata.errors import InputError, WorkError
from metadata.series import MetricInfo
from metadata.sources.source import Entry
from metadata.sources.updates import Updates


class Channels:
    """``SCHEME://PV1,PV2``: a metric each; ``infos`` is filled as the channels answer.

    ``every``: s between blocks.
    """

    live = True

    def __init__(self, scheme: str, pvs: Sequence[str], every: float) -> None:
        self.pvs = [pv.strip() for pv in pvs if pv.strip()]
        if not self.pvs:
            raise InputError(
                f"{scheme}:// names no channel. Expected {scheme}://PV or {scheme}://PV1,PV2."
            )
        self.name = f"{scheme}://{','.join(self.pvs)}"
        self.warnings: list[str] = []
        self._updates = Updates(every)
        self._infos: dict[str, MetricInfo] = {}

    def metrics(self) -> dict[str, MetricInfo]:
        return {pv: self._infos.get(pv, MetricInfo(pv)) for pv in self.pvs}

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        """A channel knows no past."""
        return iter(())

    def _judge_silence(self, timeout: float, variable: str) -> None:
        """A warning where some channels have not answered after ``timeout`` s, an error where none
        has; ``variable`` says where servers are looked for."""
        silent = [pv for pv in self.pvs if pv not in self._infos]
        if len(silent) == len(self.pvs):
            raise WorkError(
                f"No server answers for {', '.join(silent)} within {timeout:g} s. Expected a "
                f"running server; check the names and {variable}."
            )
        if silent:
            self.warnings.append(
                f"No server answers for {', '.join(silent)} yet; they are taken up when one does."
            )
