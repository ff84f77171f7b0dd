"""Steps that need several scans, or what the words name: registration, materials, geometry."""

from __future__ import annotations

import re

from planner.materials import named_materials
from planner.situation import Situation
from toolbox.recipe import Recipe, Step

BENT = re.compile(r"non-?rigid|deformable|elastic\w* regist|b-?spline|非刚性|弹性配准|样条", re.I)
AFFINE = re.compile(r"\baffine\b|仿射|shrink|swell|scal(?:e|ing)|缩放|收缩|膨胀", re.I)
OTHER_CONTRAST = re.compile(
    r"modalit|neutron|\bmri\b|\bxrf\b|fluoresc|\bsem\b|phase and absor|中子|荧光|模态|能量|energ",
    re.I,
)


def registration(situation: Situation) -> list[Recipe]:
    """The second scan brought to the first: how freely, and by which likeness, as the words and
    the files say."""
    text = situation.task.text
    model = "bspline" if BENT.search(text) else "affine" if AFFINE.search(text) else "rigid"
    infos = situation.infos
    alike = len({i.probe for i in infos}) == 1 and len({i.energy_kev for i in infos}) == 1
    parameters: dict[str, object] = {} if model == "rigid" else {"model": model}
    if alike and not OTHER_CONTRAST.search(text):
        parameters["similarity"] = "correlation"
    return [(Step("register_volumes", parameters), Step("apply_transform"))]


def decomposition(situation: Situation) -> list[Recipe]:
    """Materials named in the words, at the energies that the files state."""
    named = named_materials(situation.task.text)
    if len(named) < 1 or any(i.energy_kev is None for i in situation.infos):
        return []
    return [(Step("decompose_materials", {"materials": ", ".join(named)}),)]


def diffraction(situation: Situation) -> list[Recipe]:
    """Integration by the geometry file beside the picture, and a fit of the peaks."""
    geometry = situation.info.path.with_suffix(".poni")
    if not geometry.is_file():
        return []
    return [(Step("azimuthal_integration", {"geometry": str(geometry)}), Step("fit_peaks"))]
