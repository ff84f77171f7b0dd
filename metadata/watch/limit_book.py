"""Which limits each metric has: from the command line, a file, or the source itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from metadata.errors import InputError
from metadata.series import Limits, MetricInfo

NONE = ("", "~", "null", "none", ".inf", "+.inf", "-.inf", "inf", "-inf", "+inf")
WILD = frozenset("*?[")
SHOWN = 12  # names that an error lists


@dataclass(frozen=True)
class LimitBook:
    """Limits by the name of the metric (``*`` and ``?`` match many), what was said first before
    what a file says, and ``alone`` for the one metric of a source.

    >>> book = LimitBook.given(["axis=-2:3.5", "hutch_*=:25"])
    >>> infos = {n: MetricInfo(n) for n in ("axis", "hutch_temperature", "ring")}
    >>> {n: (i.limits.high if i.limits else None) for n, i in book.applied(infos).items()}
    {'axis': 3.5, 'hutch_temperature': 25.0, 'ring': None}
    """

    alone: Limits | None = None
    said: tuple[tuple[str, Limits], ...] = ()
    filed: tuple[tuple[str, Limits], ...] = ()

    @classmethod
    def given(cls, texts: Iterable[str] = (), path: str | Path | None = None) -> LimitBook:
        """From ``--limit`` texts (``HIGH``, ``LOW:HIGH``, ``NAME=…``, or a YAML file) and a file.

        Raises InputError where one cannot be read or two speak of all metrics.
        """
        alone: list[Limits] = []
        said: list[tuple[str, Limits]] = []
        filed = list(read_limits(path)) if path is not None else []
        for text in texts:
            name, equals, sides = text.rpartition("=")
            if equals:
                said.append((name.strip(), Limits.parse(sides)))
            elif text.lower().endswith((".yaml", ".yml")):
                filed += read_limits(text)
            else:
                alone.append(Limits.parse(text))
        if len(alone) > 1:
            raise InputError(
                f"{len(alone)} limits name no metric; expected at most one such limit, or "
                f"--limit NAME=LOW:HIGH for each of several metrics."
            )
        return cls(alone[0] if alone else None, tuple(said), tuple(filed))

    def applied(
        self, infos: Mapping[str, MetricInfo], *, more_to_come: bool = False
    ) -> dict[str, MetricInfo]:
        """The metrics with the limits that hold for them.

        Raises InputError where a limit cannot be placed: a name that no metric has, or none at
        all for several metrics; not where a live source may still bring metrics.
        """
        if self.alone is not None and len(infos) > 1:
            raise InputError(
                f"The limit {_sides(self.alone)} names no metric and there are {len(infos)}: "
                f"{_listed(infos)}. Expected --limit NAME=LOW:HIGH."
            )
        for pattern, _ in self.said:
            if not more_to_come and not any(_matches(pattern, n) for n in infos):
                raise InputError(
                    f"A limit is given for {pattern}, which no source has; there are "
                    f"{_listed(infos)}. Expected one of these names."
                )
        return {n: replace(i, limits=self.limits_of(n, i.limits)) for n, i in infos.items()}

    def limits_of(self, metric: str, own: Limits | None = None) -> Limits | None:
        """The limits of one metric; ``own`` are those that its source knows."""
        for pattern, limits in self.said:
            if _matches(pattern, metric):
                return limits
        if self.alone is not None:
            return self.alone
        exact = dict(self.filed).get(metric)
        if exact is not None:
            return exact
        wild = (limits for pattern, limits in self.filed if _matches(pattern, metric))
        return next(wild, own)


def read_limits(path: str | Path) -> tuple[tuple[str, Limits], ...]:
    """The limits of a YAML file: ``NAME: HIGH``, ``NAME: LOW:HIGH`` or ``NAME: {low: …, high: …}``,
    at the top or below ``limits:``.

    Raises InputError that lists every line which cannot be used.
    """
    import yaml

    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        # Only strings: YAML 1.1 takes 2:30 for 150, a number to the base 60.
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        document = yaml.load(text, Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"The limits {path} cannot be read ({error}); expected a YAML file with lines such as "
            f"axis: 3.5 or beam_y: {{low: -2, high: 3}}."
        ) from None
    if isinstance(document, dict) and set(document) == {"limits"}:
        document = document["limits"]
        node = node.value[0][1] if node is not None else None
    if not isinstance(document, dict) or not document:
        raise InputError(
            f"{path} holds no limits; expected lines such as axis: 3.5 or beam_y: "
            f"{{low: -2, high: 3}}, one for each metric."
        )
    problems = []
    keys = [key.value for key, _ in (node.value if node is not None else ())]
    problems += [f"{name} stands there twice" for name in sorted(set(keys)) if keys.count(name) > 1]
    found = []
    for name, given in document.items():
        try:
            found.append((name, _limits(given)))
        except (InputError, ValueError) as error:
            problems.append(f"{name}: {error}" if str(error) else f"{name}: {given!r}")
    if problems:
        raise InputError(
            f"The limits {path} cannot be used: {'; '.join(problems)}. Expected NAME: HIGH, "
            f"NAME: LOW:HIGH or NAME: {{low: LOW, high: HIGH}}, numbers in the unit of the metric."
        )
    return tuple(found)


def _limits(given: Any) -> Limits:
    if isinstance(given, dict):
        unknown = set(given) - {"low", "high", "unit", "about"}
        if unknown or not set(given) & {"low", "high"}:
            raise ValueError(f"{', '.join(sorted(unknown)) or 'no'} instead of low and high")
        return Limits(
            _side(given.get("low", ""), -math.inf), _side(given.get("high", ""), math.inf)
        )
    if isinstance(given, list):
        if len(given) != 2:
            raise ValueError(f"{len(given)} numbers instead of two")
        return Limits(_side(given[0], -math.inf), _side(given[1], math.inf))
    return Limits.parse(given)


def _side(text: str, none: float) -> float:
    return none if text.strip().lower() in NONE else float(text)


def _matches(pattern: str, name: str) -> bool:
    # EPICS names hold brackets of their own, so the name itself always matches.
    return pattern == name or (bool(WILD & set(pattern)) and fnmatchcase(name, pattern))


def _listed(names: Iterable[str]) -> str:
    all_names = sorted(names)
    more = len(all_names) - SHOWN
    return ", ".join(all_names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _sides(limits: Limits) -> str:
    low = f"{limits.low:g}:" if math.isfinite(limits.low) else ""
    return low + (f"{limits.high:g}" if math.isfinite(limits.high) else "")
