"""The numbers that a request asks for: how the slices are segmented for them, and what measures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from planner.language.normal import normal
from planner.language.translation import translate
from planner.language.vocabulary import vocabulary
from toolbox.card import parameters_of
from toolbox.kinds import Stage
from toolbox.recipe import Recipe, Step
from toolbox.registry import known_tools

if TYPE_CHECKING:
    from toolbox.execution import RunRecord

INSTANCES = "int32"  # labels of this type number objects; others are classes, the darkest 0


def measures_in(text: str) -> tuple[str, ...]:
    """The measuring tools that a text asks for, in its order.

    >>> measures_in("What is the pore size distribution, and the porosity?")
    ('size_distribution', 'volume_fractions')
    >>> measures_in("求孔壁的厚度")
    ('local_thickness',)
    """
    plain, found = normal(text), {}
    patterns = vocabulary("measures")["numbers"]
    for name, tool in known_tools().items():
        if tool.card.stage is not Stage.QUANTIFY:
            continue
        called = [re.escape(normal(n).strip()) for n in (name, tool.card.title, tool.card.title_zh)]
        match = re.search("|".join([*called, *filter(None, [patterns.get(name)])]), plain)
        if match:
            found[name] = match.start()
    return tuple(sorted(found, key=found.__getitem__))


def measures_here(lang: str) -> str:
    """What can be measured, in words.

    >>> "local thickness" in measures_here("en")
    True
    """
    cards = [t.card for t in known_tools().values() if t.card.stage is Stage.QUANTIFY]
    return ", ".join(c.title_zh if lang == "zh" else c.title for c in cards)


def measured_words(record: RunRecord, lang: str) -> list[str]:
    """What a run measured of its result, then how good the slices are, a line each.

    >>> measure_name("fraction_of_class_2", "zh"), measure_name("my_own", "en")
    ('第 2 类的体积分数', 'my own')
    """
    colon = ": " if lang == "en" else "："
    lines = []
    for name, of in record.quantities.items():
        span = "" if of["low"] is None else f" ({of['low']:.4g} … {of['high']:.4g})"
        value = f"{of['value']:.4g} {translate(of['unit'], lang)}".rstrip()
        lines.append(f"{measure_name(name, lang)}{colon}{value}{span}")
    lines += [f"{measure_name(n, lang)}{colon}{v:.4g}" for n, v in record.quality.items()]
    return lines


def measure_name(name: str, lang: str) -> str:
    """A measured number as people call it, by configs/language/measures.yaml; one that is not
    there by its own words."""
    for called, words in vocabulary("measures")["called"].items():
        found = re.fullmatch(called, name)
        if found:
            return str(words["en" if lang == "en" else "zh"]).format(*found.groups())
    return name.replace("_", " ")


def measuring(text: str, feature: str | None, segmenters: Iterable[str]) -> list[Recipe]:
    """The ways from the slices to the numbers asked for: the fractions of the classes where the
    text names none. ``segmenters``: the tools that may segment.

    Sizes are those of connected dark parts (what reaches the border, as the air around a specimen
    does, is left out) or of bright particles, each numbered; the thickness is that of the darkest
    class, or of the bright one of two.
    """
    said, words = normal(feature or text), vocabulary("measures")
    dark = bool(re.search(words["dark"], said)) and not re.search(words["bright"], said)
    tools = measures_in(text) or ("volume_fractions",)
    segmenters = tuple(segmenters)
    ways = [list(_ways(tool, dark, segmenters)) for tool in tools]
    found = []
    for chosen in itertools.product(*ways):
        by_segmentation: dict[Step, list[Step]] = {}
        for segmentation, measure in chosen:
            by_segmentation.setdefault(segmentation, []).append(measure)
        found.append(tuple(s for first, rest in by_segmentation.items() for s in (first, *rest)))
    return found


def _ways(tool: str, dark: bool, segmenters: Iterable[str]) -> Iterator[tuple[Step, Step]]:
    """A segmentation and the measure after it, for each segmentation that it can follow."""
    for name in segmenters:
        instances = known_tools()[name].card.output.dtype == INSTANCES
        # Only tools that number classes by brightness know which is the dark one
        ordered = any(p.name == "classes" for p in parameters_of(known_tools()[name]))
        if tool == "size_distribution" and instances:
            which = {"particles": "dark"} if dark else {}
            yield Step(name, which), Step(tool, {"border": False} if dark else {})
        elif ordered and tool == "size_distribution" and dark:
            yield Step(name), Step(tool, {"of_class": 0, "border": False})
        elif ordered and tool == "local_thickness" and not instances:
            two = {"classes": 2} if not dark else {}
            yield Step(name, two), Step(tool, {"of_class": int(not dark)})
        elif tool not in ("size_distribution", "local_thickness"):
            taken = known_tools()[tool].card.inputs.get("labels")
            if taken is not None and taken.dtype == known_tools()[name].card.output.dtype:
                yield Step(name), Step(tool)
