"""``python -m simulators.histories.compare OUT_FOLDER``: a table and a picture."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError, TomoplanError
from simulators.histories.compare import real_series, statistics
from simulators.histories.compare.picture import draw
from simulators.histories.settings import DAY, History
from simulators.histories.simulate import simulate_history

Values = NDArray[np.float64]
Row = tuple[str, str, float | None, float, float, float]

SEEDS = range(10)
CALM: dict[str, Any] = {"shape": "none", "dumps_per_month": 0, "shutdowns_per_year": 0,
        "maintenance_every_days": 10000, "energy_changes_per_month": 0, "gap_moves_per_day": 0,
        "gaps_per_month": 0, "disconnects_per_month": 0, "clock_faults_per_month": 0}  # fmt: skip
# As published for 8 h of flats at APS 2-BM, one a minute.
STRIPES = {"range, px": 48.0, "share of active minutes": 0.35,
           "share of minutes that move over 2 px": 0.21, "largest jump, px": 40.0,
           "median move in quiet times, px/min": 0.046}  # fmt: skip


def main(folder: Path, data: Path) -> list[Row]:
    """Compare, write ``histories.png`` and ``histories.md`` into ``folder``, print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    beam, scans = real_series.ring_and_chambers(data), real_series.per_scan(data)
    made = [_like(beam["time"], ("ring_current", "ion_chamber_1"), seed) for seed in SEEDS]
    weather = [_like(scans["time"], ("barometer",), seed, spare_days=20) for seed in SEEDS]
    flats = [_flats(seed) for seed in range(4 * len(SEEDS))]
    rows = _rows("ring current, P09", statistics.ring(beam["time"], beam["current"]),
                 [statistics.ring(m["time"], m["ring_current"]) for m in made])  # fmt: skip
    rows += _rows(
        "ion chamber by ring current, P09",
        statistics.chamber(beam["time"], beam["current"], beam["chamber"]),
        [statistics.chamber(m["time"], m["ring_current"], m["ion_chamber_1"]) for m in made],
    )
    rows += _rows("barometer, 33-ID, hPa", statistics.slow(scans["time"], scans["barometer"]),
                  [statistics.slow(m["time"], m["barometer"]) for m in weather])  # fmt: skip
    rows += _rows("flat-field stripes, 2-BM (published)", STRIPES,
                  [statistics.stripes(f) for f in flats])  # fmt: skip
    table = _table(rows)
    print(table)
    (folder / "histories.md").write_text(table + "\n", encoding="utf-8")
    draw(folder / "histories.png", beam, made[0], scans, weather[0], flats[:3])
    return rows


def _like(times: Values, names: tuple[str, ...], seed: int, spare_days: float = 0.0
          ) -> dict[str, Values]:  # fmt: skip
    """A simulated record of the same moments (to the second)."""
    span = (times[-1] - times[0]) / DAY
    days = span + 1 + spare_days
    made = simulate_history(History(days=days, cadence_s=1.0, metrics=names, seed=seed, **CALM))
    start = int((0.77 + spare_days) * DAY)  # an evening: users change over at noon
    index = start + np.round(times - times[0]).astype(int)
    rows = made.recording.rows(start, int(index[-1]) + 1)
    return {"time": times} | {name: rows.values[name][index - start] for name in names}


def _flats(seed: int) -> Values:
    """Eight hours of flats, one a minute, in px."""
    made = simulate_history(
        History(days=3, cadence_s=60.0, metrics=("flat_shift",), seed=seed, outliers=0, **CALM)
    )
    values = made.recording.rows(0, made.count).values["flat_shift"]
    return values[np.isfinite(values)][1440:][: 8 * 60]


def _rows(what: str, real: dict[str, float], simulated: list[dict[str, float]]) -> list[Row]:
    found: list[Row] = []
    for name, value in real.items():
        low, middle, high = np.nanpercentile([s[name] for s in simulated], [10, 50, 90])
        found.append((what, name, value, float(middle), float(low), float(high)))
    return found


def _table(rows: list[Row]) -> str:
    lines = ["| series | statistic | real | simulated | 10 to 90 % of the seeds |",
             "|---|---|---|---|---|"]  # fmt: skip
    for what, name, real, middle, low, high in rows:
        lines.append(f"| {what} | {name} | {real:.3g} | {middle:.3g} | {low:.3g} to {high:.3g} |")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        if len(sys.argv) != 2 or "TOMOPLAN_DATA" not in os.environ:
            raise InputError(
                "Expected one folder for the results, and the folder of real data in the "
                "environment variable TOMOPLAN_DATA."
            )
        main(Path(sys.argv[1]), Path(os.environ["TOMOPLAN_DATA"]))
    except TomoplanError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)
