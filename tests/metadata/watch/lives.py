"""A watch that is killed again and again: run in a process of its own, which forks each life.

    python -m tests.metadata.watch.lives KILLS SEED FOLDER

FOLDER holds ``history.csv``. First the watch is run whole, then in lives that end by SIGKILL at
random moments, with its output and its log appended to. Prints what came of it as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from metadata.watch.session import Wishes, watch_all


def live(folder: Path, home: str, output: str, *, events: bool) -> int:
    """Fork a watch that appends to ``output``; the child's id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.environ["TOMOPLAN_HOME"] = str(folder / home)
        target = os.open(folder / output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(target, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        watch_all(Wishes((str(folder / "history.csv"),), events=events, as_json=True,
                         log=folder / f"{output}.log"))  # fmt: skip
        status = 0
    finally:
        os._exit(status)


def main(kills: int, seed: int, folder: Path, events: bool) -> dict[str, object]:
    """Whole, then with kills, then what is left to its end."""
    began = time.monotonic()
    _, status = os.waitpid(live(folder, "whole-home", "whole", events=events), 0)
    assert status == 0, status
    took = time.monotonic() - began
    draw = random.Random(seed)
    done = killed = 0
    while killed < kills and done < 20:
        child = live(folder, "home", "killed", events=events)
        # So long that all of them together go through the history some times.
        deadline = time.monotonic() + draw.uniform(0.02, 4 * took / kills + 0.1)
        status = None
        while time.monotonic() < deadline and status is None:
            time.sleep(0.002)
            ended, code = os.waitpid(child, os.WNOHANG)
            status = code if ended else None
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            killed += 1
        else:
            assert status == 0, status
            done += 1
            break
    survived = killed
    if not done:
        _, status = os.waitpid(live(folder, "home", "killed", events=events), 0)
        assert status == 0, status
    return {"kills": survived, "seconds": took}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]),
                          sys.argv[4] == "events")))  # fmt: skip
