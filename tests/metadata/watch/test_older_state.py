"""What another version kept cannot be gone on from: one clear error, and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata.drift import monitor
from metadata.drift.monitor import Monitor
from metadata.drift.saving import pack, unpack
from metadata.errors import InputError
from metadata.series import MetricInfo
from metadata.sources.csv_file import CsvFile
from metadata.watch.ledger import Ledger
from metadata.watch.watch import Watch


def test_a_state_without_a_layout_is_refused() -> None:
    state = unpack(Monitor({"axis": MetricInfo("axis")}).to_state())
    assert Monitor.from_state(pack(state)).followers["axis"].info.name == "axis"
    del state["layout"]
    with pytest.raises(InputError, match=r"another version of tomoplan \(layout 1;.*--fresh"):
        Monitor.from_state(pack(state))


def test_a_watch_of_another_version_says_how_to_begin_anew(
    ramp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger(tmp_path / "s.sqlite") as store:
        first = Watch([CsvFile(ramp)], store, "k")
        first.run()  # and never finished
        assert Watch([CsvFile(ramp)], store, "k").resumed
        monkeypatch.setattr(monitor, "LAYOUT", monitor.LAYOUT + 1)
        with pytest.raises(InputError, match="--fresh"):
            Watch([CsvFile(ramp)], store, "k")
        anew = Watch([CsvFile(ramp)], store, "k", fresh=True)
        anew.run()
        assert anew.seen == first.seen
        assert Watch([CsvFile(ramp)], store, "k").resumed
