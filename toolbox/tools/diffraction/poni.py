"""Where a flat detector stands in the beam, from a .poni file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError

LINE = re.compile(r"^\s*([A-Za-z_]\w*)\s*:\s*(.+?)\s*$")


@dataclass(frozen=True)
class Poni:
    """The point of normal incidence and three rotations, as pyFAI defines them (Kieffer &
    Karkoulis 2013, J. Phys. Conf. Ser. 425, 202012): lengths in m, angles in rad; axis 1 goes
    along the rows, axis 2 along the columns of the picture, axis 3 along the beam."""

    pixel_1: float
    pixel_2: float
    distance: float
    poni_1: float
    poni_2: float
    rotations: tuple[float, float, float]
    wavelength: float | None = None

    @classmethod
    def read(cls, path: str | Path) -> Poni:
        """A .poni file of version 1 (pixel sizes as lines) or 2 (in ``Detector_config``); raises
        InputError for what lacks."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"The geometry {path} cannot be read ({error}). Expected a .poni file, as "
                f"pyFAI-calib2 or Dioptas write it after a calibration."
            ) from error
        said = {m[1].lower(): m[2] for line in text.splitlines() if (m := LINE.match(line))}
        try:
            detector = json.loads(said.get("detector_config", "{}"))
        except ValueError:
            detector = {}
        said |= {f"pixelsize{n}": str(detector[f"pixel{n}"]) for n in (1, 2)
                 if f"pixel{n}" in detector}  # fmt: skip
        needed = ("pixelsize1", "pixelsize2", "distance", "poni1", "poni2", "rot1", "rot2", "rot3")
        values: dict[str, float] = {}
        for name in needed:
            try:
                values[name] = float(said[name])
            except (KeyError, ValueError):
                continue
        lost = [n for n in needed if n not in values]
        if lost or values["distance"] <= 0 or min(values["pixelsize1"], values["pixelsize2"]) <= 0:
            raise InputError(
                f"The geometry {path} does not say: {', '.join(lost) or 'a positive distance'}. "
                f"Expected a .poni file with pixel sizes, distance, poni and rotations; calibrate "
                f"again, or write the detector's pixel sizes into it."
            )
        try:
            wavelength: float | None = float(said["wavelength"])
        except (KeyError, ValueError):
            wavelength = None
        return cls(
            values["pixelsize1"], values["pixelsize2"], values["distance"], values["poni1"],
            values["poni2"], (values["rot1"], values["rot2"], values["rot3"]), wavelength,
        )  # fmt: skip

    def directions(
        self, rows: NDArray[np.floating], columns: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Scattering angle 2θ and azimuth (both rad) and the cosine of the incidence on the
        detector, for places in px (0 is the outer edge of the first pixel), axes ``row, col``.

        >>> at = Poni(1e-4, 1e-4, 0.1, 0.0, 0.0, (0.0, 0.0, 0.0))
        >>> float(np.rad2deg(at.directions(np.array([0.0]), np.array([1000.0]))[0][0, 0]))
        45.0
        """
        p1 = (rows * self.pixel_1 - self.poni_1)[:, None]
        p2 = (columns * self.pixel_2 - self.poni_2)[None, :]
        c, s = np.cos(self.rotations), np.sin(self.rotations)
        first = np.array([[1, 0, 0], [0, c[0], s[0]], [0, -s[0], c[0]]])
        second = np.array([[c[1], 0, -s[1]], [0, 1, 0], [s[1], 0, c[1]]])
        third = np.array([[c[2], -s[2], 0], [s[2], c[2], 0], [0, 0, 1]])
        turn = third @ second @ first
        t1, t2, t3 = (turn[i, 0] * p1 + turn[i, 1] * p2 + turn[i, 2] * self.distance
                      for i in range(3))  # fmt: skip
        incidence = self.distance / np.sqrt(p1**2 + p2**2 + self.distance**2)
        return np.arctan2(np.hypot(t1, t2), t3), np.arctan2(t1, t2), incidence
