"""A history as a picture or a page: each metric, its regimes, forecasts and warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from metadata.errors import InputError, WorkError
from metadata.series import MetricInfo
from metadata.watch.course import Course
from metadata.watch.json_lines import Tell
from metadata.whole_file import require_folder, write_text

SUFFIXES = (".png", ".html", ".htm")


def require_report(path: Path) -> None:
    """Raise where no report can be written to ``path``, before any work for it is done."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"The report {path} ends in {path.suffix or 'nothing'}; expected .png for a picture or "
            f".html for a page."
        )
    require_folder(path)
    if find_spec("matplotlib") is None:
        raise WorkError(
            "A report is drawn with matplotlib, which is not installed. Install it (pip install "
            "matplotlib), or leave out --report: everything else works without it."
        )


def write_report(
    path: Path, course: Course, infos: Mapping[str, MetricInfo], sources: Sequence[str],
    language: str = "en", tell: Tell = str,
) -> None:  # fmt: skip
    """Draw the course of all metrics: a picture of those that stood out most, or a page of all."""
    from metadata.watch.report_page import page
    from metadata.watch.report_picture import picture

    if path.suffix.lower() == ".png":
        picture(path, course, infos, sources, language)
    else:
        write_text(path, page(course, infos, sources, language, tell))
