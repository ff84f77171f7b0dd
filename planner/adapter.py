"""``tomoplan train adapter``: a new tool from somebody's own labelled images: a segmentation from
slices, a correction from projections or sinograms."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from metadata.errors import InputError
from planner.traits import Traits

#: Traits that decide whether a scan is like the one of the slices, and by how much they may differ
ALIKE = {"noise": 2.0, "view_sufficiency": 1.6}
LEAST_MINUTES = 0.05


def train_adapter(
    labels: Path | None,
    name: str | None = None,
    backbone: str = "reconstruction",
    scan: Path | None = None,
    unlabelled: int | None = None,
    minutes: float = 5.0,
    tuning: str | None = None,
) -> None:
    """Train it, and say what it is worth. ``labels``: a folder of images and their labels;
    ``backbone``: their domain; ``scan``: the scan that they are of, so that the planner offers the
    tool for scans like it alone; ``unlabelled``: the label of pixels of which nothing is said;
    ``tuning``: what is learned over the frozen backbone of slices, by name."""
    if labels is None:
        raise InputError(
            "`tomoplan train adapter` needs --labels FOLDER, a folder of images and their labels: "
            "pairs such as slice_0001.tif and slice_0001.labels.tif."
        )
    if not minutes >= LEAST_MINUTES:
        raise InputError(f"--minutes is {minutes:g}, expected at least {LEAST_MINUTES:g}.")
    from simulators.training.adapter.fitting import Schedule
    from simulators.training.adapter.making import train_adapter as train
    from toolbox.learned.adapters import TUNING, Tuning

    slices = backbone == "reconstruction"
    if tuning is not None and (not slices or tuning not in list(Tuning)):
        raise InputError(
            f"--tuning is {tuning!r} with the backbone {backbone!r}; expected one of "
            f"{', '.join(Tuning)} with the backbone 'reconstruction'. With the others the whole "
            f"network is trained."
        )
    suits = alike(scan) if scan is not None else None
    last = [-1]

    def tell(done: float, loss: float) -> None:
        tenth = int(10 * done)
        if tenth > last[0]:
            last[0] = tenth
            print(f"{100 * done:3.0f} %, loss {loss:.3f}", file=sys.stderr, flush=True)

    schedule = Schedule(minutes=minutes, rate=3e-3 if slices else 1e-3)
    name = name or _name_of(labels, "segment" if slices else "fill")
    card = train(labels, name, backbone, schedule, unlabelled, suits, tell,
                 Tuning(tuning or TUNING))  # fmt: skip
    for note in card["notes"]:
        print(note, file=sys.stderr)
    print(f"{card['name']}: {card['summary']}")
    print(f"It is a tool now: tomoplan tools {card['name']}")


def alike(scan: Path) -> dict[str, tuple[float, float]]:
    """The traits between which other scans count as like this one; none of a volume, of which
    there are no traits of projections."""
    from planner import service

    traits: Traits = service.inspect(scan).traits
    found = {}
    for trait, factor in ALIKE.items():
        value = getattr(traits, trait)
        if value is not None and value.value > 0:
            found[trait] = (value.value / factor, value.value * factor)
    return found


def _name_of(labels: Path, does: str) -> str:
    """A name from that of the folder and what the tool does.

    >>> _name_of(Path("My Bones 2"), "segment")
    'segment_my_bones_2'
    """
    plain = re.sub(r"[^a-z0-9]+", "_", labels.resolve().name.lower()).strip("_")
    return f"{does}_{plain or 'images'}"[:40]
