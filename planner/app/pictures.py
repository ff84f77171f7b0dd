"""Pictures for people: what was scanned, what came out, and how."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from metadata.whole_file import require_folder, whole_file
from toolbox.pipeline import Pipeline

if TYPE_CHECKING:
    from planner.inspection import Inspection


FEW_ROWS = 16


def preview_picture(found: Inspection, path: Path) -> None:
    """A projection, a sinogram and a quick slice side by side, written as PNG."""
    seen = found.preview
    if seen is None:
        figure, axes = _figure(1)
        assert found.picture is not None
        _show(np.ravel(axes)[0], found.picture, found.info.content.value)
        _save(figure, path)
        return
    figure, axes = _figure(3)
    _show(axes[0], seen.projection, "projection")
    middle = seen.attenuation.values[len(seen.attenuation.values) // 2]
    _show(
        axes[1], middle, f"sinogram, row {seen.attenuation.rows[len(seen.attenuation.rows) // 2]}"
    )
    axes[1].set_aspect("auto")
    if found.center is not None:
        axes[1].axvline(found.center.column, color="tab:red", linewidth=0.8)
        _show(axes[2], quick_slice(found), f"quick slice, axis {found.center.column:.1f} px")
    else:
        axes[2].axis("off")
    _save(figure, path)


def result_picture(found: Inspection, volume: NDArray[Any], pipeline: Pipeline, path: Path) -> None:
    """The preview, a slice of the result and the drawn pipeline, written as PNG."""
    import tempfile

    import matplotlib.image

    with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
        drawing = Path(folder) / "pipeline.png"
        pipeline.draw(drawing)
        graph = matplotlib.image.imread(drawing)
    figure, axes = _figure(2, rows=2, heights=(3.2, 1.0))
    seen = found.preview
    if seen is None:
        assert found.picture is not None
        _show(axes[0, 0], found.picture, f"{found.info.content.value}: {found.info.path.name}")
    elif found.info.rows < FEW_ROWS:  # a projection of so few rows shows nothing
        _show(axes[0, 0], seen.attenuation.values[0], f"sinogram: {found.info.path.name}")
        axes[0, 0].set_aspect("auto")
    else:
        _show(axes[0, 0], seen.projection, f"projection: {found.info.path.name}")
    _show(axes[0, 1], volume[len(volume) // 2], "slice")
    for below in axes[1]:
        below.remove()
    wide = figure.add_subplot(axes[1, 0].get_gridspec()[1, :])
    wide.imshow(graph)
    wide.axis("off")
    _save(figure, path)


def quick_slice(found: Inspection) -> NDArray[np.float32]:
    """A slice of the middle row of the preview by filtered back-projection, axes ``y, x``."""
    assert found.preview is not None
    from toolbox.registry import make_tool

    sinogram = found.preview.attenuation
    middle = len(sinogram.rows) // 2
    row = sinogram.take_rows(slice(middle, middle + 1))
    return make_tool("fbp", {})(sinogram=row, center=found.center).values[0]


def _figure(
    columns: int, rows: int = 1, heights: tuple[float, ...] | None = None
) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * columns, 5 * rows if heights is None else 6.6),
                    layout="constrained")  # fmt: skip
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, height_ratios=heights)


def _show(axes: Any, image: NDArray[Any], title: str) -> None:
    low, high = np.nanquantile(image, [0.005, 0.995])
    axes.imshow(image, cmap="gray", vmin=low, vmax=high,
                aspect="auto" if image.shape[0] < image.shape[1] / 8 else "equal")  # fmt: skip
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])


def _save(figure: Any, path: Path) -> None:
    with whole_file(path) as draft:
        figure.savefig(draft, dpi=110)


def require_picture(path: Path) -> None:
    """Raise where a picture cannot be written under a name, before any work for it is done."""
    from matplotlib.backend_bases import FigureCanvasBase

    endings = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix.lower().lstrip(".") not in endings:
        raise InputError(
            f"A picture cannot be written to {path.name}: the ending is "
            f"{path.suffix or 'missing'!r}. Expected .png, or one of {', '.join(endings)}."
        )
    require_folder(path)
