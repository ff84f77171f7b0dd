"""The early warning runs on a small beamline machine: with the base dependencies alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Refuses every module that the base does not bring, then runs the command line.
ALONE = """
import json, sys
allowed = set(json.loads(sys.argv[1]))
class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in allowed and top not in sys.stdlib_module_names and not top.startswith("_"):
            raise ModuleNotFoundError(f"{name} is not in the base", name=name)
sys.meta_path.insert(0, Refuse())
sys.argv = ["tomoplan", *sys.argv[2:]]
from planner.app.command_line import main
main()
"""


def base_modules() -> list[str]:
    """Top-level modules of the base dependencies and of what these need in turn."""
    waiting, there = ["tomoplan"], set[str]()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in there:
            continue
        there.add(name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # not for this platform
            continue
        waiting += [
            re.split(r"[^A-Za-z0-9._-]", line)[0] for line in lines if "extra ==" not in line
        ]
    owned = packages_distributions()
    found = {module for module, owners in owned.items()
             if any(re.sub(r"[-_.]+", "-", o).lower() in there for o in owners)}  # fmt: skip
    return sorted(found | {"metadata", "toolbox", "simulators", "planner", "configs"})


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.csv"
    rows = [f"{1767225600 + 900 * i},{(i % 7) / 10 + max(0, i - 400) / 100}" for i in range(800)]
    path.write_text("time,value\n" + "\n".join(rows) + "\n")
    return path


def check(out: str) -> None:
    said = [json.loads(line) for line in out.splitlines()]
    assert {d["metric"] for d in said} == {"value"}
    assert said[-1]["state"] == "alarm"


def test_watch_needs_only_the_base(history: Path, tmp_path: Path) -> None:
    modules = base_modules()
    assert "numpy" in modules
    assert not {"scipy", "torch", "matplotlib", "networkx", "bluesky"} & set(modules)
    for more in ([], ["--language", "zh"]):
        done = subprocess.run(
            [sys.executable, "-c", ALONE, json.dumps(modules), "watch", str(history), "--limit",
             "3", "--json", "--events", *more],
            capture_output=True, text=True, cwd=ROOT,
            env=os.environ | {"TOMOPLAN_HOME": str(tmp_path / "home")},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        check(done.stdout)


@pytest.mark.slow
def test_the_base_is_installed_and_watches(history: Path, tmp_path: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("uv makes the environment")
    copy = tmp_path / "tomoplan"
    shutil.copytree(
        ROOT,
        copy,
        ignore=shutil.ignore_patterns(
            ".git", ".venv", "build", "bench", "*.egg-info", "__pycache__", ".*_cache", "weights"
        ),
    )
    for command in (["venv", "-q", "--python", sys.executable, "base"],
                    ["pip", "install", "-q", "--python", "base/bin/python", copy]):  # fmt: skip
        done = subprocess.run([uv, *command], cwd=tmp_path, capture_output=True, text=True)
        if done.returncode and "pip" in command and "dns error" in done.stderr.lower():
            pytest.skip("no package index can be reached")
        assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [tmp_path / "base/bin/tomoplan", "watch", history, "--limit", "3", "--json", "--events"],
        capture_output=True, text=True, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "TOMOPLAN_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    check(done.stdout)
    missing = subprocess.run(
        [tmp_path / "base/bin/tomoplan", "watch", history, "--report", tmp_path / "r.png"],
        capture_output=True, text=True, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "TOMOPLAN_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert missing.returncode == 1
    assert "matplotlib" in missing.stderr
