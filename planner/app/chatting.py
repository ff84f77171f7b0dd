"""``tomoplan chat``: lines from a person (or a pipe) into turns of a conversation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from planner import service
from planner.app.languages import chosen_language, progress_words
from planner.language import say

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
    state = conversation.state
    state.language = chosen_language(None)  # until a message has words enough to tell
    if not as_json and sys.stdin.isatty():
        print(say("chat.welcome", state.language))
    for line in _lines():
        try:
            with progress_bar(lambda t: progress_words(state.language)(t)) as progress:
                turn = conversation.say(line, progress)
        except KeyboardInterrupt:
            print(say("chat.broken_off", state.language), file=sys.stderr)
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
