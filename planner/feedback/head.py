"""The preference head: Bradley–Terry over outcomes, with a prompt for each beamline."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from metadata.errors import WorkError
from planner.feedback.aspects import ASPECTS, Numbers

WEIGHTS = Path(__file__).parent / "weights" / "preference.safetensors"
SLIPS = 0.05  # of the choices are taken to be mistakes, whatever they say
KNEES = 2
NAMES = ("middle", "within", "knees", "general", "base")
STEPS = 40
FURTHEST = 30.0


@dataclass(frozen=True, eq=False)
class Head:
    """Worth of an outcome = (general + base · prompt) · features; frozen but for the prompt.

    Features are the aspects over their usual spread within a scan (``within``) about ``middle``,
    and a soft hinge of each at ``knees`` (axes ``knee, aspect``), so that "good enough" can be
    said. ``general`` is what people want on average, the columns of ``base`` (axes ``feature,
    prompt``) how they differ.
    """

    middle: Numbers
    within: Numbers
    knees: Numbers
    general: Numbers
    base: Numbers

    @property
    def size(self) -> int:
        """Numbers of a prompt."""
        return self.base.shape[1]

    @property
    def nobody(self) -> Numbers:
        """The prompt of no beamline in particular: zeros."""
        return np.zeros(self.size)

    def features(self, aspects: Numbers) -> Numbers:
        """Axes ``…, ASPECTS`` to ``…, feature``; what was not measured counts as usual."""
        known = np.where(np.isfinite(aspects), aspects, self.middle)
        found = [(known - self.middle) / self.within]
        for knee in self.knees:
            found.append(np.logaddexp(0.0, 2 * (known - knee) / self.within) / 2)
        return np.concatenate(found, axis=-1)

    def worth(self, aspects: Numbers, prompt: Numbers) -> Numbers:
        """What outcomes are worth to a beamline; only differences within a scan mean something."""
        return self.features(aspects) @ (self.general + self.base @ prompt)

    def chance(self, better: Numbers, worse: Numbers, prompt: Numbers) -> Numbers:
        """How likely the first is chosen over the second (Bradley & Terry 1952)."""
        more = self.worth(better, prompt) - self.worth(worse, prompt)
        return 1 / (1 + np.exp(-np.clip(more, -FURTHEST, FURTHEST)))

    def tuned(self, better: Numbers, worse: Numbers, weights: Numbers | None = None) -> Numbers:
        """The prompt that choices speak for: the maximum a posteriori under a standard normal
        prior, with mistakes allowed for (a share :data:`SLIPS` of choices is by chance), by
        damped Fisher scoring. ``weights``: how much each choice counts."""
        features = self.features(better) - self.features(worse)
        slope, start = features @ self.base, features @ self.general
        weights = np.ones(len(features)) if weights is None else weights
        prompt: Numbers = self.nobody
        step: Numbers = self.nobody
        best = -np.inf
        damp = 1.0
        for _ in range(STEPS):
            value, gradient, curvature = _posterior(start + slope @ (prompt + step), slope,
                                                    prompt + step, weights)  # fmt: skip
            if value >= best - 1e-12:
                prompt, best, damp = prompt + step, value, min(2 * damp, 1.0)
                direction = np.linalg.solve(curvature, gradient)
            else:
                damp /= 2
            step = np.asarray(damp * direction, np.float64)
            if float(np.abs(step).max()) < 1e-6:
                break
        return prompt


def _posterior(
    more: Numbers, slope: Numbers, prompt: Numbers, weights: Numbers
) -> tuple[float, Numbers, Numbers]:
    """Log posterior, its gradient, and the expected curvature."""
    chance = 1 / (1 + np.exp(-np.clip(more, -FURTHEST, FURTHEST)))
    said = SLIPS + (1 - 2 * SLIPS) * chance
    steep = (1 - 2 * SLIPS) * chance * (1 - chance)
    value = float(weights @ np.log(said) - prompt @ prompt / 2)
    gradient = slope.T @ (weights * steep / said) - prompt
    inner = weights * steep**2 / (said * (1 - said))
    return value, gradient, (slope * inner[:, None]).T @ slope + np.eye(len(prompt))


@lru_cache(maxsize=1)
def trained() -> Head:
    """The head that was trained; WorkError where there is none."""
    from safetensors.numpy import load_file

    if not WEIGHTS.exists():
        raise WorkError(
            f"There are no weights of the preference head at {WEIGHTS}. Train it: "
            "`tomoplan train preference`."
        )
    held = load_file(WEIGHTS)
    head = Head(**{name: held[name].astype(np.float64) for name in NAMES})
    assert head.middle.shape == (len(ASPECTS),)
    return head
