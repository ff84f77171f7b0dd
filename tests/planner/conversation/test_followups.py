"""Follow-ups in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.conversation.followups import Kind, changed, follow_up, is_no, is_yes
from planner.language.wishes import wishes_in
from planner.task import Condition, Device, Goal, Intent, Priority, Task

PAIRS = [
    ("faster please", "快一点", Kind.CHANGE),
    ("can you do it faster?", "能快一点吗？", Kind.CHANGE),
    ("not so slow", "太慢了", Kind.CHANGE),
    ("fast", "快", Kind.CHANGE),
    ("better quality please", "质量再高一点", Kind.CHANGE),
    ("within five minutes", "五分钟以内", Kind.CHANGE),
    ("use less memory", "少用点内存", Kind.CHANGE),
    ("without denoising", "不要去噪", Kind.CHANGE),
    ("use SIRT instead", "用 SIRT", Kind.CHANGE),
    ("also segment the pores", "再分割孔隙", Kind.CHANGE),
    ("why this ring removal?", "为什么用这个去环？", Kind.WHY),
    ("why not sirt?", "为什么不用 SIRT？", Kind.WHY),
    ("take the second", "用第二个", Kind.TAKE),
    ("plan 2", "方案2", Kind.TAKE),
    ("run it", "跑吧", Kind.RUN),
    ("start it please", "开始", Kind.RUN),
    ("resume", "继续", Kind.RESUME),
    ("what are the alternatives?", "还有别的方案吗？", Kind.ALTERNATIVES),
    ("show me the scan", "看看这个扫描", Kind.INSPECT),
    ("which tools are there?", "有哪些工具？", Kind.TOOLS),
    ("is the axis drifting?", "转轴漂移了吗？", Kind.WATCH),
    ("plan it", "规划一下", Kind.PLAN),
    ("make me a plan please", "给我做一个方案吧", Kind.PLAN),
    ("which is the best?", "哪个最好？", Kind.WHICH),
    ("which one should I take?", "我该选哪一个？", Kind.WHICH),
    ("which plan has the best quality?", "哪个质量最好？", Kind.WHICH),
    ("which is faster, 1 or 2?", "哪个更快", Kind.WHICH),
    ("how long will it take?", "要多久？", Kind.PREDICTED),
    ("how good will it be?", "效果怎么样？", Kind.PREDICTED),
    ("take the fastest", "用最快的那个", Kind.TAKE),
    ("compare them", "比较一下", Kind.ALTERNATIVES),
    ("what next?", "下一步呢", Kind.STATUS),
    ("thanks", "谢谢", Kind.STATUS),
    ("thank you very much!", "太谢谢你了", Kind.STATUS),
    ("great, thanks", "太好了，谢谢", Kind.STATUS),
    ("start over", "重新来", Kind.ANEW),
    ("forget that", "忘掉刚才的", Kind.ANEW),
    ("let's begin again", "那就从头开始吧", Kind.ANEW),
    ("use the previous one", "用之前的那个方案", Kind.BACK),
    ("undo that", "撤销", Kind.BACK),
    ("go back", "返回", Kind.BACK),
    ("cheaper", "便宜一点", Kind.CHANGE),
    ("change the priority to quality", "改成质量优先", Kind.CHANGE),
    ("prioritise speed", "速度优先", Kind.CHANGE),
    ("change the priority to balanced", "改成均衡", Kind.CHANGE),
    ("show the second plan", "看看第二个方案", Kind.SHOW),
    ("what is plan 2?", "方案二怎么样？", Kind.SHOW),
    ("take the cheapest", "用最便宜的", Kind.TAKE),
    ("what tools do you have for rings", "有什么去环的工具", Kind.TOOLS),
    ("use another scan", "换一个扫描", Kind.OTHER_SCAN),
    ("save it as tiff", "能保存成 tiff 吗？", Kind.FORMAT),
    ("is it good?", "好不好", Kind.PREDICTED),
    ("who are you?", "你是谁？", Kind.HELP),
    ("is my data good?", "数据质量怎么样？", Kind.INSPECT),
    ("how many projections are there?", "有多少张投影？", Kind.INSPECT),
    ("what's wrong with my scan?", "我的数据有什么问题？", Kind.INSPECT),
    ("how sure are you?", "你有多大把握？", Kind.PREDICTED),
    (
        "what is the difference between plan 1 and plan 2?",
        "方案1和方案2有什么区别？",
        Kind.ALTERNATIVES,
    ),
    ("save it", "保存", Kind.RUN),
    ("show me the slices", "打开结果", Kind.RESULT),
    ("hello", "你好", Kind.HELP),
    ("what would you recommend?", "你推荐哪个方案？", Kind.WHICH),
    ("take the ninth", "第九个", Kind.TAKE),
    ("help", "帮助", Kind.HELP),
    ("bye", "再见", Kind.BYE),
    ("segment the pores", "分割孔隙", Kind.OTHER),
    ("reconstruct the first 10 slices", "重建前10层", Kind.OTHER),
    ("open the shutter", "打开光闸", Kind.OTHER),
    ("which ring removal is best?", "哪种去环最好？", Kind.OTHER),
    ("how good is SIRT for few views?", "SIRT 的效果怎么样？", Kind.OTHER),
    ("plan the reconstruction", "规划重建", Kind.OTHER),
]


@pytest.mark.parametrize(("english", "chinese", "kind"), PAIRS, ids=[p[0] for p in PAIRS])
def test_both_languages_say_the_same(english: str, chinese: str, kind: Kind) -> None:
    assert follow_up(english, True).kind is kind
    assert follow_up(chinese, True).kind is kind


@pytest.mark.parametrize(
    ("text", "rank", "run"),
    [("take the ninth", 9, False), ("take plan 12", 12, False), ("第十个", 10, False),
     ("take the third", 3, False), ("the last one", -1, False), ("use the best", 1, False),
     ("go back to the first plan", 1, False), ("the cheapest", 0, False),
     ("take the second and run it", 2, True), ("run plan 2", 2, True), ("2", 2, False),
     ("运行第二个方案", 2, True), ("用方案三", 3, False)],
)  # fmt: skip
def test_which_plan_is_taken(text: str, rank: int, run: bool) -> None:
    found = follow_up(text, True)
    assert (found.kind, found.rank, found.run) == (Kind.TAKE, rank, run)


@pytest.mark.parametrize("text", ["faster please", "快一点", "without rings", "重建第二个样品",
                                  "segment the second phase"])  # fmt: skip
def test_without_plans_there_is_nothing_to_change(text: str) -> None:
    assert follow_up(text, False).kind is Kind.OTHER


@pytest.mark.parametrize("text", ["take the second", "用第二个方案", "第九个", "plan 2"])
def test_the_whole_of_a_message_takes_a_plan_even_before_there_is_one(text: str) -> None:
    assert follow_up(text, False).kind is Kind.TAKE


@pytest.mark.parametrize("text", ["yes", "Yes, please!", "ok go ahead", "run it", "是的", "好的。",
                                  "可以，跑吧"])  # fmt: skip
def test_yes(text: str) -> None:
    assert is_yes(text)


@pytest.mark.parametrize(
    "text",
    ["yes but save it elsewhere", "no", "yesterday", "is yes the right answer?", "maybe",
     "yes 10 rows", "run it without rings", "先别", "可以吗？不要", "y/n", "not yes", ""],
)  # fmt: skip
def test_nothing_else_is_a_yes(text: str) -> None:
    assert not is_yes(text)


def test_no() -> None:
    assert all(map(is_no, ("no", "No thanks.", "不要", "算了", "cancel it")))
    assert not any(map(is_no, ("now", "yes", "no denoising")))


BEFORE = Task(Intent.PLAN, (Goal.RECONSTRUCT,), "tooth", conditions=(Condition.RINGS,),
              max_seconds=600.0, text="reconstruct the tooth, rings, 10 minutes")  # fmt: skip


def test_a_change_keeps_the_rest() -> None:
    task = changed(BEFORE, "faster please")
    assert task.priority is Priority.SPEED
    assert (task.goals, task.specimen, task.max_seconds) == (BEFORE.goals, "tooth", 600.0)
    assert changed(task, "better quality").priority is Priority.QUALITY


def test_limits_device_goals_and_steps_change() -> None:
    assert changed(BEFORE, "two minutes at most").max_seconds == 120.0
    assert changed(BEFORE, "内存不超过 4 GB").max_memory_gib == 4.0
    assert changed(BEFORE, "use less memory", half_memory_gib=1.5).max_memory_gib == 1.5
    assert changed(BEFORE, "do it on the GPU").device is Device.GPU
    assert changed(BEFORE, "also segment the pores").goals == (Goal.RECONSTRUCT, Goal.SEGMENT)
    fewer = changed(Task(Intent.PLAN, (Goal.RECONSTRUCT, Goal.DENOISE), text="x"), "no denoising")
    assert fewer.goals == (Goal.RECONSTRUCT,)
    assert "no denoising" in fewer.text


def test_a_wish_that_stood_alone_does_not_come_back() -> None:
    alone = Task(
        Intent.PLAN, (Goal.RECONSTRUCT,), priority=Priority.SPEED, text="as fast as possible"
    )
    assert "fast" not in changed(alone, "better quality").text


@pytest.mark.parametrize(
    ("asked", "ruled_out", "goal", "stage"),
    [
        ("remove the rings and reconstruct", "without ring removal", Goal.DESTRIPE, "destripe"),
        ("去环并重建", "不要去环", Goal.DESTRIPE, "destripe"),
        ("phase retrieval, then a volume", "skip phase retrieval", Goal.PHASE_RETRIEVE, "phase"),
        ("相位恢复并重建", "不做相位恢复", Goal.PHASE_RETRIEVE, "phase"),
    ],
)
def test_what_was_asked_for_can_be_ruled_out(
    asked: str, ruled_out: str, goal: Goal, stage: str
) -> None:
    before = replace(BEFORE, text=asked, goals=(goal, Goal.RECONSTRUCT))
    after = changed(before, ruled_out)
    assert set(after.goals) == {Goal.RECONSTRUCT}
    assert wishes_in(after.text).barred_stages == {stage}
