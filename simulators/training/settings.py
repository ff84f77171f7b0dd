"""How to train: one YAML a part, in ``configs/training``."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metadata.errors import InputError

PRECISIONS = ("bf16", "float32")
BEGINNINGS = ("random", "published")
MAY_CHANGE = ("max_minutes", "workers")  # between a run and its continuation
KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "str": (str, "a word"),
    "dict[str, Any]": (dict, "options by name"),
}


@dataclass(frozen=True)
class Settings:
    """``steps`` of ``batch`` examples drawn from a window of the last ``window`` simulated ones,
    into which ``fresh`` new ones come with every step (their mean; 1.0 and more: each is seen
    about ``batch / fresh`` times).

    AdamW at ``rate``, linear warm-up over ``warm_up`` steps, then a cosine down to a hundredth.
    ``settle``: from this part of the way on (0 to 1), batch normalisation keeps the statistics
    that it has gathered, so that the network learns as it will be used: where batches differ
    much from one another, their own statistics would help it in training only.
    ``average``: decay of the moving average that is validated and kept. Every ``validate_every``
    steps it is validated; ``patience`` validations without a better score end the training
    (0: never). ``max_minutes`` of wall clock bring the cosine to its end sooner. ``begin``:
    ``random`` weights, or the ``published`` ones, learned further.
    """

    seed: int = 0
    begin: str = "random"
    steps: int = 1000
    batch: int = 8
    window: int = 64
    fresh: float = 1.0
    workers: int = 1
    rate: float = 1e-3
    warm_up: int = 100
    decay: float = 1e-2
    clip: float = 1.0
    settle: float = 1.0
    average: float = 0.999
    precision: str = "bf16"
    validate_every: int = 200
    patience: int = 0
    max_minutes: float = 60.0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = self._of_other_kinds() or [
            f"{name} is {getattr(self, name)!r}, expected {what}"
            for name, good, what in (
                ("begin", self.begin in BEGINNINGS, " or ".join(BEGINNINGS)),
                ("steps", self.steps >= 1, "at least 1"),
                ("batch", self.batch >= 1, "at least 1"),
                ("seed", self.seed >= 0, "0 or more"),
                ("window", self.window >= 1, "at least 1"),
                ("fresh", self.fresh >= 0, "0 or more"),
                ("workers", self.workers >= 0, "0 (none beside the training) or more"),
                ("rate", self.rate > 0, "a positive number"),
                ("warm_up", self.warm_up >= 0, "0 or more"),
                ("decay", self.decay >= 0, "0 or more"),
                ("clip", self.clip > 0, "a positive number"),
                ("settle", 0 <= self.settle <= 1, "from 0 to 1"),
                ("average", 0 <= self.average < 1, "from 0 to below 1"),
                ("precision", self.precision in PRECISIONS, " or ".join(PRECISIONS)),
                ("validate_every", self.validate_every >= 1, "at least 1"),
                ("patience", self.patience >= 0, "0 (never) or more"),
                ("max_minutes", self.max_minutes > 0, "a positive number"),
            )
            if not good
        ]
        if problems:
            raise InputError(f"The training cannot start: {'; '.join(problems)}.")

    def _of_other_kinds(self) -> list[str]:
        """What is no number where one is expected, and the like; numbers that YAML takes for text
        (1e-3, without a point) become numbers."""
        problems = []
        for one in dataclasses.fields(self):
            value, kind = getattr(self, one.name), str(one.type)
            if kind == "float" and isinstance(value, str):
                with contextlib.suppress(ValueError):
                    value = float(value)
                    object.__setattr__(self, one.name, value)
            known, what = KINDS[kind]
            if not isinstance(value, known) or isinstance(value, bool):
                problems.append(f"{one.name} is {value!r}, expected {what}")
        return problems

    @classmethod
    def read(cls, path: str | Path) -> Settings:
        """From a YAML; raises :class:`InputError` naming what it does not know."""
        import yaml

        try:
            found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise InputError(
                f"The training settings {path} cannot be read: {error}. Expected a YAML like those "
                f"in configs/training."
            ) from None
        known = {f.name for f in dataclasses.fields(cls)}
        if not isinstance(found, dict) or set(found) - known:
            odd = ", ".join(sorted(set(found) - known)) if isinstance(found, dict) else str(found)
            raise InputError(f"{path} sets {odd}; expected only {', '.join(sorted(known))}.")
        return cls(**found)

    def to_json(self) -> dict[str, Any]:
        """As plain values, in order."""
        return dataclasses.asdict(self)

    def differences(self, other: dict[str, Any]) -> list[str]:
        """In what an earlier run's settings would not continue as these."""
        mine = self.to_json()
        return [f"{name}: {other.get(name)!r} then, {value!r} now" for name, value in mine.items()
                if name not in MAY_CHANGE and other.get(name) != value]  # fmt: skip
