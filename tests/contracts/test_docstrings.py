"""The examples in docstrings run (those of tools are in test_tools)."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import metadata
import planner
import simulators
import toolbox

# training learned parts needs data and time
ELSEWHERE = ("toolbox.catalogue", "simulators.training")
# tools have their own test; the modules beside them do not
TOOLS = {cls.__module__ for cls in toolbox.known_tools().values()}


def modules() -> list[str]:
    return sorted(
        info.name
        for package in (metadata, toolbox, simulators, planner)
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not info.name.startswith(ELSEWHERE) and info.name not in TOOLS
    )


@pytest.mark.parametrize("name", modules())
def test_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
