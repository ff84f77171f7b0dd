"""What the instrument says: scans, and (later) the series of its metadata."""

from metadata.errors import InputError, ScanError, TomoplanError, WorkError
from metadata.open import open_scan, read_info
from metadata.scan import Scan
from metadata.scan_info import Content, GreyState, ScanInfo

__all__ = [
    "Content",
    "GreyState",
    "InputError",
    "Scan",
    "ScanError",
    "ScanInfo",
    "TomoplanError",
    "WorkError",
    "open_scan",
    "read_info",
]
