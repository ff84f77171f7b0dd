"""What the numbers of a request say of the scan: few views, a short arc, small pixels, energies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.language.vocabulary import pattern
from planner.task import Condition

FEW_VIEWS = 250
FULL_ARC_DEG = 170.0  # "clearly less than 180 degrees"
NANO_M = 100e-9

_N = r"(\d+(?:\.\d+)?)"
_VIEWS = pattern("views")
_VIEWS_AFTER = pattern("views_after")
_PER_TURN = pattern("per_turn")
_FRAMES_TURN = pattern("frames_turn")
_NOT_VIEWS = pattern("not_views")
_STEP = pattern("step")
_PLUS_MINUS = pattern("plus_minus")
_FROM_TO = pattern("from_to")
_ARC = pattern("arc")
_TURNING = pattern("turning")
_GAP = pattern("gap")
_NOT_ARC = pattern("not_arc")
_FULL = pattern("full")
_SMALL = pattern("small")
_PIXEL = pattern("pixel")
_KEV = pattern("kev")
_ENERGIES = pattern("energies")


def conditions_from_numbers(text: str) -> set[Condition]:
    """The conditions that the numbers of normal `text` state.

    >>> sorted(conditions_from_numbers("±70 degrees in 2-degree steps, 30 nm pixel"))
    [<Condition.LIMITED_ANGLE: 'limited_angle'>, <Condition.NANO: 'nano'>, \
<Condition.SPARSE_VIEW: 'sparse_view'>]
    """
    found: set[Condition] = set()
    arc = _arc(text)
    if arc is not None and 15 <= arc < FULL_ARC_DEG:
        found.add(Condition.LIMITED_ANGLE)
    if _few_views(text, arc):
        found.add(Condition.SPARSE_VIEW)
    if _nano(text):
        found.add(Condition.NANO)
    if _several_energies(text):
        found.add(Condition.MULTI_ENERGY)
    return found


def _around(text: str, found: re.Match[str], width: int = 28) -> str:
    """The text near a match, not across the ends of its sentence."""
    before = re.split(
        r"[。.!?？！;；\n](?!\d)", text[max(0, found.start() - width) : found.start()]
    )[-1]
    after = re.split(r"[。!?？！;；\n]|\.(?!\d)", text[found.end() : found.end() + width])[0]
    return f"{before} {found.group()} {after}"


def _views(text: str) -> Iterator[int]:
    for counted in (_VIEWS, _VIEWS_AFTER, _PER_TURN, _FRAMES_TURN):
        for found in counted.finditer(text):
            near = text[max(0, found.start() - 14) : found.end() + 10]
            if _NOT_VIEWS.search(near):
                continue
            if re.search(
                r"\b(?:every|per|between|first|proj(?:ection)?|view)\s*$", text[: found.start()]
            ):
                continue
            yield int(found[1])


def _few_views(text: str, arc: float | None) -> bool:
    counts = [count for count in _views(text) if count >= 4]
    if counts:
        return min(counts) < FEW_VIEWS
    for found in _STEP.finditer(text):
        if _NOT_ARC.search(_around(text, found)):
            continue
        step = float(next(part for part in found.groups() if part))
        if step > 0 and (arc or 180.0) / step < FEW_VIEWS and step <= 30:
            return True
    return False


def _arc(text: str) -> float | None:
    """The angular range in degrees that the text states, None where it states none."""
    for found in _PLUS_MINUS.finditer(text):
        if not _NOT_ARC.search(_around(text, found)):
            return 2 * float(found[1])
    for found in _FROM_TO.finditer(text):
        low, high = (float(found[name].replace(" ", "")) for name in ("low", "high"))
        near = _around(text, found)
        if _NOT_ARC.search(near) or re.match(
            r"\s*(?:nm|um|mm|k?ev|s\b|min|%|gb|:|px|fps|分|天|小时|圈|张)", text[found.end() :]
        ):
            continue
        signed = found["low"].lstrip().startswith("-") and low < 0 < high
        if (signed and abs(low) <= 90 and abs(high) <= 90) or (
            found["unit"] and low <= 5 and 15 <= high <= 360 and _TURNING.search(near)
        ):
            return high - low
    full = _FULL.search(text) is not None
    for found in _ARC.finditer(text):
        value = float(found[1])
        near = _around(text, found)
        if _NOT_ARC.search(near) or not 15 <= value < 178:
            continue
        if _GAP.search(near) and value < 140:
            return 180.0 - value
        steps = _STEP.search(text, max(0, found.start() - 10), found.end() + 12)
        if steps and steps.start() <= found.start() < steps.end():
            continue
        if not full and value >= 40 and _TURNING.search(near):
            return value
    return None


def _nano(text: str) -> bool:
    for found in _SMALL.finditer(text):
        near = text[max(0, found.start() - 22) : found.end() + 14]
        if float(found[1]) < NANO_M * 1e9 and _PIXEL.search(near):
            return True
    for found in re.finditer(rf"{_N}\s*-?\s*(?:um|micron)", text, re.ASCII):
        near = text[max(0, found.start() - 16) : found.end() + 14]
        if 0 < float(found[1]) < NANO_M * 1e6 and _PIXEL.search(near):
            return True
    return False


def _several_energies(text: str) -> bool:
    if _KEV.search(text):
        return True
    return any(int(found[1]) >= 2 for found in _ENERGIES.finditer(text))
