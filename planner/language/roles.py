"""What a stretch of a request is: a name, or a quantity that counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The roles that the trained reader tells apart."""

    SPECIMEN = "specimen"
    OBJECT = "object"
    MEASURE = "measure"
    TIME = "time"
    MEMORY = "memory"
    NOW = "now"
    DUE = "due"


NAMES = (Role.SPECIMEN, Role.OBJECT, Role.MEASURE)
# Of a token: nothing, the first or a later one of a name, or part of a quantity.
TAGS: tuple[tuple[Role, bool] | None, ...] = (
    None,
    *((role, first) for role in NAMES for first in (True, False)),
    *((role, False) for role in Role if role not in NAMES),
)


@dataclass(frozen=True)
class Span:
    """`start`:`stop` of a text has the role `role`."""

    role: Role
    start: int
    stop: int
