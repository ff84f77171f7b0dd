"""The training harness: learns, repeats, goes on after a kill, stops in time, writes tensors."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata import InputError, WorkError
from simulators.training import Settings, checkpoint, known_parts, loop, train
from simulators.training.command import shipped_settings
from simulators.training.loop import Run, fit
from simulators.training.stream import Stream
from tests.simulators.training.blur import Part

ROOT = Path(__file__).parents[3]
SHORT = Settings(
    seed=3, steps=60, batch=4, window=8, fresh=0.5, workers=0, rate=0.03, warm_up=5, decay=0.0,
    average=0.9, precision="float32", validate_every=20, max_minutes=5,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def changed(**values: Any) -> Settings:
    return dataclasses.replace(SHORT, **values)


def weights(network: Any) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in network.state_dict().items()}


def same(first: Any, second: Any) -> bool:
    a, b = weights(first), weights(second)
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


def write_yaml(settings: Settings, path: Path) -> Path:
    import yaml

    path.write_text(yaml.safe_dump(settings.to_json()))
    return path


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_small_training_learns(tmp_path: Path, precision: str) -> None:
    part = Part({})
    begun = part.validate(part.network())["score"]
    found = fit(part, changed(steps=200, precision=precision), tmp_path, quiet=True)
    assert found.score > 0.02 * begun  # both below zero: a fiftieth of the error
    assert found.ended_by == "steps"
    assert [row["step"] for row in found.rows] == list(range(20, 201, 20))
    assert (tmp_path / "log.png").stat().st_size > 1000


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    first, again, other = (
        fit(Part({}), changed(seed=seed, steps=20), tmp_path / name, quiet=True).network
        for seed, name in ((3, "a"), (3, "b"), (4, "c"))
    )
    assert same(first, again)
    assert not same(first, other)


def test_background_processes_make_the_same_batches() -> None:
    with Stream(Part({}), changed(workers=1)).running() as busy:
        batches = [busy.batch(step) for step in range(4)]
    alone = Stream(Part({}), SHORT)
    for step, batch in enumerate(batches):
        for name, values in alone.batch(step).items():
            np.testing.assert_array_equal(batch[name], values)


def test_a_stream_that_begins_later_gives_what_it_would_have_given() -> None:
    whole, late = Stream(Part({}), SHORT), Stream(Part({}), SHORT, first_step=9)
    before = [whole.batch(step) for step in range(12)]
    for step in (9, 10, 11):
        np.testing.assert_array_equal(late.batch(step)["image"], before[step]["image"])


def test_a_killed_training_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    slow = changed(steps=60, validate_every=5, options={"slow": 0.03})
    config = write_yaml(slow, tmp_path / "blur.yaml")
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "tests.simulators.training.blur", str(config), str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        log = folder / "log.jsonl"
        while not log.exists() or len(log.read_text().splitlines()) < 4:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert (folder / "checkpoint.pt").exists()
    resumed = fit(Part(slow.options), slow, folder, resume=True, quiet=True)
    straight = fit(Part({}), dataclasses.replace(slow, options={}), tmp_path / "whole", quiet=True)
    assert same(resumed.network, straight.network)
    assert [r["step"] for r in resumed.rows] == [r["step"] for r in straight.rows]
    assert [r["score"] for r in resumed.rows] == [r["score"] for r in straight.rows]


def test_what_learns_beside_the_network_goes_on_too(tmp_path: Path) -> None:
    import torch

    class WithAdversary(Part):
        """Its helper counts steps, and the loss hangs on that count."""

        def __init__(self, options: dict[str, Any]) -> None:
            super().__init__(options)
            self.helpers = {"scale": torch.nn.Linear(1, 1, bias=False)}
            torch.nn.init.ones_(self.helpers["scale"].weight)

        def loss(self, network: Any, batch: Any) -> Any:
            scale = self.helpers["scale"].weight
            scale.data *= 1.05
            return super().loss(network, batch) * scale.detach().squeeze()

    half, whole = changed(steps=40), changed(steps=60)
    straight = fit(WithAdversary({}), whole, tmp_path / "whole", quiet=True)
    # ends in the middle of a schedule of 60 steps
    stopped = WithAdversary({})
    run = loop.Run(stopped, whole, tmp_path / "cut")
    stream = Stream(stopped, whole)
    for step in range(half.steps):
        run.learn(stream.batch(step))
        if run.counts.step % whole.validate_every == 0:
            run.validate()
    run.keep()
    resumed = fit(WithAdversary({}), whole, tmp_path / "cut", resume=True, quiet=True)
    assert same(resumed.network, straight.network)


def test_a_training_begins_with_the_published_weights(tmp_path: Path) -> None:
    import torch

    with pytest.raises(
        InputError, match=r"no weights to begin with: .*blur\.safetensors is missing"
    ):
        train("blur", write_yaml(changed(begin="published"), tmp_path / "none.yaml"),
              folder=tmp_path / "none", output=tmp_path, make=Part, quiet=True)  # fmt: skip
    first = write_yaml(changed(steps=200), tmp_path / "first.yaml")
    before = train("blur", first, folder=tmp_path / "a", output=tmp_path, make=Part, quiet=True)
    # A step of no length moves the running statistics alone: what it began with, and not at random
    more = write_yaml(changed(steps=1, rate=1e-12, begin="published"), tmp_path / "more.yaml")
    after = train("blur", more, folder=tmp_path / "b", output=tmp_path, make=Part, quiet=True)
    assert after["training"]["begun_from_sha256"] == before["sha256"]
    assert after["settings"]["begin"] == "published"
    assert after["metrics"]["error"] == pytest.approx(before["metrics"]["error"], rel=1.0)
    torch.manual_seed(SHORT.seed)
    assert -Part({}).validate(Part({}).network())["score"] > 10 * after["metrics"]["error"]
    assert "begun_from_sha256" not in before["training"]


def test_a_continued_training_does_not_begin_again_from_the_weights(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    settings = changed(steps=40, begin="published")
    begin = tmp_path / "begin.safetensors"
    save_file(Part({}).network().state_dict(), begin)
    whole = fit(Part({}), settings, tmp_path / "whole", quiet=True, begin=begin)
    run = loop.Run(Part({}), settings, tmp_path / "cut", begin)
    stream = Stream(Part({}), settings)
    for step in range(20):
        run.learn(stream.batch(step))
    run.validate()
    run.keep()
    # the published file may be another by then: a training of the same name wrote its own
    save_file(Part({}).network().state_dict(), begin)
    resumed = fit(Part({}), settings, tmp_path / "cut", resume=True, quiet=True, begin=begin)
    assert same(resumed.network, whole.network)
    assert resumed.begun_from == whole.begun_from  # and not the sha256 of the other


def test_an_unknown_beginning_is_named() -> None:
    with pytest.raises(InputError, match="begin is 'nothing', expected random or published"):
        changed(begin="nothing")


def test_a_checkpoint_cut_short_is_never_in_place(tmp_path: Path) -> None:
    fit(Part({}), changed(steps=20), tmp_path, quiet=True)
    (tmp_path / "checkpoint.pt.part").write_bytes(b"cut")  # what a kill while writing leaves
    more = fit(Part({}), changed(steps=20), tmp_path, resume=True, quiet=True)
    assert more.steps == 20
    (tmp_path / "checkpoint.pt").write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot be read"):
        fit(Part({}), changed(steps=20), tmp_path, resume=True, quiet=True)


def test_going_on_from_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run(Part({}), SHORT, tmp_path).restore()
    assert f"There is no checkpoint in {tmp_path} to go on from" in capsys.readouterr().err


def test_other_settings_do_not_continue_a_training(tmp_path: Path) -> None:
    fit(Part({}), changed(steps=20), tmp_path, quiet=True)
    with pytest.raises(InputError, match=r"rate: 0\.03 then, 0\.5 now"):
        fit(Part({}), changed(steps=20, rate=0.5), tmp_path, resume=True, quiet=True)
    fit(Part({}), changed(steps=20, max_minutes=9), tmp_path, resume=True, quiet=True)


def test_checkpoints_come_between_validations_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "KEEP_EVERY", -1.0)  # after every step
    fit(Part({}), changed(steps=6, validate_every=4), tmp_path, quiet=True)
    assert checkpoint.load(tmp_path)["counts"]["step"] == 6  # type: ignore[index]
    assert (tmp_path / "log.png").exists()


def test_it_stops_early_where_nothing_gets_better(tmp_path: Path) -> None:
    settings = changed(steps=400, validate_every=5, patience=3)
    found = fit(Part({"plateau": True}), settings, tmp_path, quiet=True)
    assert found.ended_by == "patience"
    assert (found.step, found.steps) == (5, 20)


def test_the_wall_clock_ends_it(tmp_path: Path) -> None:
    settings = changed(steps=100000, validate_every=50000, max_minutes=0.01)
    found = fit(Part({}), settings, tmp_path, quiet=True)
    assert found.ended_by == "budget"
    assert found.rows
    assert found.rows[-1]["step"] == found.steps < 100000


def test_a_loss_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    class Broken(Part):
        def loss(self, network: Any, batch: Any) -> Any:
            return super().loss(network, batch) * float("nan")

    with pytest.raises(WorkError, match="became nan at step 0"):
        fit(Broken({}), SHORT, tmp_path, quiet=True)


def test_the_average_follows_its_law() -> None:
    import torch

    from simulators.training.average import Average

    network = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.BatchNorm1d(1))
    average = Average(network, decay=0.5)
    values, expected = [2.0, -1.0, 5.0, 3.0], float(network[0].weight.detach())
    for count, value in enumerate(values):
        with torch.no_grad():
            network[0].weight.fill_(value)
        network[1].num_batches_tracked.fill_(count)
        average.update(network)
        decay = min(0.5, (1 + count) / (10 + count))
        expected = decay * expected + (1 - decay) * value
    assert float(average.network[0].weight) == pytest.approx(expected, rel=1e-6)
    assert int(average.network[1].num_batches_tracked) == 3


def test_it_ends_with_weights_of_tensors_and_a_card(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    config = write_yaml(changed(steps=40), tmp_path / "blur.yaml")
    card = train("blur", config, folder=tmp_path / "run", output=tmp_path, make=Part, quiet=True)
    tensors = load_file(tmp_path / "blur.safetensors")
    learned = {t.dtype for n, t in tensors.items() if "running" not in n and "batches" not in n}
    assert learned == {np.dtype("float16")}
    assert card == json.loads((tmp_path / "blur.json").read_text())
    assert card["metrics"]["error"] < card["metrics"]["spread"]
    assert card["wins_on"] == ["noise"]
    assert card["loses_on"] == []
    assert card["training"]["steps"] == 40
    assert card["settings"]["seed"] == 3
    # measured with the weights as they are stored: measuring again gives the same
    again = train("blur", config, output=tmp_path, measure_only=True, make=Part, quiet=True)
    assert again["metrics"] == card["metrics"]
    assert again["sha256"] == card["sha256"]


def test_weights_that_are_too_large_are_refused(tmp_path: Path) -> None:
    import torch

    from simulators.training.publish import write_weights

    with pytest.raises(WorkError, match="more than the 4000000 allowed"):
        write_weights(torch.nn.Linear(1500, 1500), tmp_path / "large.safetensors")
    assert not list(tmp_path.iterdir())


def test_every_problem_of_the_settings_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"steps is 0.*precision is 'half'"):
        changed(steps=0, precision="half")
    with pytest.raises(InputError, match=r"seed is -1, .*clip is 0, .*patience is -1, expected 0"):
        changed(seed=-1, clip=0, patience=-1)
    path = tmp_path / "odd.yaml"
    path.write_text("rate: 1e-3\ndecay: 0\n")  # YAML itself takes 1e-3 for a word
    assert Settings.read(path).rate == 0.001
    path.write_text("steps: many\nbatch: 2.5\nrate: fast\noptions: [1]\n")
    with pytest.raises(InputError, match=r"steps is 'many', expected a whole number; batch is 2.5, "
                       r".*rate is 'fast', expected a number; options is \[1\]"):  # fmt: skip
        Settings.read(path)
    with pytest.raises(InputError, match=r"nowhere.yaml cannot be read.*like those in configs"):
        Settings.read(tmp_path / "nowhere.yaml")
    path.write_text("speed: 3\n")
    with pytest.raises(InputError, match="sets speed; expected only"):
        Settings.read(path)
    with pytest.raises(InputError, match=r"nothing to train called 'sharpp'.*fbpconvnet"):
        train("sharpp")


def test_options_are_those_of_the_shipped_settings(tmp_path: Path) -> None:
    given = dataclasses.asdict(Settings.read(shipped_settings("fbpconvnet")))
    given["options"]["crops"] = given["options"].pop("crop")
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(given))  # JSON is YAML
    with pytest.raises(InputError, match=r"mine.yaml lack crop; hold crops, which is not known"):
        train("fbpconvnet", path, folder=tmp_path / "work", output=tmp_path / "weights")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("what", known_parts())
def test_shipped_settings_fit_their_part(what: str) -> None:
    import importlib

    settings = Settings.read(shipped_settings(what))
    part = importlib.import_module(f"simulators.training.parts.{what}").Part(settings.options)
    assert not set(part.families) & set(part.held_out)
    assert {"version", "changelog", "task", "intended_use", "data_source", "inputs", "outputs",
            "references", "differences", "licence"} <= set(part.card())  # fmt: skip
