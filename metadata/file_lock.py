"""A file that one process at a time holds."""

from __future__ import annotations

import os
from pathlib import Path


def held(path: Path) -> int | None:
    """A lock that ends with the process, or once its descriptor is closed; None where another
    one has it. The file stays.

    Raises OSError where the file cannot be made or the disk knows no locks.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = held(Path(folder) / "lock")
    ...     print(held(Path(folder) / "lock"))
    ...     os.close(first)
    None
    """
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
