"""What the documents say can be done can be done, and every shipped configuration loads."""

from __future__ import annotations

import ast
import re
from collections.abc import Hashable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
import yaml

from planner.app.command_line import app

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
CONTEXT = typer.Context(typer.main.get_command(app))
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def commands() -> Iterator[tuple[str, str]]:
    """Each line or row that names a ``tomoplan`` command, with the document it stands in."""
    for document in DOCUMENTS:
        text = re.sub(r"`python -m [^`]*`", "", document.read_text(encoding="utf-8"))
        for line in text.splitlines():
            if re.search(r"(?:`|^\s*)tomoplan [a-z]", line):
                yield name(document), line


def command_of(line: str) -> tuple[str, Any]:
    """The command that a line names, through groups such as ``simulate scan``."""
    words = re.search(r"tomoplan ([a-z ]+)", line)
    assert words is not None
    found: Any = typer.main.get_command(app)
    path = []
    for word in words[1].split():
        if not hasattr(found, "get_command"):
            break
        found = found.get_command(CONTEXT, word)
        assert found is not None, f"tomoplan {' '.join([*path, word])} is not a command"
        path.append(word)
    return " ".join(path), found


def test_every_command_of_the_documents_exists_with_its_options() -> None:
    listed = list(commands())
    assert len(listed) >= 8  # the table of the README
    for document, line in listed:
        which, command = command_of(line)
        known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        used = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)(?![\w-])", line)) - {"--debug"}
        assert used <= known, f"{document}: tomoplan {which} has no {used - known}"


def test_every_module_that_the_documents_run_is_there() -> None:
    for document in DOCUMENTS:
        for module in re.findall(r"python -m ([\w.]+)", document.read_text(encoding="utf-8")):
            assert find_spec(module) is not None, f"{name(document)}: python -m {module}"


def test_the_readme_names_every_command() -> None:
    told = {command_of(line)[0].split()[0] for where, line in commands() if where == "README.md"}
    group: Any = typer.main.get_command(app)
    assert told == set(group.list_commands(CONTEXT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_python_of_the_documents_parses_and_imports_what_there_is(document: Path) -> None:
    for block in python_blocks(document):
        tree = ast.parse(block)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom | ast.Import):
                exec(compile(ast.Module([node], []), name(document), "exec"), {})


def test_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from simulators import World
    from simulators.writing import write_scan

    (block,) = python_blocks(ROOT / "README.md")
    world = World("foam", columns=64, rows=2, projections=90, photons=2e4, rings=0.5)
    write_scan(world, tmp_path / "scan.nxs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path / "home"))
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("90 Trait(")
    assert "\n1\n" in printed
    assert (tmp_path / "volume.h5").exists()


def test_the_chain_of_the_readme_is_valid() -> None:
    from toolbox import Pipeline

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (chain,) = re.findall(r"`(Pipeline\.chain\(.*?\))`", text)
    pipeline = eval(chain, {"Pipeline": Pipeline})
    assert pipeline.validate() == []


def test_every_make_target_of_the_documents_exists() -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        told = set(re.findall(r"(?:`|^ {4})make ([a-z-]+)", text, re.MULTILINE))
        assert told <= made, name(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
        assert (document.parent / target).exists(), f"{name(document)} links to {target}"


class OnceOnly(yaml.SafeLoader):
    """Refuses a mapping that says one key twice, of which YAML would take the last in silence."""


def _mapping(loader: OnceOnly, node: yaml.MappingNode) -> dict[Hashable, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = {k for k in keys if keys.count(k) > 1}
    assert not twice, f"{sorted(map(str, twice))} twice, near line {node.start_mark.line + 1}"
    return loader.construct_mapping(node, deep=True)


OnceOnly.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_every_configuration_loads(config: Path) -> None:
    document = yaml.load(config.read_text(encoding="utf-8"), OnceOnly)
    assert isinstance(document, dict | list)
    assert document
