"""What sentences call by the arguments of Python, called by the options of the command line."""

from __future__ import annotations

import re

NAMES = "data|angles|flats|darks|state|content"
ARGUMENT = re.compile(rf"(?<![\w.-])({NAMES})=(?=(\s|[,.;)，。；）]|$)?)")


def as_options(said: str) -> str:
    """A sentence that names arguments of ``metadata.open_scan``, for people who type options.

    >>> as_options("Give data= its path, or the angles, as angles='0:180'.")
    "Give --data its path, or the angles, as --angles '0:180'."
    """
    return ARGUMENT.sub(lambda m: f"--{m[1]}" + ("" if m[2] is not None else " "), said)
