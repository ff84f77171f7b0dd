"""The command line in the process of the tests."""

from __future__ import annotations

import pytest


def exit_status(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run ``tomoplan ARGUMENTS``; what the shell would be told."""
    from planner.app import command_line

    monkeypatch.setattr("sys.argv", ["tomoplan", *map(str, arguments)])
    try:
        command_line.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0
