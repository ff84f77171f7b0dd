"""The words around what the watch says, in English and Chinese."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from metadata.drift.verdict import State

LANGUAGES = ("en", "zh")
PHRASES = {
    "notice.new": ("{metric}, new: {said}", "{metric}，新出现：{said}"),
    "notice.worse": ("{metric}, worse: {said}", "{metric}，恶化：{said}"),
    "notice.standing": ("{metric}, still: {said}", "{metric}，仍在持续：{said}"),
    "notice.over": ("{metric}, over: {said}", "{metric}，已解除：{said}"),
    "as.usual": ("As usual again.", "已恢复正常。"),
    "held": ("The plan is held: {said}", "计划已暂停：{said}"),
    "state.quiet": ("quiet", "正常"),
    "state.moving": ("moving", "漂移"),
    "state.warning": ("warning", "预警"),
    "state.alarm": ("alarm", "报警"),
    "state.gap": ("gap", "无读数"),
    "table.metric": ("metric", "指标"),
    "table.state": ("state", "状态"),
    "table.value": ("value", "数值"),
    "table.limit": ("limit", "限值"),
    "table.to_limit": ("to the limit", "距限值"),
    "table.cause": ("probable cause", "可能原因"),
    "table.since": ("since", "起始"),
    "table.time": ("time", "时间"),
    "table.said": ("what was said", "内容"),
    "table.trace": ("last values", "最近数值"),
    "acknowledged": ("acknowledged", "已确认"),
    "snoozed": ("snoozed until {until}", "静默至 {until}"),
    "seen.none": ("Not one sample was read: look at the sources' names and their times.",
                  "未读到任何样本：请检查数据源名称和时间。"),
    "seen": ("{samples} of {metrics}, up to {until}.",
             "共 {metrics}、{samples}，至 {until}。"),
    "samples": ("{count} samples", "{count} 个样本"),
    "metrics": ("{count} metrics", "{count} 个指标"),
    "nothing": ("Nothing stands out.", "没有异常。"),
    "report.title": ("Early warning: {sources}", "漂移预警：{sources}"),
    "report.cause": ("cause? {metric} ({percent} %)", "原因？{metric}（{percent} %）"),
    "report.warnings": ("Warnings", "预警记录"),
    "report.regimes": ("Regimes", "工况"),
    "report.more": ("{count} more are in the output of --events.",
                    "另有 {count} 条，见 --events 的输出。"),
    "ack.done": ("{metric} is acknowledged: reminders stop until it is over or gets worse.",
                 "{metric} 已确认：在解除或恶化之前不再提醒。"),
    "snooze.done": ("{metric} is snoozed until {until}, unless it is over or gets worse before.",
                    "{metric} 静默至 {until}，若期间解除或恶化则立即提示。"),
}  # fmt: skip


def phrase(key: str, language: str = "en", **values: object) -> str:
    """The phrase in the language (``en``; anything else is Chinese), its places filled."""
    return PHRASES[key][0 if language == "en" else 1].format(**values)


def counted(key: str, count: int, language: str = "en") -> str:
    """``1 sample``, ``2 samples`` or their Chinese; ``key`` is of a phrase with a plural.

    >>> counted("samples", 1), counted("metrics", 3)
    ('1 sample', '3 metrics')
    """
    said = phrase(key, language, count=count)
    return said.removesuffix("s") if language == "en" and count == 1 else said


def state_word(state: State, language: str = "en") -> str:
    """``warning`` or 预警."""
    return phrase(f"state.{state.value}", language)


def number(value: float | None, unit: str = "") -> str:
    """Four digits and the unit.

    >>> number(23.45678, "K"), number(None, "K")
    ('23.46 K', '–')
    """
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:.4g} {unit}".rstrip()


def clock(time: float) -> str:
    """UTC to the second, as ``2026-01-01 00:00:00 UTC``."""
    try:
        return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):  # the times of a table need not be of our era
        return f"{time:g} s"
