"""An answer of an Archiver Appliance that was kept in a file."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from metadata.errors import InputError
from metadata.series import MetricInfo
from metadata.sources.archiver_answer import TornAnswer, parse_csv, parse_json
from metadata.sources.source import Entry, beside_each_other, later

ROW = re.compile(r"\d{8,11},[^\n]*,\d+,\d+,\d{1,9}")


class ArchiverFile:
    """``getData.json``, or the CSV of five columns without a header (its metric is called as the
    file)."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.live = False
        self.warnings: list[str] = []
        text = self.path.read_text("utf-8", "replace")
        try:
            if is_archiver_csv(text[:4096]):
                metric = self.path.stem
                self._found = [(MetricInfo(metric), parse_csv(text, metric))]
            else:
                self._found = parse_json(text)
        except TornAnswer as error:
            raise InputError(
                f"{path} is no whole answer of an archiver ({error}). Expected all of it; ask for "
                f"it again."
            ) from error

    def metrics(self) -> dict[str, MetricInfo]:
        return {info.name: info for info, _ in self._found}

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        yield from beside_each_other([[later(samples, since)] for _, samples in self._found])

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        """An answer does not go on."""
        return iter(())

    def close(self) -> None:
        """Nothing is open."""


def is_archiver_csv(head: str) -> bool:
    """Whether the first line is ``secs,val,severity,status,nanos``."""
    return ROW.fullmatch(head.partition("\n")[0].strip()) is not None


def is_archiver_json(head: str) -> bool:
    """Whether a text begins as a list of channels."""
    return "".join(head[:200].split()).startswith(('[{"meta":', '[{"data":'))
