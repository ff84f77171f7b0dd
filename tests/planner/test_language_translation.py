"""Readers, tools and the engine speak English; who asked in Chinese is told in Chinese."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

import metadata
from metadata import ScanError
from planner import service
from planner.language import told_in, translate
from planner.language.vocabulary import vocabulary
from simulators import World
from simulators.writing import write_scan
from tests.planner.situations import FixedCosts

ROOT = Path(metadata.__file__).parents[1]
SPEAKERS = ("metadata", "toolbox/centering", "toolbox/execution", "planner/preview.py",
            "planner/inspection.py", "planner/opening.py", "planner/service.py")  # fmt: skip
TOLD = {"warnings", "problems", "told", "notes", "found"}
# Mistakes of a programmer, which no request can bring about
PROGRAMMERS = {"toolbox/execution/codec.py", "toolbox/execution/sampling.py:133"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SENTENCE = re.compile(r"(?:\b[A-Za-z][a-z']+[ ,]+){3,}[a-z]+")


def said(node: ast.AST) -> list[str]:
    """What a string in the source may come out as; 7 for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        texts = [""]
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            texts = [t + piece for t in texts for piece in (said(inner) or ["7"])]
        return texts
    if isinstance(node, ast.IfExp):
        return [*said(node.body), *said(node.orelse)]
    return []


def sentences(path: Path) -> Iterator[tuple[str, str]]:
    """Where each error or warning of a module stands, and how it reads."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        spoken: list[ast.expr] = []
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            spoken = node.exc.args
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if node.func.attr == "append" and isinstance(owner, ast.Name) and owner.id in TOLD:
                spoken = node.args
        for one in spoken:
            for text in said(one):
                if text.count(" ") >= 3:
                    place = f"{path.relative_to(ROOT).as_posix()}:{one.lineno}"
                    yield place, text


def spoken() -> list[tuple[str, str]]:
    files = [f for s in SPEAKERS for f in ([ROOT / s] if s.endswith(".py") else
                                           sorted((ROOT / s).rglob("*.py")))]  # fmt: skip
    return [
        (place, text)
        for file in files
        for place, text in sentences(file)
        if place not in PROGRAMMERS and place.split(":")[0] not in PROGRAMMERS
    ]


def test_every_sentence_of_a_reader_and_of_a_run_has_a_chinese_one() -> None:
    found = spoken()
    assert len(found) > 100  # the search itself works
    silent = [
        f"{place}: {text}" for place, text in found if not CHINESE.search(translate(text, "zh"))
    ]
    assert silent == [], "add these to configs/language/sentences.yaml"


def test_the_table_fills_only_places_that_the_english_has() -> None:
    places = re.compile(r"\{(\w+)\}")
    for english, chinese in vocabulary("sentences").items():
        assert set(places.findall(chinese)) <= set(places.findall(english)), english
        assert CHINESE.search(chinese), english


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("2 of 90 projections (3, 4) hold nothing but zeros (dropped), in whole or in some rows: "
         "filled from their neighbours.",
         "90 张投影中有 2 张（3, 4）整张或部分行全为零（丢帧），已用相邻投影补上。"),
        ("center could not be measured: The sinogram is constant (0.5 everywhere): nothing in it "
         "tells the rotation axis. Check that the beam was on and the rows hold specimen.",
         "旋转轴无法测量：正弦图处处都是 0.5，看不出旋转轴。请检查是否有光、这些行是否有样品。"),
        ("segment_otsu: noise of the slices measured: 0.1", "segment_otsu：测得切片噪声 0.1"),
        ("已经是中文。", "已经是中文。"),
        ("A sentence that nobody knows, and noise", "A sentence that nobody knows, and noise"),
    ],
)  # fmt: skip
def test_sentences_and_what_they_hold(english: str, chinese: str) -> None:
    assert translate(english, "zh") == translate(english, "mixed") == chinese
    assert translate(english, "en") == english


def test_errors_inside_are_told_in_the_language() -> None:
    with pytest.raises(ScanError, match="不存在"), told_in("zh"):
        raise ScanError("x.h5 does not exist. Expected the path of a scan; check its spelling.")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan with frames dropped and saturated, a dead pixel in the flats, and stripes."""
    path = tmp_path_factory.mktemp("broken") / "foam.nxs"
    world = World("foam", columns=96, rows=4, projections=120, photons=2e3, rings=0.8, center=45.0)
    write_scan(world, path)
    with h5py.File(path, "r+") as file:
        frames: list[h5py.Dataset] = []
        file.visititems(lambda _, item: frames.append(item)
                        if isinstance(item, h5py.Dataset) and item.ndim == 3 else None)  # fmt: skip
        keys: list[np.ndarray] = []
        file.visititems(lambda name, item: keys.append(item[:])
                        if name.endswith("image_key") else None)  # fmt: skip
        views = np.flatnonzero(keys[0] == 0)
        frames[0][views[10]] = 0
        frames[0][views[50]] = np.iinfo(frames[0].dtype).max
        frames[0][int(np.flatnonzero(keys[0] == 1)[0]), 1, 7] = 0
    return path


def english_in(texts: list[str]) -> list[str]:
    return [t for t in texts if SENTENCE.search(re.sub(r"`[^`]*`", "", t))]


def test_a_chinese_request_is_answered_in_chinese(broken: Path) -> None:
    answer = service.plan("重建并分割孔隙，去环，数据噪声大，投影有抖动", broken,
                          costs=FixedCosts())  # fmt: skip
    assert any("补上" in w for w in answer.warnings)
    assert answer.plans
    texts = [*answer.warnings, *(r for p in answer.plans for r in p.reasons)]
    assert english_in(texts) == []
    assert all(CHINESE.search(t) for t in texts)


def test_refusals_and_errors_are_chinese_too(tmp_path: Path) -> None:
    from metadata.nxtomo_writer import write_nxtomo

    dark = np.random.default_rng(0).integers(95, 105, (60, 2, 64)).astype(np.uint16)
    path = tmp_path / "dark.nxs"
    write_nxtomo(path, dark, np.linspace(0, np.pi, 60), flats=dark[:5], darks=dark[5:10])
    refused = service.plan("重建", path).refusal or ""
    assert "没有光" in refused
    assert english_in([refused]) == []
    with pytest.raises(ScanError, match="不存在"):
        service.plan("重建", tmp_path / "nothing.h5")


def test_a_run_for_a_chinese_request_reports_in_chinese(
    broken: Path, tmp_path: Path, home: Path
) -> None:
    record = service.run("快速重建", broken, tmp_path / "o.h5", store=None)
    assert any("补上" in w for w in record.warnings)
    assert english_in(record.warnings) == []
    assert len(set(record.warnings)) == len(record.warnings)
    assert english_in([n for notes in record.notes.values() for n in notes]) == []


def test_plans_and_runs_are_shown_in_the_language(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from planner.app.rendering import show_answer

    show_answer(service.plan("重建，去环", broken, costs=FixedCosts()))
    told = capsys.readouterr().out
    assert "质量" in told
    assert "规划用时" in told
    assert english_in(told.splitlines()) == []
    show_answer(service.plan("reconstruct it, rings out", broken, costs=FixedCosts()))
    told = capsys.readouterr().out
    assert "planned in" in told
    assert not CHINESE.search(told)


@pytest.mark.parametrize(
    ("text", "chinese"),
    [("please reconstruct the 泡沫 scan and remove the rings", False),
     ("先去 ring，再 reconstruct 这个泡沫，快一点", True)],
)  # fmt: skip
def test_a_mixed_request_is_answered_in_its_main_language(
    broken: Path, text: str, chinese: bool
) -> None:
    answer = service.plan(text, broken, costs=FixedCosts())
    assert answer.plans
    assert answer.warnings
    told = [*answer.warnings, *(reason for plan in answer.plans for reason in plan.reasons)]
    if chinese:
        assert all(CHINESE.search(each) for each in told)
        assert english_in(told) == []
    else:
        assert not any(CHINESE.search(each) for each in told)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("what is a sinogram?", "什么是正弦图？"),
        ("list the tools", "列出工具"),
        ("open the shutter", "打开光闸"),
        ("why was FBP chosen?", "为什么选 FBP？"),
    ],
)
def test_answers_without_a_plan_are_in_the_language_too(
    broken: Path, english: str, chinese: str
) -> None:
    for text, found in ((english, False), (chinese, True)):
        answer = service.plan(text, broken, costs=FixedCosts())
        told = [*answer.warnings, *filter(None, (answer.answer, answer.refusal))]
        assert told, text
        lines = [line for each in told for line in each.splitlines()]
        if found:
            assert all(CHINESE.search(line) for line in lines), lines
        else:
            assert not any(CHINESE.search(line) for line in lines), lines
