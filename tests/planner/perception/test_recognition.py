"""What the image-text model is used for: conditions told, similar runs found."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata.errors import InputError
from metadata.store import Store
from planner import service
from planner.inspection import Inspection, inspect_scan
from planner.perception import recognition
from planner.perception.recognition import GOOD, Model, Recognition, embedding, recognise, told
from planner.perception.shown import SHOWN, VISIBLE
from planner.perception.similar import nearest
from planner.task import Condition
from simulators import World, simulate
from simulators.writing import write_scan


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Untrained, of the right shapes, with a card that finds rings and sparse views well told."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("open_clip")
    from planner.perception.network import network
    from simulators.training.publish import write_weights

    torch.manual_seed(0)
    untrained: Any = network()
    untrained.directions.normal_()
    folder = tmp_path_factory.mktemp("weights")
    sha = write_weights(untrained, folder / "perception.safetensors")
    good = (Condition.RINGS, Condition.SPARSE_VIEW)
    rows = [{"world": c.value, "visible": c in VISIBLE,
             "own_auroc": GOOD if c in good else GOOD - 0.01} for c in SHOWN]  # fmt: skip
    card = {"sha256": sha, "worlds": rows, "tells": True}
    (folder / "perception.json").write_text(json.dumps(card), encoding="utf-8")
    return Model.load(folder)


@pytest.fixture
def use(model: Model, monkeypatch: pytest.MonkeyPatch, home: Path) -> Model:
    """The model in place of the shipped one; a store of the tests' own."""
    recognition.shipped.cache_clear()
    for place in ("recognition.shipped", "similar.shipped"):
        monkeypatch.setattr(f"planner.perception.{place}", lambda: model)
    return model


def _inspection(**settings: Any) -> Inspection:
    return inspect_scan(simulate(World("foam", rows=1, columns=96, projections=120, **settings)))


def test_a_scan_has_an_embedding_and_a_confidence_for_each_condition(use: Model) -> None:
    inspection = _inspection()
    found = recognise(inspection)
    assert found is not None
    assert found.embedding.shape == (128,)
    assert np.linalg.norm(found.embedding) == pytest.approx(1, abs=1e-5)
    assert set(found.confidence) == set(SHOWN)
    assert all(0 <= p <= 1 for p in found.confidence.values())
    np.testing.assert_array_equal(embedding(inspection), found.embedding)


def test_only_what_the_card_finds_well_told_and_what_is_likely_is_said(
    use: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspection = _inspection()
    sure = Recognition(np.zeros(128, np.float32), dict.fromkeys(SHOWN, 0.99))
    assert set(told(inspection, sure)) == {Condition.RINGS, Condition.SPARSE_VIEW}
    unsure = Recognition(sure.embedding, dict.fromkeys(SHOWN, 0.5))
    assert told(inspection, unsure) == {}
    quiet = dataclasses.replace(use, tells=False)
    monkeypatch.setattr(recognition, "shipped", lambda: quiet)
    assert told(inspection, sure) == {}


def test_few_views_are_not_said_of_a_scan_that_was_not_looked_at_whole(use: Model) -> None:
    import dataclasses

    whole = _inspection()
    assert whole.preview is not None
    part = dataclasses.replace(whole, preview=dataclasses.replace(whole.preview, views_read=60))
    sure = Recognition(np.zeros(128, np.float32), dict.fromkeys(SHOWN, 0.99))
    assert set(told(part, sure)) == {Condition.RINGS}


def test_the_nearest_runs_come_first(use: Model, tmp_path: Path) -> None:
    near, far, asked = np.eye(3, 128, dtype=np.float32)
    asked = (0.9 * near + 0.1 * far).astype(np.float32)
    with Store(tmp_path / "s.sqlite") as store:
        for run, vector in (("far", far), ("near", near)):
            store.add_run({"id": run, "time": "2026-01-01T00:00:00Z", "seconds": 2.0,
                           "scans": [{"path": f"{run}.nxs"}],
                           "pipeline": {"nodes": [{"tool": "scan"}, {"tool": "fbp"}]}})  # fmt: skip
            store.add_appearance(run, use.version, vector)
        store.add_appearance("near", "another model", far)
        found = nearest(store, Recognition(asked, {}), limit=5)
    assert [run.id for run in found] == ["near", "far"]
    assert found[0].scan == "near.nxs"
    assert found[0].steps == ("fbp",)
    assert found[0].likeness == pytest.approx(0.9, abs=1e-3)


def test_a_run_is_found_again_by_its_scan(use: Model, tmp_path: Path, home: Path) -> None:
    scan, output = tmp_path / "scan.nxs", tmp_path / "out.h5"
    write_scan(World("foam", rows=2, columns=64, projections=90), scan)
    record = service.run("reconstruct this", scan, output)
    (found, *_) = service.similar(scan, limit=1)
    assert found.id == record.id
    assert found.likeness == pytest.approx(1, abs=1e-2)


def test_a_volume_cannot_be_compared(use: Model, tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "volume.h5"
    values = np.random.default_rng(0).random((6, 32, 32), np.float32)
    with h5py.File(path, "w") as file:
        file["data"] = values
    with pytest.raises(InputError, match="cannot be compared with other scans"):
        service.similar(path, reading={"content": "volume", "data": "data"})


def test_the_shipped_weights_give_their_reference_and_are_those_of_the_card() -> None:
    import hashlib

    from safetensors.numpy import load_file

    from planner.benchmarks.perception import WEIGHTS

    if not (WEIGHTS / "perception.safetensors").exists():
        pytest.skip("no weights of the image-text model are shipped")
    shipped = Model.load(WEIGHTS)
    known = load_file(WEIGHTS / "perception.reference.safetensors")
    found = shipped.tower.look(known["pictures"])
    np.testing.assert_allclose(found, known["output"], atol=2e-3)
    data = (WEIGHTS / "perception.safetensors").read_bytes()
    assert hashlib.sha256(data).hexdigest().startswith(shipped.version)
    assert len(data) <= 4_000_000


def test_what_real_scans_have_is_of_the_vocabulary_and_never_both() -> None:
    from planner.benchmarks.perception import known

    for name, one in known().items():
        there, absent = ({Condition(c) for c in one[k]} for k in ("there", "absent"))
        assert not there & absent, name
        assert there | absent <= set(VISIBLE), name
