"""Where series come from: files, folders, archives and running instruments."""

from metadata.sources.open import open_source
from metadata.sources.source import Source

__all__ = ["Source", "open_source"]
