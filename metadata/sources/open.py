"""Opens any source of series by its content or its scheme."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from metadata import hdf5_file as h5
from metadata.errors import InputError
from metadata.sources.archiver_file import is_archiver_csv, is_archiver_json
from metadata.sources.bluesky_documents import is_bluesky
from metadata.sources.scan_measures import ScanMeasures
from metadata.sources.source import Source
from metadata.sources.spec_file import is_spec

LOOK = 4096  # characters of a text that tell its kind


def open_source(
    spec: str | Path, *, measures: ScanMeasures | None = None, **options: Any
) -> Source:
    """A source of series: a file told by its content, a folder, or an address.

    - a table of text (CSV), ``FILE?time=COLUMN`` where its time is not plain
    - a NeXus file with NXlog groups; a SPEC file; Bluesky documents; an answer of an archiver
    - a folder of scans or of Bluesky documents, or one scan
    - ``ca://PV,PV`` and ``pva://PV,PV``: channels of a running control system
    - ``archiver:http://HOST:PORT/retrieval?pv=PV&from=TIME&to=TIME``
    - ``bluesky:FILE``, ``bluesky:-`` (documents on standard input); ``runs:`` (tomoplan's own)

    ``measures`` measures the frames of scans too; other sources have none. ``options`` go to the
    source. Raises :class:`InputError` where it is none of these.
    """
    text = str(spec)
    scheme, mark, rest = text.partition(":")
    opener = SCHEMES.get(scheme.lower()) if mark else None
    if opener is not None:
        return opener(rest, options)
    name, asked, column = text.rpartition("?time=")
    if asked and Path(name).is_file():
        text, options = name, {"time": column} | options
    return _file(Path(text), measures, options)


def _file(path: Path, measures: ScanMeasures | None, options: dict[str, Any]) -> Source:
    if not path.exists():
        raise InputError(
            f"{path} does not exist. Expected a file or a folder, or an address such as ca://PV or "
            f"archiver:http://HOST:17668/retrieval?pv=PV; check its spelling."
        )
    if path.is_dir():
        return _folder(path, measures, options)
    try:
        with path.open("rb") as file:
            start = file.read(LOOK)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}). Expected a file that you may "
            f"read; check its name and ask for the right to it."
        ) from error
    if h5.is_hdf5(path):
        return _hdf5(path, measures, options)
    head = start.decode("utf-8-sig", "replace")
    from metadata.sources.archiver_file import ArchiverFile
    from metadata.sources.bluesky_documents import BlueskyFile
    from metadata.sources.csv_file import CsvFile
    from metadata.sources.spec_file import SpecFile

    if is_spec(head):
        return SpecFile(path, **options)
    if is_bluesky(head):
        return BlueskyFile(path, **options)
    if is_archiver_json(head) or is_archiver_csv(head):
        return ArchiverFile(path, **options)
    return CsvFile(path, **options)


def _hdf5(path: Path, measures: ScanMeasures | None, options: dict[str, Any]) -> Source:
    from metadata.sources.nxlog import NxLog, find_logs
    from metadata.sources.scan_folder import ScanFolder

    with h5.open_hdf5(path) as file:
        logs = bool(find_logs(file))
    if logs:
        return NxLog(path, **options)
    try:
        return ScanFolder(path, measures=measures, **options)
    except InputError as error:
        raise InputError(
            f"{path} holds neither NXlog groups with time and value nor a scan. Expected one of "
            f"these; check that it is the right file."
        ) from error


def _folder(path: Path, measures: ScanMeasures | None, options: dict[str, Any]) -> Source:
    from metadata.sources.bluesky_documents import BlueskyFile
    from metadata.sources.scan_folder import ScanFolder

    for file in sorted(p for end in ("json", "jsonl") for p in path.glob(f"*.{end}")):
        with file.open(encoding="utf-8", errors="replace") as text:
            if is_bluesky(text.read(LOOK)):
                return BlueskyFile(path, **options)
    return ScanFolder(path, measures=measures, **options)


def _channels(rest: str) -> list[str]:
    return rest.removeprefix("//").split(",")


def _channel_access(rest: str, options: dict[str, Any]) -> Source:
    from metadata.sources.channel_access import ChannelAccess

    return ChannelAccess(_channels(rest), **options)


def _pv_access(rest: str, options: dict[str, Any]) -> Source:
    from metadata.sources.pv_access import PvAccess

    return PvAccess(_channels(rest), **options)


def _archiver(rest: str, options: dict[str, Any]) -> Source:
    from metadata.sources.archiver import Archiver

    return Archiver(rest, **options)


def _bluesky(rest: str, options: dict[str, Any]) -> Source:
    from metadata.sources.bluesky_documents import BlueskyFile, BlueskyPipe

    if rest == "-":
        return BlueskyPipe(**options)
    if not Path(rest).exists():
        raise InputError(
            f"bluesky:{rest} does not exist. Expected a file or a folder of documents, or - for "
            f"those on standard input."
        )
    return BlueskyFile(rest, **options)


def _runs(rest: str, options: dict[str, Any]) -> Source:
    from metadata.sources.own_runs import OwnRuns

    return OwnRuns(rest or None, **options)


SCHEMES: dict[str, Callable[[str, dict[str, Any]], Source]] = {
    "ca": _channel_access,
    "pva": _pv_access,
    "archiver": _archiver,
    "bluesky": _bluesky,
    "runs": _runs,
}
