"""Ring removals over worlds they were not adjusted on: `python -m planner.benchmarks.destripe`.

Each tool's best fixed strength is chosen on some worlds and measured on others, beside the
strength that the tool finds by itself. Both sets hold specimens with the beam's and the detector's
rings, faint to strong, narrow and broad, or none beside the noise of the flats, on detectors of two
sizes. The error is that of the slice: root mean square difference, inside the circle, to the
filtered back-projection of the true line integrals, divided by the same without any ring removal.
The best possible is what remains when each column is freed of its true mean error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from toolbox import Block, Center, DataKind, Geometry, GreyState, Stage, known_tools, make_tool
from toolbox.stripes import stripe_energy

FIXED = (1, 2, 3, 5, 9, 15)
RINGS = (0.0, 0.1, 0.3, 1.0)


def worlds(held_out: bool) -> list[tuple[World, float]]:
    """Worlds to choose on, or others to measure on: other seeds, doses and sizes; and how many
    columns wide the broad stripes are that are put in beside the simulated ones (0: none)."""
    sizes, seed = ((224, 448), 100) if held_out else ((192, 384), 0)
    doses = (8e3, 3e4, 1e5) if held_out else (1e4, 5e4, 2e5)
    found = []
    for kind, specimen in enumerate(("shepp_logan", "foam", "rock")):
        for step, rings in enumerate(RINGS):
            index = 4 * kind + step
            world = World(
                specimen=specimen, columns=sizes[index % 2], rows=1,
                projections=(180, 300, 420)[index % 3],
                photons=doses[(index + kind) % 3], rings=rings, seed=seed + index,
            )  # fmt: skip
            width = (0.0, 0.02, 0.0, 0.03)[(index + kind) % 4] if rings else 0.0
            found.append((world, width * world.columns))
    return found


@dataclass(frozen=True, eq=False)
class Case:
    """A striped sinogram and the true one (axes ``row, angle, col``), and the true slice."""

    world: World
    sinogram: Block
    truth: NDArray[np.float32]
    center: Center
    slice: NDArray[np.float32]

    def slices(self, values: NDArray[Any]) -> NDArray[np.float32]:
        block = self.sinogram.with_values(np.asarray(values, np.float32))
        return make_tool("fbp", {"padding": "zero"})(sinogram=block, center=self.center).values

    def error(self, values: NDArray[Any]) -> float:
        """Root mean square in the circle, of the slice of some sinogram."""
        size = self.slice.shape[-1]
        place = np.arange(size) - (size - 1) / 2
        inside = np.hypot(place[:, None], place[None, :]) < 0.48 * size
        return float(np.sqrt(np.mean((self.slices(values) - self.slice)[:, inside] ** 2)))

    def at(self, tool: str, strength: int) -> float:
        return self.error(make_tool(tool, {"strength": strength})(sinogram=self.sinogram).values)


def case(world: World, width: float) -> Case:
    """A simulated scan after flat field and −log, with broad stripes added where asked."""
    from scipy.ndimage import gaussian_filter1d

    scan = simulate(world)
    rows, frames = np.arange(world.rows), np.arange(world.projections)
    counts = Block(scan.projections(), DataKind.PROJECTIONS, GreyState.COUNTS,
                   Geometry.of(scan.info), rows, frames, scan.flats(), scan.darks())  # fmt: skip
    transmission = make_tool("flat_field", {})(projections=counts)
    sinogram = make_tool("minus_log", {})(projections=transmission).as_kind(DataKind.SINOGRAM)
    if width:
        rng = np.random.default_rng([world.seed, 9])
        broad = gaussian_filter1d(rng.standard_normal(world.columns), width / 2.4)
        broad *= 0.01 * world.rings / broad.std()
        sinogram = sinogram.with_values((sinogram.values + broad).astype(np.float32))
    truth = np.stack([scan.line_integrals(int(r)) for r in rows]).astype(np.float32)
    axis = Center(scan.truth_center, scan.truth_center, scan.truth_center)
    bare = Case(world, sinogram, truth, axis, np.zeros((1, 1, 1), np.float32))
    return Case(world, sinogram, truth, axis, bare.slices(truth))


def run(plot: Path | None = None, quick: bool = False) -> dict[str, Any]:
    """Print the table and return it as JSON; ``plot``: where to draw it (PNG, SVG)."""
    step = 3 if quick else 1
    known = [case(*w) for w in worlds(held_out=False)[::step]]
    unseen = [case(*w) for w in worlds(held_out=True)[::step]]
    before = np.array([c.error(c.sinogram.values) for c in unseen])
    start = np.array([c.error(c.sinogram.values) for c in known])
    ideal = [_without_mean_error(c) for c in unseen]
    names = [n for n, t in known_tools().items() if t.card.stage is Stage.DESTRIPE]
    rows = []
    for name in names:
        chosen = {k: float(np.mean([c.at(name, k) for c in known] / start)) for k in FIXED}
        best = min(chosen, key=lambda k: chosen[k])
        fixed = np.array([c.at(name, best) for c in unseen]) / before
        rows.append(_row(name, best, fixed, unseen, before))
    document = {
        "metric": "error of the slice over that without ring removal, mean over unseen worlds",
        "chosen_on": len(known),
        "measured_on": len(unseen),
        "best_possible": float(np.mean(np.array(ideal) / before)),
        "energy_before": float(np.mean([stripe_energy(c.sinogram.values)[0] for c in unseen])),
        "rows": rows,
    }
    print(table(document))
    if plot is not None:
        draw(document, plot)
    return document


def _row(
    name: str, best: int, fixed: NDArray[Any], unseen: list[Case], before: NDArray[Any]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "tool": name,
        "fixed_strength": best,
        "fixed": float(fixed.mean()),
        "fixed_worst": float(fixed.max()),
        "default_strength": make_tool(name, {}).parameters()["strength"],
    }
    if not _has_automatic(name):
        return row
    found, energy, strengths = [], [], []
    for c in unseen:
        tuned: Any = make_tool(name, {"strength": None}).tune(sinogram=c.sinogram).tool
        cleaned = tuned(sinogram=c.sinogram).values
        found.append(c.error(cleaned))
        energy.append(stripe_energy(cleaned)[0])
        strengths.append(tuned.strength)
    automatic = np.array(found) / before
    return row | {
        "automatic": float(automatic.mean()),
        "automatic_worst": float(automatic.max()),
        "automatic_energy": float(np.mean(energy)),
        "automatic_strengths": strengths,
        "as_good": float(np.mean(automatic <= fixed + 1e-9)),
    }


def _has_automatic(name: str) -> bool:
    strength = next(p for p in known_tools()[name].describe_parameters() if p.name == "strength")
    return bool(strength.about.auto)


def _without_mean_error(c: Case) -> float:
    wrong = (c.sinogram.values - c.truth).mean(axis=1, keepdims=True)
    return c.error(c.sinogram.values - wrong)


def table(document: dict[str, Any]) -> str:
    """The result as text."""
    lines = [
        f"{document['metric']} ({document['measured_on']}); best possible "
        f"{document['best_possible']:.3f}; stripes before {document['energy_before']:.3f} of noise",
        f"{'tool':<20}{'fixed':>7}{'error':>8}{'worst':>8}{'automatic':>11}{'worst':>8}"
        f"{'stripes':>9}{'as good':>9}{'default':>11}",
    ]
    for row in document["rows"]:
        line = (
            f"{row['tool']:<20}{row['fixed_strength']:>7}{row['fixed']:>8.4f}"
            f"{row['fixed_worst']:>8.3f}"
        )
        if "automatic" in row:
            line += (
                f"{row['automatic']:>11.4f}{row['automatic_worst']:>8.3f}"
                f"{row['automatic_energy']:>9.3f}{row['as_good']:>9.0%}"
            )
        else:
            line += f"{'–':>11}{'–':>8}{'–':>9}{'–':>9}"
        default = row["default_strength"]
        lines.append(line + f"{'automatic' if default is None else default:>11}")
    return "\n".join(lines)


def draw(document: dict[str, Any], path: Path) -> None:
    """Bars for each tool: fixed and default, mean and worst."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = np.arange(len(document["rows"]))
    for shift, way in ((-0.2, "fixed"), (0.2, "automatic")):
        at = [i for i, row in enumerate(document["rows"]) if way in row]
        means = [document["rows"][i][way] for i in at]
        worst = [document["rows"][i][f"{way}_worst"] for i in at]
        axes.bar(places[at] + shift, means, 0.4, label=f"{way}: mean")
        axes.plot(places[at] + shift, worst, "k_", label="worst" if shift < 0 else None)
    axes.axhline(1, color="grey", linewidth=0.8)
    axes.axhline(document["best_possible"], color="green", linewidth=0.8, label="best possible")
    labels = [row["tool"].removeprefix("stripe_") for row in document["rows"]]
    axes.set_xticks(places, labels)
    axes.set_ylabel("error of the slice over doing nothing")
    axes.set_ylim(0, 1.6)
    axes.legend(fontsize="small", ncols=4)
    figure.savefig(path)


if __name__ == "__main__":
    run(Path("destripe.png"))
