"""Draws a pipeline: steps as boxes in layers from left to right, edges named by what flows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from metadata.errors import InputError
from metadata.whole_file import whole_file, write_text
from toolbox.kinds import DataKind, Stage
from toolbox.pipeline import SCAN, Pipeline, source_kind
from toolbox.registry import known_tools

BOX_WIDTH, LINE, PAD = 180.0, 17.0, 11.0
GAP_X, GAP_Y, MARGIN = 86.0, 30.0, 20.0

FILLS = {
    Stage.CORRECT: "#dbeafe", Stage.DESTRIPE: "#cffafe", Stage.CENTER: "#fef3c7",
    Stage.PHASE: "#e0e7ff", Stage.STITCH: "#fce7f3", Stage.ALIGN: "#fae8ff",
    Stage.RECONSTRUCT: "#dcfce7", Stage.DENOISE: "#ecfccb", Stage.SEGMENT: "#ffedd5",
    Stage.QUANTIFY: "#fee2e2", Stage.QUALITY: "#f3f4f6", Stage.SUPER_RESOLVE: "#d9f99d",
    Stage.REGISTER: "#e0f2fe", Stage.DECOMPOSE: "#fef9c3", Stage.DEFORM: "#ffe4e6",
    Stage.DIFFRACTION: "#ede9fe",
}  # fmt: skip
SCAN_FILL, UNKNOWN_FILL, INK, FAINT = "#f1f5f9", "#ffffff", "#1e293b", "#64748b"
THIN = {DataKind.CENTER, DataKind.SHIFTS, DataKind.TRANSFORM}  # small values: dashed edges


@dataclass(frozen=True)
class Box:
    """A step in the drawing; lengths in px, ``x``, ``y`` at the upper left."""

    name: str
    title: str
    lines: tuple[str, ...]
    fill: str
    x: float
    y: float
    height: float
    width: float = BOX_WIDTH

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True)
class Line:
    """An edge: its corner points from source to target, and what flows."""

    points: tuple[tuple[float, float], ...]
    label: str
    at: tuple[float, float]  # middle of the label
    dashed: bool


@dataclass(frozen=True)
class Drawing:
    """All that is drawn, and how large."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


def draw_pipeline(pipeline: Pipeline, path: str | Path) -> None:
    """Write the drawing; SVG, PNG or PDF by the file's ending.

    Raises InputError for another ending or a folder that is not there, WorkError where the disk
    refuses; then nothing is left under the name.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".svg":
        write_text(path, pipeline_svg(pipeline))
    elif ending in (".png", ".pdf"):
        with whole_file(path) as draft:
            _with_matplotlib(lay_out(pipeline), draft)
    else:
        raise InputError(
            f"A pipeline cannot be drawn to {path.name}: the ending is {ending or 'missing'!r}, "
            f"expected .svg, .png or .pdf."
        )


# ---- layout ------------------------------------------------------------------------------


def lay_out(pipeline: Pipeline) -> Drawing:
    """Places for boxes and edges: layers by the longest way from a scan, order by what leads in.

    An edge that passes over layers gets an empty place in each of them, so that it crosses no box.
    """
    layer = _layers(pipeline)
    count = max(layer.values(), default=-1) + 1
    columns: list[list[str]] = [[] for _ in range(count)]
    for name, at in layer.items():
        columns[at].append(name)
    chains: dict[int, list[str]] = {}
    edges = [e for e in pipeline.edges if e.source in layer and e.target in layer]
    neighbours: dict[str, list[str]] = {}
    for number, edge in enumerate(edges):
        stops = [f"\0{number}:{at}" for at in range(layer[edge.source] + 1, layer[edge.target])]
        for at, stop in enumerate(stops, layer[edge.source] + 1):
            columns[at].append(stop)
        chains[number] = [edge.source, *stops, edge.target]
        for a, b in zip(chains[number], chains[number][1:], strict=False):
            neighbours.setdefault(a, []).append(b)
            neighbours.setdefault(b, []).append(a)
    _untangle(columns, neighbours)
    texts = {n.id: _text(pipeline, n.id) for n in pipeline.nodes}
    sizes = {n: _height(texts[n][1]) for n in layer}
    tops = _tops(columns, neighbours, sizes)
    boxes = {
        n: Box(n, *texts[n], MARGIN + at * (BOX_WIDTH + GAP_X), tops[n], sizes[n])
        for n, at in layer.items()
    }
    lines = _lines(pipeline, edges, chains, boxes, tops)
    width = 2 * MARGIN + count * BOX_WIDTH + max(count - 1, 0) * GAP_X
    lowest = max((b.y + b.height for b in boxes.values()), default=0.0)
    lowest = max([lowest, *(y for line in lines for _, y in line.points)])
    return Drawing(tuple(boxes.values()), lines, width, lowest + MARGIN)


def _layers(pipeline: Pipeline) -> dict[str, int]:
    """The longest way from a start to each node; nodes of a circle are left where they are met."""
    sources: dict[str, list[str]] = {n.id: [] for n in pipeline.nodes}
    for edge in pipeline.edges:
        if edge.target in sources and edge.source in sources:
            sources[edge.target].append(edge.source)
    found: dict[str, int] = {}

    def depth(name: str, above: tuple[str, ...]) -> int:
        if name in found:
            return found[name]
        before = [depth(s, (*above, name)) for s in sources[name] if s not in above and s != name]
        found[name] = 1 + max(before, default=-1)
        return found[name]

    for name in sources:
        depth(name, ())
    return found


def _untangle(columns: list[list[str]], neighbours: dict[str, list[str]]) -> None:
    """Order each column by the mean place of what it is joined with, back and forth."""
    for sweep in range(6):
        order = range(len(columns)) if sweep % 2 == 0 else range(len(columns) - 1, -1, -1)
        for at in order:
            other = at - 1 if sweep % 2 == 0 else at + 1
            if not 0 <= other < len(columns):
                continue
            place = {n: i / max(len(columns[other]) - 1, 1) for i, n in enumerate(columns[other])}
            here = {n: i / max(len(columns[at]) - 1, 1) for i, n in enumerate(columns[at])}

            def rank(name: str, place: dict[str, float] = place, here: dict[str, float] = here
                     ) -> float:  # fmt: skip
                joined = [place[n] for n in neighbours.get(name, []) if n in place]
                return sum(joined) / len(joined) if joined else here[name]

            columns[at].sort(key=rank)


def _tops(
    columns: list[list[str]], neighbours: dict[str, list[str]], sizes: dict[str, float]
) -> dict[str, float]:
    """Upper edges: as near as can be to the middle of what a node is joined with."""
    tops: dict[str, float] = {}

    def size(name: str) -> float:
        return sizes.get(name, LINE)

    for column in columns:
        y = MARGIN
        for name in column:
            tops[name] = y
            y += size(name) + GAP_Y
    for sweep in range(40):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wished = []
            for name in column:
                joined = [tops[n] + size(n) / 2 for n in neighbours.get(name, [])]
                middle = sum(joined) / len(joined) if joined else tops[name] + size(name) / 2
                wished.append(middle - size(name) / 2)
            _spread(column, wished, size, tops)
    least = min(tops.values(), default=MARGIN)
    return {name: top - least + MARGIN for name, top in tops.items()}


def _spread(column: list[str], wished: list[float], size: Any, tops: dict[str, float]) -> None:
    """Places in the given order without overlap, near the wished ones."""
    low, y = [], float("-inf")
    for name, wish in zip(column, wished, strict=True):
        y = max(y, wish)
        low.append(y)
        y += size(name) + GAP_Y
    high, y = [0.0] * len(column), float("inf")
    for at in range(len(column) - 1, -1, -1):
        y = min(y - size(column[at]) - GAP_Y, wished[at]) if y < float("inf") else wished[at]
        high[at] = y
    for name, a, b in zip(column, low, high, strict=True):
        tops[name] = (a + b) / 2


def _lines(
    pipeline: Pipeline,
    edges: Sequence[Any],
    chains: dict[int, list[str]],
    boxes: dict[str, Box],
    tops: dict[str, float],
) -> tuple[Line, ...]:
    def spread(box: Box, joined: list[int], number: int) -> float:
        """Where along a box's side an edge ends: in the order of the other ends."""
        at = joined.index(number)
        return box.y + box.height * (at + 1) / (len(joined) + 1)

    def middle(name: str) -> float:
        return boxes[name].middle if name in boxes else tops[name] + LINE / 2

    outs, ins = dict[str, list[int]](), dict[str, list[int]]()
    for number, edge in enumerate(edges):
        outs.setdefault(edge.source, []).append(number)
        ins.setdefault(edge.target, []).append(number)
    for joined in outs.values():
        joined.sort(key=lambda n: middle(chains[n][1]))
    for joined in ins.values():
        joined.sort(key=lambda n: middle(chains[n][-2]))
    lines = []
    for number, edge in enumerate(edges):
        source, target = boxes[edge.source], boxes[edge.target]
        points = [(source.x + source.width, spread(source, outs[edge.source], number))]
        for stop in chains[number][1:-1]:
            x = MARGIN + int(stop.partition(":")[2]) * (BOX_WIDTH + GAP_X)
            points += [(x, middle(stop)), (x + BOX_WIDTH, middle(stop))]
        points.append((target.x, spread(target, ins[edge.target], number)))
        kind = _kind(pipeline, edge.source)
        # inside the last gap, next to the arrow: nothing else is drawn there
        (xa, ya), (xb, yb) = points[-2], points[-1]
        lines.append(Line(tuple(points), kind, ((xa + xb) / 2, (ya + yb) / 2),
                          kind in {k.value for k in THIN}))  # fmt: skip
    return tuple(lines)


# ---- words -------------------------------------------------------------------------------


def _text(pipeline: Pipeline, name: str) -> tuple[str, tuple[str, ...], str]:
    """Title, further lines and colour of a step."""
    node = next(n for n in pipeline.nodes if n.id == name)
    if node.tool == SCAN:
        index = node.parameters.get("index", 0)
        word = "volume" if source_kind(node) is DataKind.VOLUME else "scan"
        return (f"{word} {index + 1}" if index else word), (), SCAN_FILL
    cls = known_tools().get(node.tool)
    if cls is None:
        return node.tool, ("unknown tool",), UNKNOWN_FILL
    defaults = {p.name: p.default for p in cls.describe_parameters()}
    lines = [
        _short(f"{key} = {_value(value)}")
        for key, value in node.parameters.items()
        if key not in defaults or defaults[key] != value
    ]
    if len(lines) > 5:
        lines = [*lines[:4], f"… and {len(lines) - 4} more"]
    title = cls.card.title
    return title[0].upper() + title[1:], (node.tool, *lines), FILLS[cls.card.stage]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list | tuple) and len(value) > 4:
        return f"{len(value)} values"
    return "automatic" if value is None else str(value)


def _short(text: str, most: int = 28) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _kind(pipeline: Pipeline, name: str) -> str:
    node = next(n for n in pipeline.nodes if n.id == name)
    if node.tool == SCAN:
        return source_kind(node).value
    cls = known_tools().get(node.tool)
    return cls.card.output.kind.value if cls else "?"


def _title_lines(title: str, most: int = 24) -> list[str]:
    """A title in lines that fit into a box."""
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _height(lines: Iterable[str]) -> float:
    return 2 * PAD + LINE * (2 + len(tuple(lines)))


# ---- pictures ----------------------------------------------------------------------------


def pipeline_svg(pipeline: Pipeline) -> str:
    """The drawing as SVG text, as a notebook shows it."""
    drawing = lay_out(pipeline)
    width, height = drawing.width, drawing.height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="Helvetica, Arial, sans-serif">',
        '<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="8" refY="4" '
        f'orient="auto"><path d="M0,0 L9,4 L0,8 Z" fill="{FAINT}"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
    ]
    for line in drawing.lines:
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        parts.append(f'<path d="{_svg_path(line.points)}" fill="none" stroke="{FAINT}" '
                     f'stroke-width="1.6"{dash} marker-end="url(#tip)"/>')  # fmt: skip
    for line in drawing.lines:
        parts.append(f'<text x="{line.at[0]:.1f}" y="{line.at[1] - 5:.1f}" font-size="11" '
                     f'fill="{FAINT}" text-anchor="middle" stroke="white" stroke-width="4" '
                     f'paint-order="stroke">{escape(line.label)}</text>')  # fmt: skip
    for box in drawing.boxes:
        parts.append(
            f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.0f}" '
            f'height="{box.height:.1f}" rx="9" fill="{box.fill}" stroke="{FAINT}"/>'
        )
        for text, y, size, bold, ink in _box_texts(box):
            weight = ' font-weight="bold"' if bold else ""
            parts.append(f'<text x="{box.x + box.width / 2:.1f}" y="{y + size * 0.35:.1f}" '
                         f'font-size="{size}"{weight} fill="{ink}" text-anchor="middle">'
                         f"{escape(text)}</text>")  # fmt: skip
    return "\n".join([*parts, "</svg>"])


def _box_texts(box: Box) -> list[tuple[str, float, float, bool, str]]:
    """Text, middle height, size, weight and colour of each line in a box."""
    titles = _title_lines(box.title)
    count = len(titles) + len(box.lines)
    y = box.middle - (count - 1) * LINE / 2
    found = []
    for at, text in enumerate([*titles, *box.lines]):
        title = at < len(titles)
        found.append((text, y + at * LINE, 13.0 if title else 11.0, title, INK if title else FAINT))
    return found


def _curve(a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
    """Control points of the bend between two points."""
    reach = (b[0] - a[0]) / 2
    return [(a[0] + reach, a[1]), (b[0] - reach, b[1]), b]


def _svg_path(points: Sequence[tuple[float, float]]) -> str:
    text = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for a, b in itertools.pairwise(points):
        text += " C" + " ".join(f"{x:.1f},{y:.1f}" for x, y in _curve(a, b))
    return text


def _with_matplotlib(drawing: Drawing, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
    from matplotlib.path import Path as Outline

    scale = 72.0  # px of the drawing per inch, which makes font sizes those of the SVG
    figure = Figure(figsize=(drawing.width / scale, drawing.height / scale), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, drawing.width), ylim=(drawing.height, 0))
    axes.axis("off")
    for line in drawing.lines:
        corners, codes = [line.points[0]], [Outline.MOVETO]
        for a, b in zip(line.points, line.points[1:], strict=False):
            corners += _curve(a, b)
            codes += [Outline.CURVE4] * 3
        axes.add_patch(FancyArrowPatch(
            path=Outline(corners, codes), arrowstyle="-|>", mutation_scale=11, color=FAINT,
            linewidth=1.3, linestyle=(0, (4, 3)) if line.dashed else "-", fill=False, zorder=1,
        ))  # fmt: skip
    for line in drawing.lines:
        axes.text(line.at[0], line.at[1] - 8, line.label, size=10, color=FAINT, ha="center",
                  va="center", zorder=2,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
    for box in drawing.boxes:
        axes.add_patch(FancyBboxPatch(
            (box.x + 8, box.y + 8), box.width - 16, box.height - 16, facecolor=box.fill,
            boxstyle="round,pad=8", edgecolor=FAINT, linewidth=1, zorder=3,
        ))  # fmt: skip
        for text, y, size, bold, ink in _box_texts(box):
            axes.text(box.x + box.width / 2, y, text, size=size * 0.92, color=ink, ha="center",
                      va="center", weight="bold" if bold else "normal", zorder=4)  # fmt: skip
    figure.savefig(path, dpi=2 * scale)
