"""``tomoplan chat``: lines from a person (or a pipe) into turns of a conversation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from planner import service
from planner.language import say
from planner.language.normal import CJK

PROMPT = "› "


def talk(
    scans: Sequence[Path], output: Path | None, reading: Mapping[str, Any], as_json: bool
) -> None:
    """Answer line by line until the input ends or the person says goodbye.

    With ``as_json`` each turn is one JSON object on standard output; the rest goes to standard
    error. A run that is broken off (Ctrl-C) leaves the conversation as it was.
    """
    from toolbox.execution.progress import progress_bar

    conversation = service.conversation(scans, output, reading=reading)
    if not as_json and sys.stdin.isatty():
        print(say("chat.welcome", _language()))
    for line in _lines():
        try:
            with progress_bar() as progress:
                turn = conversation.say(line, progress)
        except KeyboardInterrupt:
            print(say("chat.broken_off", conversation.state.language), file=sys.stderr)
            continue
        if as_json:
            print(json.dumps({"said": line, **turn.to_json()}, ensure_ascii=False, default=str),
                  flush=True)  # fmt: skip
        else:
            print(turn.text, flush=True)
        if turn.ends:
            return


def _lines() -> Iterator[str]:
    """Messages: one a line; empty lines are passed over."""
    while True:
        if sys.stdin.isatty():
            try:
                line = input(PROMPT)
            except EOFError:
                return
        else:
            line = sys.stdin.readline()
            if not line:
                return
        if line.strip():
            yield line.strip()


def _language() -> str:
    """Chinese where the machine speaks it."""
    import locale

    told = locale.getlocale()[0] or ""
    return "zh" if told.startswith("zh") or CJK.search(told) else "en"
