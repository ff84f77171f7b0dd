"""Why the first plan is first, where more quality is told of a later one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from planner import service
from planner.comparison import beside_first, why_first
from planner.language.normal import CJK
from planner.plan import Interval
from planner.search import Candidate
from planner.situation import Situation
from planner.task import Goal, Intent, Priority, Task
from simulators import World
from simulators.writing import write_scan
from tests.planner.situations import FixedCosts, situation
from toolbox.recipe import Step

FBP, SIRT, CLEAN = (Step("fbp"),), (Step("sirt"),), (Step("stripe_all"), Step("fbp"))


def asked(lang: str = "en", max_seconds: float | None = None, **traits: float) -> Situation:
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,), priority=Priority.SPEED, language=lang,
                max_seconds=max_seconds)  # fmt: skip
    return situation(task, **traits)


def candidate(recipe: tuple[Step, ...], quality: float, seconds: float) -> Candidate:
    return Candidate(recipe, Interval(quality, quality - 0.1, quality + 0.1),
                     Interval(seconds, 0.6 * seconds, 1.6 * seconds))  # fmt: skip


QUICK = candidate(FBP, 0.70, 4.0)


@pytest.mark.parametrize(
    ("later", "given", "words"),
    [
        (candidate(SIRT, 0.85, 40.0), asked(),
         "before plan 2, of which more quality is predicted (0.85), because it saves 36 s "
         "(40 s there, 10× as long) for 0.150 less quality."),
        (candidate(SIRT, 0.75, 40.0), asked(), "0.050 less quality, less than predictions can"),
        (candidate(SIRT, 0.85, 40.0), asked("zh"),
         "（0.85）的方案 2 之前，因为省时 36 秒（方案 2 需 40 秒，为其 10 倍），质量低 0.150。"),
        (candidate(SIRT, 0.85, 8.0), asked(max_seconds=10.0), "may take 13 s, more than the 10 s"),
        (candidate(SIRT, 0.85, 8.0), asked("zh", 10.0), "可能需 13 秒，超过要求的 10 秒"),
        (candidate(SIRT, 0.75, 4.1), asked(), "less than predictions can tell apart"),
        (candidate(SIRT, 0.75, 4.1), asked("zh"), "小于预测所能分辨"),
        (candidate(SIRT, 0.95, 4.1), asked(), "when priority and limits are left out"),
        (candidate(SIRT, 0.95, 3.0), asked("zh"), "不计优先级和限制"),
    ],
)  # fmt: skip
def test_the_first_is_first_for_a_stated_reason(
    later: Candidate, given: Situation, words: str
) -> None:
    told = why_first([QUICK, later], given)
    assert told is not None
    assert words in told
    assert bool(CJK.search(told)) is (given.task.language == "zh")


def test_a_step_against_what_is_wrong_goes_first() -> None:
    mending = candidate(CLEAN, 0.70, 4.0)
    for lang, words in (("en", "lacks a step against what is wrong here: rings"),
                        ("zh", "针对此处问题（环状伪影）的步骤")):  # fmt: skip
        told = why_first([mending, candidate(FBP, 0.8, 4.0)], asked(lang, rings=30.0))
        assert told is not None
        assert words in told


def test_where_nothing_better_is_told_nothing_is_said() -> None:
    assert why_first([QUICK, candidate(SIRT, 0.70, 40.0)], asked()) is None
    assert beside_first(QUICK, QUICK, asked()).startswith("Chosen for speed")


def test_every_answer_says_why_a_better_plan_comes_later(tmp_path: Path) -> None:
    noisy = tmp_path / "noisy.nxs"
    write_scan(World("foam", columns=96, rows=3, projections=120, photons=2e3), noisy)
    costs = FixedCosts(sirt=60.0, tv=60.0, mbir=90.0, tvconvnet=60.0, denoise_bm3d=30.0,
                       denoise_nlm=20.0, denoise_tv=20.0, tomogan=20.0, red_cnn=20.0)  # fmt: skip
    for text in ("reconstruct it quickly", "快速重建", "reconstruct it", "best quality please"):
        plans = service.plan(text, noisy, costs=costs).plans
        best = max(plans, key=lambda p: p.prediction.quality.value)
        gain = round(best.prediction.quality.value - plans[0].prediction.quality.value, 3)
        said = [r for r in plans[0].reasons if re.search(rf"(plan|方案) {best.rank}\b", r)]
        assert bool(said) is (gain > 0), (text, plans[0].reasons)
