"""What a request asks for: by a language model where one is configured, else offline."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from metadata.errors import InputError
from metadata.whole_file import write_text
from planner.language.normal import CJK, language_of
from planner.language.phrases import say
from planner.task import Intent, Task

LLM = "TOMOPLAN_LLM"
LONGEST = 8000  # characters; nobody types more, and every step is linear in them


@dataclass(frozen=True)
class Understanding:
    """A task, who read it, and what the person should know about the reading."""

    task: Task
    source: Literal["offline", "llm"]
    warnings: tuple[str, ...] = ()


def understand(text: str) -> Understanding:
    """Read a request in English, Chinese or both.

    With the environment variable TOMOPLAN_LLM ("provider:model", or
    "openai:model@http://host:port/v1" for an OpenAI-compatible address) a language model reads
    it; any failure falls back to the offline way with a warning. Whatever the text says, the
    outcome is only a Task. Empty text raises InputError.
    """
    text, warnings = _usable(text)
    from planner.language.wishes import as_asked

    model = os.environ.get(LLM, "").strip()
    if model:
        from planner.language.llm import LlmFailure, read_by_llm

        try:
            return Understanding(as_asked(read_by_llm(text, model)), "llm", warnings)
        except LlmFailure as failure:
            told = say(
                "understand.llm_failed", language_of(text), model=model, problem=str(failure)
            )
            warnings = (*warnings, told)
    from planner.language.nonsense import intelligible
    from planner.language.offline import read_offline
    from planner.language.quantities import without_empty_limits
    from planner.language.vague import as_vague_wish

    if not intelligible(text):
        told = say("refusal.unintelligible", language_of(text), text=text[:40])
        warnings = (*warnings, told)
        task = Task(intent=Intent.REFUSE, language=language_of(text), text=text)
        return Understanding(task, "offline", warnings)
    limited, empty = without_empty_limits(text)
    for limit in empty:
        warnings = (*warnings, say("understand.no_limit", language_of(text), limit=limit))
    task = as_asked(replace(read_offline(limited), text=text))
    vague = as_vague_wish(task)
    if vague is not None:
        warnings = (*warnings, say("understand.vague", language_of(text)))
    return Understanding(vague or task, "offline", warnings)


def _usable(text: str) -> tuple[str, tuple[str, ...]]:
    if not isinstance(text, str):
        raise InputError(
            f"A request is text, not {type(text).__name__}. Say in English or Chinese what you "
            "want from the scan."
        )
    plain = "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in text).strip()
    if not plain:
        raise InputError(say("refusal.empty", "en"))
    if len(plain) <= LONGEST:
        return plain, ()
    language = "zh" if CJK.search(plain) else "en"
    told = say("understand.long", language, length=len(plain), kept=LONGEST)
    return plain[:LONGEST], (told,)


def understand_file(source: str | Path, output: str | Path) -> int:
    """Read requests from a JSON-lines file and write one task a line; returns how many.

    Each input line is an object with a "text"; its "id" is kept, "source" and "warnings" are
    added. Nothing is left under the name `output` unless every line could be read.
    """
    source, output = Path(source), Path(output)
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(
            f"{source} cannot be read as text ({problem}); expected a UTF-8 file with one JSON "
            'object a line, such as {"id": "1", "text": "reconstruct the tooth"}.'
        ) from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        request = _request(source, number, line)
        understood = understand(request["text"])
        row: dict[str, Any] = {"id": request["id"]} if "id" in request else {}
        row |= understood.task.to_json()
        row |= {"source": understood.source, "warnings": list(understood.warnings)}
        rows.append(json.dumps(row, ensure_ascii=False))
    write_text(output, "".join(row + "\n" for row in rows))
    return len(rows)


def _request(source: Path, number: int, line: str) -> dict[str, str]:
    try:
        request = json.loads(line)
    except json.JSONDecodeError as problem:
        raise InputError(
            f"Line {number} of {source} is not JSON ({problem.msg}); expected one object a line "
            'with a "text".'
        ) from None
    if not isinstance(request, dict) or not isinstance(request.get("text"), str):
        raise InputError(
            f'Line {number} of {source} has no "text"; expected an object such as '
            '{"id": "1", "text": "reconstruct the tooth"}.'
        )
    if not request["text"].strip():
        raise InputError(
            f"Line {number} of {source} has an empty text: {say('refusal.empty', 'en')}"
        )
    return request
