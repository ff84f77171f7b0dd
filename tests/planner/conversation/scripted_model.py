"""An OpenAI-compatible server on loopback that says what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ScriptedModel:
    """Answers in the order given, the last one for ever; ``heard``: the requests that came."""

    answers: list[dict[str, Any]]
    heard: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""

    @property
    def name(self) -> str:
        """As TOMOPLAN_LLM wants it."""
        return f"openai:scripted@{self.address}/v1"

    def told(self, role: str) -> list[str]:
        """What the last request held of a role's messages."""
        return [str(m["content"]) for m in self.heard[-1]["messages"] if m["role"] == role]


def words(text: str) -> dict[str, Any]:
    """An answer in words."""
    return {"role": "assistant", "content": text}


def calls(*wanted: tuple[str, Any]) -> dict[str, Any]:
    """An answer that calls tools; arguments that are text stand as they are, JSON or not."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": f"call_{i}", "type": "function",
             "function": {"name": name, "arguments": given if isinstance(given, str)
                          else json.dumps(given)}}
            for i, (name, given) in enumerate(wanted)
        ],
    }  # fmt: skip


@contextmanager
def serving(*answers: dict[str, Any]) -> Iterator[ScriptedModel]:
    """The server while the block runs."""
    model = ScriptedModel(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.heard.append(asked)
            answer = model.answers.pop(0) if len(model.answers) > 1 else model.answers[0]
            if "raw" in answer:
                body = str(answer["raw"]).encode()
            else:
                document = {
                    "id": "c", "object": "chat.completion", "created": 0, "model": "scripted",
                    "choices": [{"index": 0, "message": answer, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                }  # fmt: skip
                body = json.dumps(document).encode()
            self.send_response(answer.get("status", 200))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    model.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
