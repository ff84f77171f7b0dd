"""Pipelines heard on one slice: what they look like, how they are compared, what is chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metadata.errors import InputError
from planner import service
from planner.audition.choosing import HEARD, WIDEST, audition, slice_of
from planner.audition.company import FEATURES, Company
from planner.audition.judge import trained
from planner.audition.look import LOOK
from planner.audition.playing import Playing
from planner.audition.table import auditions, save
from planner.inspection import inspect_scan
from planner.plan import Interval
from planner.search import Candidate
from planner.situation import assess
from planner.task import Goal, Intent, Task
from simulators import World, simulate
from simulators.writing import write_scan
from toolbox.metrics import ssim_in_circle
from toolbox.recipe import Recipe, Step

FRONT = (Step("flat_field"), Step("minus_log"))
PLAIN: Recipe = (*FRONT, Step("center_consensus"), Step("fbp"))
MENDED: Recipe = (
    *FRONT,
    Step("stripe_all", {"strength": 9}),
    Step("center_consensus"),
    Step("fbp"),
)
SMOOTH: Recipe = (*PLAIN, Step("denoise_tv"))
LABELLED: Recipe = (*PLAIN, Step("segment_otsu", {"classes": 2}))
WORLD = World("foam", columns=96, rows=1, projections=96, photons=2e3, rings=1.0, seed=4)


@pytest.fixture(scope="module")
def playing() -> Playing:
    found = Playing(simulate(WORLD), [PLAIN, MENDED, SMOOTH, LABELLED])
    found.walk()
    return found


def seen(playing: Playing, recipe: Recipe) -> dict[str, float]:
    return dict(zip(LOOK, map(float, playing.results[recipe].look), strict=True))


def test_looks_tell_rings_noise_and_labels(playing: Playing) -> None:
    plain, mended, smooth = (seen(playing, r) for r in (PLAIN, MENDED, SMOOTH))
    assert mended["rings"] < plain["rings"] - 0.2
    assert mended["stripes"] < plain["stripes"]
    assert mended["changed"] > plain["changed"] + 1
    assert smooth["noise"] < plain["noise"] - 0.5
    assert plain["labelled"] == 0
    assert seen(playing, LABELLED)["labelled"] == 1
    assert seen(playing, LABELLED)["classes"] == 0.5


def test_a_step_that_fails_loses_its_own_pipeline_only() -> None:
    broken: Recipe = (*FRONT, Step("center_mirror"), Step("fbp"))
    playing = Playing(simulate(WORLD), [PLAIN, broken])
    playing.walk()
    assert PLAIN in playing.results
    assert broken not in playing.results


def test_a_company_is_the_same_in_any_order(playing: Playing) -> None:
    recipes = [PLAIN, MENDED, SMOOTH]
    company = Company.of([playing.results[r] for r in recipes])
    np.testing.assert_allclose(company.whole, company.whole.T)
    assert 0.3 < company.whole[0, 1] < 1
    expected = np.array([0.5, 0.6, 0.7])
    turned = np.array([2, 0, 1])
    found = company.features(expected)
    assert found.shape == (3, FEATURES)
    np.testing.assert_allclose(company.some(turned).features(expected[turned]), found[turned],
                               rtol=1e-4, atol=1e-4)  # fmt: skip


def test_a_table_keeps_what_was_heard(playing: Playing, tmp_path: Path) -> None:
    company = Company.of([playing.results[r] for r in (PLAIN, MENDED, SMOOTH)])
    save(tmp_path / "t.h5", {"a": (np.array([3, 5, 9]), company)})
    nodes, kept = auditions(tmp_path / "t.h5")["a"]
    assert nodes.tolist() == [3, 5, 9]
    np.testing.assert_allclose(kept.looks, company.looks, atol=2e-2)
    np.testing.assert_allclose(kept.fine, company.fine, atol=2e-3)
    (tmp_path / "no.h5").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no table of auditions"):
        auditions(tmp_path / "no.h5")


def test_the_judge_prefers_what_is_better_where_as_much_is_expected() -> None:
    lacks, chance = [], []
    for seed in range(900, 906):  # seeds that no training saw
        scan = simulate(replace(WORLD, specimen="rock", seed=seed, photons=400.0))
        playing = Playing(scan, [PLAIN, MENDED, SMOOTH, (*MENDED, Step("denoise_tv"))])
        playing.walk()
        results = list(playing.results.values())
        truth = scan.truth(0, results[0].volume.shape[-1])
        quality = [ssim_in_circle(r.volume[None], truth[None]) for r in results]
        said = trained()(Company.of(results), np.full(4, 0.5))
        lacks.append(max(quality) - quality[int(np.argmax(said))])
        chance.append(max(quality) - np.mean(quality))
    assert np.mean(lacks) < 0.5 * np.mean(chance)


def candidates() -> list[Candidate]:
    flat = Interval(0.6, 0.4, 0.8)
    fronts = [(), (Step("stripe_all"),), (Step("stripe_likely"),), (Step("stripe_sorting"),)]
    tails = [(), (Step("denoise_tv"),), (Step("denoise_nlm"),), (Step("denoise_median"),),
             (Step("denoise_gaussian"),)]  # fmt: skip
    return [Candidate((*FRONT, *f, Step("center_consensus"), Step("fbp"), *t), flat,
                      Interval(1.0, 0.8, 1.2)) for f in fronts for t in tails]  # fmt: skip


def test_no_more_is_heard_than_there_is_time_for() -> None:
    scan = simulate(WORLD)
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,))
    asked = assess(task, [inspect_scan(scan)])
    every = audition(candidates(), asked, scan, 60.0)
    assert every is not None
    assert len(every.candidates) == HEARD
    assert every.columns == 96
    assert {c.recipe for c in every.candidates} <= {c.recipe for c in candidates()}
    assert len({round(c.quality, 6) for c in every.candidates}) > HEARD / 2
    assert audition(candidates(), asked, scan, 1e-6) is None
    joined = assess(replace(task, goals=(Goal.REGISTER,)), [inspect_scan(scan)] * 2)
    assert audition(candidates(), joined, scan, 60.0) is None


def test_a_wide_row_is_binned_and_keeps_its_noise() -> None:
    wide = simulate(replace(WORLD, columns=3 * WIDEST - 8, projections=300, rings=0.0))
    part = slice_of(wide)
    assert part.info.columns == (3 * WIDEST - 8) // 3
    assert part.info.projections == 100
    air, whole = (s.projections()[:, 0, :n] for s, n in ((part, 4), (wide, 12)))
    noise = [float((np.diff(v, axis=0).std(axis=0) / v.mean(axis=0)).mean()) for v in (air, whole)]
    # One count in nine of three columns put together: √3 times the share of noise
    assert noise[0] / noise[1] == pytest.approx(np.sqrt(3), rel=0.25)


def test_plans_say_that_they_were_tried(tmp_path: Path) -> None:
    path = tmp_path / "scan.nxs"
    write_scan(replace(WORLD, rows=3), path)
    answer = service.plan("reconstruct, best quality", path, audition=20.0)
    assert any("tried on one slice" in reason for reason in answer.best.reasons)
    quiet = service.plan("reconstruct, best quality", path)
    assert not any("tried on one slice" in reason for reason in quiet.best.reasons)
    told = service.plan("重建，质量优先", path, audition=20.0)
    assert any("切片上试过" in reason for reason in told.best.reasons)
