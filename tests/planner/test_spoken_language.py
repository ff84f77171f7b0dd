"""Who asks in Chinese, or whose machine speaks it, is told in Chinese where no request stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.app.languages import chosen_language, language_for, progress_words
from planner.language.vocabulary import vocabulary
from planner.situation import named
from planner.task import Condition, Goal
from planner.traits import Traits
from simulators import World
from simulators.writing import write_scan
from tests.exit_status import exit_status
from toolbox.execution.progress import progress_bar

CHINESE = re.compile("[\u4e00-\u9fff]")
WORDS = re.compile(r"(?:\b[A-Za-z][a-z']+[ ,]+){2,}[a-z]+")
Result = tuple[int, str, str]


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    path = tmp_path_factory.mktemp("spoken") / "foam.nxs"
    write_scan(World("foam", columns=96, rows=4, projections=120, photons=2e4, rings=0.8), path)
    return path


@pytest.fixture
def tomoplan(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
             ) -> Callable[..., Result]:  # fmt: skip
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> Result:
        status = exit_status(monkeypatch, *arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def english_in(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if "→" not in line]
    return [line for line in lines if WORDS.search(re.sub(r"`[^`]*`", "", line))]


def test_the_option_comes_before_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "")
    monkeypatch.setenv("LC_MESSAGES", "")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert (chosen_language(None), chosen_language("en")) == ("zh", "en")
    assert (language_for("plan.yaml"), language_for("reconstruct it")) == ("zh", "en")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert (chosen_language(None), language_for("重建")) == ("en", "zh")


def test_inspect_is_told_in_the_language(tomoplan: Callable[..., Result], scan: Path) -> None:
    status, out, err = tomoplan("inspect", scan, "--language", "zh")
    assert status == 0, err
    assert "旋转轴" in out
    assert english_in(out) == []
    status, out, _ = tomoplan("inspect", scan)
    assert "rotation axis" in out
    assert not CHINESE.search(out)
    assert "_" not in out.split("rotation axis")[1]
    status, _, err = tomoplan("inspect", scan.parent / "none.h5", "--language", "zh")
    assert (status, english_in(err)) == (2, [])
    status, _, err = tomoplan("inspect", scan, "--language", "fr")
    assert status == 2
    assert "'fr' is not spoken here; expected one of en, zh" in err


def test_a_run_and_its_judgement_are_told_in_the_language_of_the_request(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, err = tomoplan("run", "用fbp快速重建", scan, "-o", tmp_path / "o.h5")
    assert status == 0, err
    assert "还剩" in err
    assert "left" not in err
    assert "starting" not in err
    status, out, _ = tomoplan("feedback", tmp_path / "o.h5", "--rating", 4)
    assert status == 0
    assert "噪声 0" in out
    assert english_in(out) == []
    out = tomoplan("feedback", tmp_path / "o.h5", "--rating", 4, "--language", "en")[1]
    assert "noise 0" in out
    plan = tmp_path / "plan.yaml"
    tomoplan("plan", "用fbp快速重建", scan, "--out", plan)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    status, out, err = tomoplan("run", plan, scan, "-o", tmp_path / "two.h5")
    assert status == 0, err
    assert "完成，用时" in out
    assert english_in(out) == []


def test_every_word_of_a_progress_bar_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    tell = progress_words("zh")
    for said in ("starting", "done", "1 min 15 s left", "3 s left", "writing the output",
                 "measuring quality", "finding parameters of filtered back-projection",
                 "measuring: axis by consensus of several methods"):  # fmt: skip
        assert not re.search("[a-z]{2}", tell(said)), tell(said)
    with progress_bar(tell) as progress:
        progress(0.5, 1.0, 75.0, "measuring quality")
    assert "还剩 1 分钟 15 秒" in capsys.readouterr().err


def test_conditions_goals_and_traits_have_names_for_people() -> None:
    for member in (*Condition, *Goal):
        english, chinese = named(member).text("en"), named(member).text("zh")
        assert "_" not in english
        assert CHINESE.search(chinese)
        assert not re.search("[a-z]", chinese)
    for trait in Traits().to_json():
        assert f"trait.{trait}" in vocabulary("phrases")


def test_a_disagreement_is_told_in_words(tomoplan: Callable[..., Result], scan: Path) -> None:
    out = tomoplan("plan", "reconstruct the noisy phase contrast scan", scan)[1]
    said = " ".join(out.split())
    assert "You say low dose, but" in said or "You say phase contrast, but" in said
    assert "low_dose" not in out
    assert "phase_contrast" not in out
