"""Finds tools: the tool classes of all files below ``toolbox/tools`` (files without one hold what
the tools beside them share), the entry points ``tomoplan.tools``, and what was trained here."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
import sys
from functools import cache
from importlib.metadata import entry_points
from typing import Any, TypeGuard

import toolbox.tools
from metadata.errors import InputError
from toolbox.tool import Tool

ENTRY_POINTS = "tomoplan.tools"


@cache
def known_tools() -> dict[str, type[Tool]]:
    """All tools by name: those of :func:`shipped_tools`, then the adapters that were trained here
    (``tomoplan train adapter``)."""
    from toolbox.own_tools import own_tools

    found = shipped_tools()
    for tool in own_tools():
        if tool.card.name in found:
            where = found[tool.card.name].__module__
            print(f"The adapter {tool.card.name} has the name of the tool in {where} and is left "
                  f"out: rename or delete its files.", file=sys.stderr)  # fmt: skip
        else:
            found[tool.card.name] = tool
    return found


def shipped_tools() -> dict[str, type[Tool]]:
    """The tools of this package and of others, in the order of their stages' folders and files."""
    found: dict[str, type[Tool]] = {}
    for module_info in pkgutil.walk_packages(toolbox.tools.__path__, "toolbox.tools."):
        module = importlib.import_module(module_info.name)
        for _, value in inspect.getmembers(module, inspect.isclass):
            if value.__module__ == module.__name__ and is_tool(value):
                _add(found, value, module.__name__)
    for entry in entry_points(group=ENTRY_POINTS):
        value = entry.load()
        if not (inspect.isclass(value) and is_tool(value)):
            raise InputError(
                f"The entry point {entry.name} = {entry.value} in group {ENTRY_POINTS} gives "
                f"{value!r}, expected a subclass of toolbox.Tool with a card. Mend or uninstall "
                f"the package that declares it."
            )
        _add(found, value, entry.value)
    return found


def is_tool(value: Any) -> TypeGuard[type[Tool]]:
    """Whether a class is a complete tool."""
    return issubclass(value, Tool) and not inspect.isabstract(value) and hasattr(value, "card")


def _add(found: dict[str, type[Tool]], tool: type[Tool], origin: str) -> None:
    if tool.card.name in found:
        other = found[tool.card.name].__module__
        raise InputError(f"Two tools are called {tool.card.name}: in {other} and in {origin}.")
    found[tool.card.name] = tool


def tool_class(name: str) -> type[Tool]:
    """The tool of this name, or an error that says which names come near."""
    known = known_tools()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "See `tomoplan tools` for the list."
    raise InputError(f"There is no tool called {name!r}. {hint}")


def make_tool(name: str, parameters: dict[str, Any]) -> Tool:
    """A tool with its parameters checked; every problem is said at once."""
    cls = tool_class(name)
    problems = parameter_problems(cls, parameters)
    if problems:
        raise InputError(f"Tool {name}: {'; '.join(problems)}.")
    return cls(**parameters)


def parameter_problems(cls: type[Tool], parameters: dict[str, Any]) -> list[str]:
    """What is wrong with some parameters of a tool, in words."""
    known = {p.name: p for p in cls.describe_parameters()}
    problems = []
    for name, value in parameters.items():
        if name not in known:
            names = ", ".join(known) or "none"
            problems.append(f"it has no parameter {name!r} (it has: {names})")
        elif problem := known[name].problem(value):
            problems.append(problem)
    problems += [
        f"{p.name} needs a value ({p.about.doc})"
        for p in known.values()
        if p.default is inspect.Parameter.empty and p.name not in parameters
    ]
    return problems
