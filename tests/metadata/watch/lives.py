"""A watch that is killed again and again: a process that forks each life, started by the test.

    python lives.py KILLS SEED FOLDER events|all

FOLDER holds ``history.csv``. The watch is run whole once, then in rounds of lives that end by
SIGKILL at random moments, each round to the end of the history, until there were KILLS of them.
Output and log are appended to. Prints the number of kills of each round.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

from metadata.watch.ledger import Ledger
from metadata.watch.session import Wishes, watch_all


def live(folder: Path, name: str, events: bool) -> int:
    """Fork a watch with a store of its own that appends to ``NAME.out`` and ``NAME.log``."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.environ["TOMOPLAN_HOME"] = str(folder / name)
        out = os.open(folder / f"{name}.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(out, 1)
        os.dup2(os.open(folder / f"{name}.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        watch_all(Wishes((str(folder / "history.csv"),), events=events, as_json=True,
                         log=folder / f"{name}.log"))  # fmt: skip
        status = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def finished(folder: Path, name: str) -> bool:
    """Whether all was said and kept: then the next life begins anew, for that is what is asked."""
    with Ledger(folder / name / "tomoplan.sqlite") as ledger:
        rows = ledger._connection.execute("SELECT finished FROM watches").fetchall()
    return rows == [(1,)]


def ended(child: int, within: float) -> bool:
    """Whether a life came to its end; else it is killed."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, status
            return True
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main(kills: int, seed: int, folder: Path, events: bool) -> list[int]:
    began = time.monotonic()
    assert ended(live(folder, "whole", events), 600)
    took = time.monotonic() - began
    draw, rounds = random.Random(seed), list[int]()
    while sum(rounds) < kills:
        rounds.append(0)
        share = 2.5 / min(kills, 20)  # so that a round takes about as many lives
        name = f"round{len(rounds)}"
        while not ended(live(folder, name, events), draw.uniform(0, share * took)):
            rounds[-1] += 1
            if finished(folder, name):  # killed while it closed
                break
            share *= 1.03  # and comes to an end
    return rounds


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]),
                          sys.argv[4] == "events")))  # fmt: skip
