"""How much better than its company each result is, learned where the truth was known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import WorkError
from planner.audition.company import Company
from planner.forest import grown

WEIGHTS = Path(__file__).parent / "weights" / "judge.safetensors"
Floats = NDArray[np.floating]


class Judge:
    """The mean of some forests (:mod:`planner.forest`)."""

    def __init__(self, forests: Sequence[Mapping[str, NDArray]]) -> None:
        self._forests = tuple(forests)

    def __call__(self, company: Company, expected: Floats) -> NDArray[np.float64]:
        """Quality of each result: what was ``expected`` on average, and how much each lies above
        that by what it looks like."""
        features = company.features(expected)
        said = np.mean([grown(forest, features) for forest in self._forests], axis=0)
        return np.asarray(expected.mean() + said - said.mean(), np.float64)


@cache
def trained(path: Path = WEIGHTS) -> Judge:
    """The judge as shipped; WorkError where there is none."""
    from safetensors.numpy import load_file

    card = path.with_suffix(".json")
    if not (path.exists() and card.exists()):
        raise WorkError(
            f"There are no weights of the judge of auditions at {path}. Train it: "
            "`tomoplan train audition`."
        )
    members = int(json.loads(card.read_text(encoding="utf-8"))["members"])
    found = load_file(path)
    return Judge([
        {name.split(".", 1)[1]: values for name, values in found.items()
         if name.startswith(f"{at}.")}
        for at in range(members)
    ])  # fmt: skip
