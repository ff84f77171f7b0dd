"""Rigs of several channels: what changed, changed."""

from __future__ import annotations

import numpy as np

from simulators.rig import FAULTS, draw_rig


def test_the_same_seed_is_the_same_rig_and_a_healthy_one_has_no_changes() -> None:
    one, again = draw_rig(5), draw_rig(5)
    assert one.channels.keys() == again.channels.keys()
    for name, row in one.channels.items():
        assert np.array_equal(row, again.channels[name])
        assert row.shape == one.times.shape
        assert np.isfinite(row).all()
    assert len(draw_rig(5, healthy=True).changes) == 0


def test_changes_begin_and_end_the_faults() -> None:
    kinds = set()
    for seed in range(40):
        record = draw_rig(seed)
        assert len(record.faults) <= (len(record.changes) + 1) // 2
        assert len(record.faults) >= len(record.changes) / 2
        assert (np.diff(record.changes) > 0).all()
        assert (np.isin(record.changes, record.times)).all()
        kinds |= set(record.faults)
    assert kinds == set(FAULTS)


def test_a_shift_moves_a_channel() -> None:
    moved = []
    for seed in range(60):
        record = draw_rig(seed)
        if record.faults[:1] != ("shift",) or len(record.changes) < 2:
            continue
        first, end = (int(c - record.times[0]) for c in record.changes[:2])
        largest = max(
            abs(row[(first + end) // 2 : end].mean() - row[first - 60 : first].mean())
            / row[first - 60 : first].std() for row in record.channels.values()
        )  # fmt: skip
        moved.append(largest)
    assert len(moved) > 5
    assert np.median(moved) > 1.5
