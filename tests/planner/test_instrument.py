"""The planner hears what the watch says: alignment for a drifting axis, a mark for an alarm."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from metadata.drift.verdict import State, TimeToLimit, Verdict
from metadata.store_file import default_store_path
from metadata.watch.instrument import Remark, remarks_during, remarks_on
from metadata.watch.ledger import Ledger, Step
from planner import service
from planner.grammar import slots
from planner.scoring import RuleScorer
from planner.situation import Situation, assess
from planner.task import Condition, Goal, Intent, Task
from simulators import World
from simulators.writing import write_scan
from tests.planner.situations import FixedCosts, scan_info, situation
from toolbox.recipe import Step as RecipeStep
from toolbox.registry import tool_class

WARNED = Remark("axis_position", State.WARNING, 1.79e9, 1023.9, 1024.3, 4e5)
ALARMED = Remark("hutch_temperature", State.ALARM, 1.79e9, 24.1, 23.9, 0.0)
TASK = Task(Intent.PLAN, (Goal.RECONSTRUCT,))


def with_remarks(*remarks: Remark, task: Task = TASK) -> Situation:
    plain = situation(task)
    return assess(task, plain.inspections, remarks)


def align_slot(given: Situation) -> list[bool]:
    return [slot.optional for slot in slots(given) if slot.name == "align"]


def test_a_drifting_axis_brings_alignment() -> None:
    assert align_slot(with_remarks()) == []
    given = with_remarks(WARNED)
    assert align_slot(given) == [False]
    assert given.conditions[Condition.DRIFT] == "instrument"


@pytest.mark.parametrize("other", [ALARMED, Remark("axis_position", State.MOVING, 0, 1, 2, 3)])
def test_other_metrics_and_moves_that_need_nothing_bring_none(other: Remark) -> None:
    assert align_slot(with_remarks(other)) == []


def test_an_axis_from_the_file_is_not_believed_while_it_drifts() -> None:
    info = scan_info(rotation_axis_px=130.0)
    for remarks, known in (((), True), ((WARNED,), False)):
        given = assess(TASK, situation(TASK, [info]).inspections, remarks)
        (center,) = (slot for slot in slots(given) if slot.name == "center")
        assert any(s.tool == "known_center" for steps in center.steps for s in steps) is known


@pytest.mark.parametrize(
    ("lang", "part"),
    [("en", "reach its limit 1024 in 4.6 days"), ("zh", "预计 4.6 天后到达限值 1024")],
)
def test_the_reason_says_so(lang: str, part: str) -> None:
    given = with_remarks(WARNED)
    (slot,) = (s for s in slots(given) if s.name == "align")
    reasons = RuleScorer().reasons(slot.steps[0], given, lang)
    assert any("axis_position" in r and part in r for r in reasons)
    assert tool_class(slot.steps[0][-1].tool)
    plain = RuleScorer().reasons((RecipeStep("fbp"),), given, lang)
    assert not any("axis_position" in r for r in plain)


def keep(store: Path | None, *verdicts: Verdict, seen: float) -> None:
    with Ledger(store) as ledger:
        ledger.write("k", ["s"], Step({}, b"", {}, {}, [v.to_json() for v in verdicts], seen=seen))


def said(at: float, state: State, metric: str = "axis_position") -> Verdict:
    left = TimeToLimit(4e5, 1e5, 9e5) if state is State.WARNING else None
    return Verdict(at, metric, state, 0.99, 1023.9, 1024.3, left)


def test_the_state_is_that_of_the_time_of_the_scan(tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    assert remarks_during(0.0, 1.0, store) == ()
    assert not store.exists()
    course = ((0, State.QUIET), (100, State.WARNING), (200, State.QUIET))
    keep(store, *(said(1e9 + at, state) for at, state in course), seen=1e9 + 300)
    states = [[r.state for r in remarks_during(1e9 + a, 1e9 + b, store)]
              for a, b in ((0, 50), (50, 150), (120, 130), (150, 250), (250, 260))]  # fmt: skip
    warned = [State.WARNING]
    assert states == [[], warned, warned, warned, []]
    info = scan_info(start_time="2001-09-09T01:48:40Z")  # 1e9 + 120
    assert [r.state for r in remarks_on(info, store)] == warned


def test_a_watch_that_ended_long_before_is_not_believed(tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    keep(store, said(1e9, State.ALARM), seen=1e9 + 10)
    assert remarks_during(1e9 + 3600, 1e9 + 3700, store) != ()
    assert remarks_during(1e9 + 2 * 86400, 1e9 + 2 * 86400, store) == ()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scan without a time, taken now, while the axis drifts and the hutch is too warm."""
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path / "home"))
    path = tmp_path / "foam.nxs"
    write_scan(World("foam", columns=64, rows=3, projections=90, photons=2e4), path)
    now = time.time()
    keep(default_store_path(), said(now - 60, State.WARNING),
         said(now - 60, State.ALARM, "hutch_temperature"), seen=now)  # fmt: skip
    return path


def test_plans_hold_alignment_and_marks(watched: Path) -> None:
    answer = service.plan("reconstruct this", watched, costs=FixedCosts())
    assert any("hutch_temperature was beyond its limit" in w for w in answer.warnings)
    for plan in answer.plans:
        tools = [node["tool"] for node in plan.pipeline.to_json()["nodes"]]
        assert "apply_shifts" in tools
        assert any("axis_position drifts" in r for r in plan.reasons)
    refused = service.plan("reconstruct this, without alignment", watched, costs=FixedCosts())
    assert refused.plans  # what the request rules out stays out


def test_a_run_during_an_alarm_is_marked(watched: Path, tmp_path: Path) -> None:
    from toolbox.pipeline import Pipeline

    chain = Pipeline.chain(["flat_field", "minus_log", "fbp"], center="center_consensus")
    record = service.run(chain, watched, tmp_path / "o.h5", store=None)
    assert any("hutch_temperature" in w and "alarm" in w for w in record.warnings)


def test_who_asks_how_the_instrument_stands_is_told(watched: Path) -> None:
    for language, words in (("en", "hutch_temperature alarm, axis_position warning"),
                            ("zh", "hutch_temperature 报警, axis_position 预警")):  # fmt: skip
        assert words in service.answer(Task(Intent.WATCH, (), language=language))
