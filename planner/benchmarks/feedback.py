"""What a beamline's choices teach, on simulated raters: ``tomoplan bench feedback``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from planner.feedback.aspects import ASPECTS, MORE_IS_BETTER, Numbers
from planner.feedback.head import Head, trained
from planner.feedback.looks import LOOKS, Look, load
from planner.feedback.memory import KEPT, Memory, Taste
from planner.feedback.plan_aspects import plan_aspects
from planner.feedback.raters import (
    FLIPPED,
    Choices,
    Rater,
    choices,
    knowing_rater,
    seeing_rater,
)
from planner.feedback.reranking import by_taste
from planner.outcomes.candidates import StepCosts
from planner.outcomes.remembered import remembered
from planner.outcomes.settings import SIMULATED
from planner.plan import Interval
from planner.scoring import RuleScorer
from planner.search import Candidate, propose, reward
from planner.situation import Situation
from simulators.outcomes import Outcomes

Make = Callable[[np.random.Generator, Sequence[Look]], Rater]


@cache
def settings() -> dict[str, Any]:
    """``configs/feedback.yaml``."""
    import yaml

    text = files("configs").joinpath("feedback.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def run(**other: Any) -> dict[str, Any]:
    """Everything, on the looks of validation and test; ``other`` settings as in the YAML."""
    how = settings() | other
    head = trained()
    looks = [look for look in load(LOOKS) if look.split != "train"]
    found: dict[str, Any] = {
        "scans": len(looks),
        "accuracy": _accuracy(head, looks, how, seeing_rater),
        "accuracy, raters who know the truth": _accuracy(head, looks, how, knowing_rater),
        "re-ranking": _reranking(head, looks, how),
        "forgetting": _forgetting(head, looks, how),
    }
    return found


# ---- accuracy --------------------------------------------------------------------------------


def _accuracy(head: Head, looks: Sequence[Look], how: dict[str, Any], make: Make) -> dict[str, Any]:
    """Shares of unseen choices, of unseen scans, that are foretold."""
    means: dict[str, list[list[float]]] = {}
    for rater_number in range(how["raters"]):
        by_seed: dict[str, list[float]] = {}
        for seed in how["seeds"]:
            rng = np.random.default_rng([seed, rater_number])
            rater = make(rng, looks)
            told, unseen = _halves(rng, looks)
            tests = choices(rater, unseen, how["unseen"], rng)
            for name, value in _foretold(head, rater, told, unseen, tests, how, rng).items():
                by_seed.setdefault(name, []).append(value)
        for name, values in by_seed.items():
            means.setdefault(name, []).append(values)
    tuned = f"{how['choices']} choices"
    shares = [float(np.mean(v)) for v in means[tuned]]
    result: dict[str, Any] = {n: _interval([float(np.mean(v)) for v in values], how)
                              for n, values in means.items()}  # fmt: skip
    result["raters at 0.80 or more"] = float(np.mean([s >= 0.8 for s in shares]))
    result["lowest tenth of raters"] = float(np.quantile(shares, 0.1))
    return result


def _foretold(
    head: Head, rater: Rater, told: Sequence[Look], unseen: Sequence[Look], tests: Choices,
    how: dict[str, Any], rng: np.random.Generator,
) -> dict[str, float]:  # fmt: skip
    found = {"no choices (general taste)": _share(head, tests, head.nobody)}
    for count in dict.fromkeys([*how["curve"], how["choices"]]):
        said = choices(rater, told, count, rng, FLIPPED)
        prompt = head.tuned(said.better, said.worse)
        found[f"{count} choices"] = _share(head, tests, prompt)
        if count != how["choices"]:
            continue
        found["50 choices, general taste and base left out"] = _plain(head, said, tests)
        found["50 choices, of plans not run"] = _of_plans(head, rater, unseen, prompt, rng, how)
    kept = choices(rater, told, how["choices"], rng, 2 * FLIPPED)
    own = head.tuned(kept.better, kept.worse, np.full(len(kept), KEPT))
    found["50 own runs, nothing said"] = _share(head, tests, own)
    return found


def _share(head: Head, tests: Choices, prompt: Numbers) -> float:
    return float((head.chance(tests.better, tests.worse, prompt) > 0.5).mean())


def _plain(head: Head, said: Choices, tests: Choices) -> float:
    """Bradley–Terry from nothing, on the same features: what the shared part is worth."""
    count = len(head.general)
    bare = Head(head.middle, head.within, head.knees, np.zeros(count), np.eye(count))
    return _share(bare, tests, bare.tuned(said.better, said.worse))


def _of_plans(
    head: Head, rater: Rater, looks: Sequence[Look], prompt: Numbers, rng: np.random.Generator,
    how: dict[str, Any],
) -> float:  # fmt: skip
    """The same where the results are not there yet: aspects as predicted of the plans, seconds
    and memory as measured."""
    right, count = 0, how["unseen"]
    foreseen = [_foreseen(look) for look in looks]
    worths = [rater.worth(look) for look in looks]
    for _ in range(count):
        at = int(rng.integers(len(looks)))
        one, other = rng.choice(len(worths[at]), 2, replace=False)
        liked = head.worth(foreseen[at][[one, other]], prompt)
        right += (liked[0] > liked[1]) == (worths[at][one] > worths[at][other])
    return right / count


def _foreseen(look: Look) -> Numbers:
    found = plan_aspects().of(look.recipes)
    for name in ("seconds", "memory"):
        found[:, ASPECTS.index(name)] = look.aspects[:, ASPECTS.index(name)]
    return found


# ---- the planner -----------------------------------------------------------------------------


def _reranking(head: Head, looks: Sequence[Look], how: dict[str, Any]) -> dict[str, Any]:
    """What re-ordering the proposals of the rules gives and costs: measured reward (the general
    benchmark) and the rater's own worth of the first plan, before and after."""
    table = {s.name: s for s in Outcomes.load(SIMULATED)}
    here = [look for look in looks if look.name in table]
    proposed = [_proposed(look, remembered(table[look.name])) for look in here]
    lost, gained, moved = [], [], []
    for rater_number in range(how["raters"]):
        rng = np.random.default_rng([77, rater_number])
        rater = seeing_rater(rng, looks)
        order = rng.permutation(len(here))
        told, unseen = order[: len(here) // 2], order[len(here) // 2 :]
        said = choices(rater, [here[i] for i in told], how["choices"], rng, FLIPPED)
        taste = _taste("bench", head, said)
        losses, gains, moves = [], [], []
        for at in unseen:
            look, (chosen, cheapest, situation) = here[at], proposed[at]
            new = by_taste(chosen, cheapest, situation, taste, head, plan_aspects()).candidates[0]
            place = {r: at for at, r in enumerate(look.recipes)}
            before, after = place[chosen[0].recipe], place[new.recipe]
            worth = rater.worth(look)
            losses.append(look.reward[before] - look.reward[after])
            gains.append((worth[after] - worth[before]) / max(float(worth.std()), 1e-9))
            moves.append(before != after)
        lost.append(float(np.mean(losses)))
        gained.append(float(np.mean(gains)))
        moved.append(float(np.mean(moves)))
    return {
        "scans": len(here),
        "first plan replaced": _interval(moved, how),
        "measured reward lost": _interval(lost, how),
        "rater's worth gained (standard deviations)": _interval(gained, how),
    }


def _proposed(look: Look, situation: Situation) -> tuple[list[Candidate], float, Situation]:
    """The proposals of the transparent planner, of the pipelines that were looked at."""
    scorer, costs = RuleScorer(), StepCosts(situation)
    found = [Candidate(r, scorer.quality(r, situation), _sure(costs.seconds(r, situation)))
             for r in look.recipes]  # fmt: skip
    cheapest = min(c.seconds for c in found)
    chosen = propose(found, situation)
    assert reward(chosen[0], situation, cheapest) >= reward(chosen[-1], situation, cheapest)
    return chosen, cheapest, situation


def _sure(seconds: Interval) -> Interval:
    return seconds if seconds.value > 0 else Interval(1e-3, 1e-3, 1e-3)


def _taste(name: str, head: Head, said: Choices) -> Taste:
    more = said.better - said.worse
    better = {n: int((more[:, at] > 0 if MORE_IS_BETTER[n] else more[:, at] < 0).sum())
              for at, n in enumerate(ASPECTS)}  # fmt: skip
    return Taste(name, head.tuned(said.better, said.worse), len(said), better)


# ---- forgetting ------------------------------------------------------------------------------


def _forgetting(head: Head, looks: Sequence[Look], how: dict[str, Any]) -> dict[str, Any]:
    """Accuracy for each of several beamlines right after its tuning and after all of them: with a
    prompt each in one store, and with one prompt that is tuned on by each."""
    after: dict[str, list[float]] = {"a prompt each": [], "one prompt for all": []}
    forgotten: dict[str, list[float]] = {name: [] for name in after}
    for number in range(how["sequences"]):
        rng = np.random.default_rng([99, number])
        told, unseen = _halves(rng, looks)
        raters = [seeing_rater(rng, looks) for _ in range(how["sequence"])]
        tests = [choices(r, unseen, how["unseen"], rng) for r in raters]
        said = [choices(r, told, how["choices"], rng, FLIPPED) for r in raters]
        with tempfile.TemporaryDirectory() as folder, Memory(f"{folder}/s.sqlite") as memory:
            first, shared_first = [], []
            shared = head
            for at, one in enumerate(said):
                memory.keep(_taste(f"beamline {at}", head, one))
                first.append(_share(head, tests[at], _kept(memory, at)))
                prompt = shared.tuned(one.better, one.worse)
                shared = _moved(shared, prompt)
                shared_first.append(_share(shared, tests[at], shared.nobody))
            last = [_share(head, t, _kept(memory, at)) for at, t in enumerate(tests)]
        shared_last = [_share(shared, t, shared.nobody) for t in tests]
        both = ((first, last), (shared_first, shared_last))
        for name, (one_first, one_last) in zip(after, both, strict=True):
            after[name].append(float(np.mean(one_last)))
            forgotten[name].append(float(np.mean(np.subtract(one_first, one_last)[:-1])))
    return {name: {"accuracy after all": _interval(after[name], how),
                   "forgotten": _interval(forgotten[name], how)} for name in after}  # fmt: skip


def _kept(memory: Memory, at: int) -> Numbers:
    taste = memory.taste(f"beamline {at}")
    assert taste is not None
    return taste.prompt


def _moved(head: Head, prompt: Numbers) -> Head:
    """The head of which the general taste is what a prompt made of it."""
    return Head(head.middle, head.within, head.knees, head.general + head.base @ prompt, head.base)


def _halves(rng: np.random.Generator, looks: Sequence[Look]) -> tuple[list[Look], list[Look]]:
    order = rng.permutation(len(looks))
    half = len(looks) // 2
    return [looks[i] for i in order[:half]], [looks[i] for i in order[half:]]


def _interval(values: Sequence[float], how: dict[str, Any]) -> dict[str, float]:
    """A mean with its 95 % bootstrap interval over raters (or sequences)."""
    data = np.asarray(values)
    picks = np.random.default_rng(0).integers(len(data), size=(how["bootstrap"], len(data)))
    low, high = np.quantile(data[picks].mean(axis=1), (0.025, 0.975))
    return {"value": float(data.mean()), "low": float(low), "high": float(high)}


def table(result: dict[str, Any]) -> str:
    """The result as lines of text."""
    lines = [f"{result['scans']} scans that no training saw"]
    for part, numbers in result.items():
        if part != "scans":
            lines += [part, *_lines(numbers, "  ")]
    return "\n".join(lines)


def _lines(numbers: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, value in numbers.items():
        if isinstance(value, dict) and "low" in value:
            told = f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
            lines.append(f"{indent}{name:46s} {told}")
        elif isinstance(value, dict):
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name:46s} {value:.3g}")
    return lines
