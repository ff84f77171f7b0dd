"""What a beamline said, kept in the store, and the prompt from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from metadata.errors import InputError
from planner.app.command_line import app
from planner.feedback.aspects import ASPECTS
from planner.feedback.head import trained
from planner.feedback.memory import KEPT, Memory, Taste


def record(id: str, scan: str, noise: float, seconds: float = 10.0, **more: Any) -> dict[str, Any]:
    quality = {"noise_of_contrast": noise, "rings_of_contrast": 0.1, "sharpness": 0.2,
               "streaks": 0.5}  # fmt: skip
    return {"id": id, "time": f"2026-11-22T08:00:{len(id):02d}Z", "pipeline": {"nodes": [id]},
            "scans": [{"path": scan, "fingerprint": {"name": scan}}], "quality": quality,
            "seconds": seconds, "peak_bytes": 1e9, "task": {"goals": ["reconstruct"]},
            **more}  # fmt: skip


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory(tmp_path / "store.sqlite") as found:
        for number in range(12):
            found.add_run(record(f"clean-{number}", f"scan-{number}", 0.05, seconds=30.0))
            found.add_run(record(f"noisy-{number}", f"scan-{number}", 0.20, seconds=10.0))
        yield found


def test_choices_move_the_prompt_and_are_counted(memory: Memory) -> None:
    for number in range(12):
        taste = memory.prefer(f"clean-{number}", f"noisy-{number}", "I99")
    assert taste.choices == 12
    assert taste.better["noise"] == 12
    assert taste.better["seconds"] == 0
    head = trained()
    clean, noisy = (np.log10([v, 0.1, 0.2, 0.5, 10, 1e9]) for v in (0.05, 0.2))
    before = float(head.chance(clean, noisy, head.nobody))
    assert float(head.chance(clean, noisy, taste.prompt)) > before
    kept = memory.taste("I99")
    assert kept is not None
    assert (kept.prompt == taste.prompt).all()
    assert memory.taste("I98") is None


def test_another_beamline_is_left_as_it_was(memory: Memory) -> None:
    first = memory.prefer("clean-0", "noisy-0", "I99")
    memory.prefer("noisy-1", "clean-1", "I98")
    again = memory.taste("I99")
    assert again is not None
    assert (again.prompt == first.prompt).all()
    other = memory.taste("I98")
    assert other is not None
    assert other.better["noise"] == 0


def test_ratings_that_differ_are_choices(memory: Memory) -> None:
    memory.rate("clean-0", 5, "I99")
    memory.rate("noisy-0", 2, "I99")
    taste = memory.rate("noisy-0", 1, "I99")  # the last word counts
    assert taste.choices == 1
    assert taste.better["noise"] == 1


def test_ratings_across_scans_say_nothing_of_seconds(memory: Memory) -> None:
    memory.rate("clean-0", 5, "I99")
    taste = memory.rate("noisy-1", 2, "I99")
    found = memory.evidence("I99")
    assert np.isnan(found.better[0, ASPECTS.index("seconds")])
    assert taste.better == {"noise": 1, "rings": 0, "sharpness": 0, "streaks": 0, "seconds": 0,
                            "memory": 0}  # fmt: skip


def test_own_runs_count_less_than_words(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMOPLAN_BEAMLINE", "I99")
    memory.prefer("clean-0", "noisy-0", "I99")
    found = memory.evidence("I99")
    assert found.said == 1
    assert len(found.weights) == 12  # the other eleven scans were run twice
    assert found.weights.tolist() == [1.0] + 11 * [KEPT]
    assert memory.evidence("I98").said == len(memory.evidence("I98").weights) == 0


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda m: m.prefer("clean-1", "clean-1", "a"), "are one run"),
        (lambda m: m.prefer("clean-1", "noisy-2", "a"), "different scans"),
        (lambda m: m.rate("clean-1", 6, "a"), r"expected 1 \(bad\) to 5"),
        (lambda m: m.rate("none", 3, "a"), "No run has the id"),
    ],
)
def test_what_cannot_be_judged_is_told(memory: Memory, call: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        call(memory)


def test_the_command_keeps_a_judgement(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("metadata.store_file.default_store_path", lambda: memory.path)
    given = ["feedback", "clean-3", "--better-than", "noisy-3", "--beamline", "I97", "--json"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["beamline"] == "I97"
    assert told["choices"] == 1
    done = CliRunner().invoke(app, ["feedback", "clean-3"])
    assert isinstance(done.exception, InputError)


def test_a_taste_survives_the_store(tmp_path: Path) -> None:
    taste = Taste("I99", np.arange(8.0), 37, {"noise": 30})
    with Memory(tmp_path / "s.sqlite") as memory:
        memory.keep(taste)
    with Memory(tmp_path / "s.sqlite") as memory:
        found = memory.taste("I99")
    assert found is not None
    assert (found.choices, found.better) == (37, {"noise": 30})
    assert (found.prompt == taste.prompt).all()
