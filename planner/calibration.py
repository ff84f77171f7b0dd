"""A short measurement of tools that this machine has not run yet."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from metadata.errors import TomoplanError
from metadata.store import Store
from planner.grammar import Slot, slots
from planner.situation import Situation
from toolbox.recipe import Recipe, wire

if TYPE_CHECKING:
    from planner.cost import MeasuredCosts

SIZES = ((64, 2), (192, 4))  # columns, rows; as many views as columns
ENOUGH_SECONDS = 30.0  # after this, tools stay with their small size only


def calibrate(situation: Situation, costs: MeasuredCosts, store: Store) -> bool:
    """Run every tool of a situation's grammar that has no measured cost; whether any was."""
    places = slots(situation)
    todo = [r for r in coverage(places) if any(not costs.knows(s.tool) for s in r)]
    if not todo or len(situation.infos) > 1:
        return False
    print(
        f"First use of some tools on this machine: timing {len(todo)} small runs "
        f"(kept in {store.path}) …",
        file=sys.stderr,
    )
    began = time.perf_counter()
    for size, (columns, rows) in enumerate(SIZES):
        for recipe in todo:
            if size and time.perf_counter() - began > ENOUGH_SECONDS:
                return True
            if not size:
                _run(recipe, columns, rows, None)  # warms imports and compiled code
            _run(recipe, columns, rows, store)
    return True


def coverage(places: list[Slot]) -> list[Recipe]:
    """A few recipes that together hold every step of every slot.

    >>> from toolbox.recipe import Step
    >>> a, b = (Step("a"),), (Step("b"),)
    >>> [[s.tool for s in r] for r in coverage([Slot("one", (a, b), False)])]
    [['a'], ['b']]
    """
    if any(not p.steps and not p.optional for p in places):
        return []
    most = max((len(p.steps) for p in places), default=0)
    found: list[Recipe] = []
    for turn in range(most):
        recipe: Recipe = ()
        for place in places:
            if turn < len(place.steps):
                recipe += place.steps[turn]
            elif not place.optional:
                recipe += place.steps[0]
        found.append(recipe)
    return found


def _run(recipe: Recipe, columns: int, rows: int, store: Store | None) -> None:
    from simulators import World, simulate
    from toolbox.execution import run

    scan = simulate(World("foam", columns=columns, rows=rows, projections=columns, photons=2e4,
                          rings=0.3))  # fmt: skip
    try:
        with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
            document = run(wire(recipe), [scan], Path(folder) / "out.h5").to_json()
    except TomoplanError as error:
        names = " → ".join(s.tool for s in recipe)
        print(f"Timing {names} failed and is left out: {error}", file=sys.stderr)
        return
    if store is not None:
        store.add_run(document | {"task": {"calibration": True}})
