"""What tomoplan says when something cannot be done."""

from __future__ import annotations


class TomoplanError(Exception):
    """One paragraph for a person: what was given, what was expected, the way out.

    ``exit_status`` is what the command line ends with: 2 where the input or the arguments are
    unusable, 1 where the work failed or was refused.
    """

    exit_status = 1


class InputError(TomoplanError):
    """The file, the text or the arguments cannot be used."""

    exit_status = 2


class ScanError(InputError):
    """A scan cannot be opened or is damaged beyond repair."""


class WorkError(TomoplanError):
    """The work was well defined but failed: no disk space, a worker lost, a limit met."""
