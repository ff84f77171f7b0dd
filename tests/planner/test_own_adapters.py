"""What somebody trained on own labelled images is planned with where its card suits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metadata import InputError
from planner.adapter import train_adapter
from planner.grammar import slots
from planner.scoring import RuleScorer
from planner.search import trained_for
from planner.task import Goal, Intent, Task
from tests.planner.situations import situation
from toolbox.recipe import Step
from toolbox.registry import known_tools, shipped_tools

NAME = "segment_my_bones"
SEGMENT = Task(Intent.PLAN, (Goal.SEGMENT,))


def card(**changes: Any) -> dict[str, Any]:
    return {
        "name": NAME, "backbone": "reconstruction", "backbone_sha256": "0", "values": [0, 3],
        "sha256": hashlib.sha256(b"weights").hexdigest(), "version": "1", "summary": "Like it.",
        "data_source": "9 labelled slices", "suits": {"noise": [0.01, 0.04]},
        "metrics": {"iou": 0.91, "iou_thresholds": 0.66, "gain_over_thresholds": 0.25},
    } | changes  # fmt: skip


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The card's file of an adapter in a home of its own."""
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path))
    path = tmp_path / "adapters" / f"{NAME}.json"
    path.parent.mkdir()
    path.with_suffix(".safetensors").write_bytes(b"weights")
    path.write_text(json.dumps(card()), encoding="utf-8")
    known_tools.cache_clear()
    yield path
    known_tools.cache_clear()


def again(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(card(**changes)), encoding="utf-8")
    known_tools.cache_clear()


def offered(task: Task = SEGMENT, **traits: float) -> bool:
    steps = [s for slot in slots(situation(task, None, **traits)) for r in slot.steps for s in r]
    return Step(NAME) in steps


def test_it_is_offered_where_its_card_suits(adapter: Path) -> None:
    assert NAME not in shipped_tools()
    assert offered(noise=0.02)
    assert not offered(noise=0.2)
    again(adapter, suits={})
    assert offered(noise=0.2)


def test_its_gain_counts_only_where_it_is_known_for_which_scans(adapter: Path) -> None:
    assert trained_for(Step(NAME)) == 0.25
    assert trained_for(Step("segment_otsu")) == 0
    again(adapter, suits={})
    assert trained_for(Step(NAME)) == 0


@pytest.mark.parametrize(("lang", "words"), [("en", "trained here on"), ("zh", "在本地用标注切片")])
def test_the_reason_says_what_was_measured(adapter: Path, lang: str, words: str) -> None:
    (said,) = RuleScorer().reasons((Step(NAME),), situation(SEGMENT), lang)
    assert words in said
    assert "0.910" in said
    assert "0.660" in said


def test_fractions_are_measured_on_it_and_sizes_are_not(adapter: Path) -> None:
    def task(text: str) -> Task:
        return Task(Intent.PLAN, (Goal.QUANTIFY,), text=text)

    assert offered(task("the porosity"))
    assert not offered(task("the pore size distribution"))
    assert not offered(task("the thickness of the walls"))


def test_an_adapter_of_the_name_of_a_tool_is_left_out(
    adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fbp = known_tools()["fbp"]
    other = adapter.with_name("fbp.json")
    other.with_suffix(".safetensors").write_bytes(b"weights")
    again(other, name="fbp")
    assert known_tools()["fbp"] is fbp
    assert "The adapter fbp has the name of the tool in" in capsys.readouterr().err


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs --labels FOLDER"):
        train_adapter(None)
    with pytest.raises(InputError, match="--minutes is 0"):
        train_adapter(tmp_path, minutes=0)
    with pytest.raises(InputError, match=r"--tuning is 'peft'.*adapters, prompts, lora, both"):
        train_adapter(tmp_path, tuning="peft")
    with pytest.raises(InputError, match=r"--tuning is 'lora' with the backbone 'sinogram'"):
        train_adapter(tmp_path, backbone="sinogram", tuning="lora")


def test_what_fills_in_marks_stands_before_the_rings(adapter: Path) -> None:
    again(adapter, backbone="sinogram", suits={"noise": [0.01, 0.04]})
    reconstruct = Task(Intent.PLAN, (Goal.RECONSTRUCT,))

    def names(**traits: float) -> list[str]:
        return [slot.name for slot in slots(situation(reconstruct, None, **traits))]

    assert "marked" not in names(noise=0.2)
    found = names(noise=0.02)
    assert found.index("logarithm") < found.index("marked") < found.index("destripe")
    assert not offered(noise=0.2)
    (said,) = RuleScorer().reasons((Step(NAME),), situation(reconstruct, None), "en")
    assert "trained here on marked frames" in said


def test_a_card_of_no_domain_is_damaged(adapter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again(adapter, backbone="volume")
    assert NAME not in known_tools()
    assert "backbone is 'volume'" in capsys.readouterr().err
