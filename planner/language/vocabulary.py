"""The YAML vocabularies of configs/language, read once."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=32)
def vocabulary(name: str) -> Any:
    """The document `configs/language/<name>.yaml`; shared, so treat it as read-only."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = files("configs").joinpath("language", f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=loader)


@lru_cache(maxsize=128)
def pattern(name: str) -> re.Pattern[str]:
    """The regular expression `name` of configs/language/grammar.yaml; a list is a choice."""
    source = vocabulary("grammar")[name]
    return re.compile("|".join(source) if isinstance(source, list) else source, re.ASCII)
