"""The language-model path against a real server on loopback, and what happens without one."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from planner.language import llm, understand
from planner.language.llm import InvalidAnswer, LlmFailure, failure_words, form, read_by_llm
from planner.task import Intent, Task

TEXT = "Segment the pores in this sandstone."


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_real_server_fills_the_form(model_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base model of this size understands little, but the form's JSON schema constrains what
    it writes: whatever it answers is a valid task."""
    assert model_address.startswith("http://127.0.0.1:")
    monkeypatch.setenv("TOMOPLAN_LLM", f"openai:gemma@{model_address}/v1")
    monkeypatch.setenv("TOMOPLAN_LLM_TIMEOUT", "1500")
    understood = understand(TEXT)
    assert (understood.source, understood.warnings) == ("llm", ())
    task = understood.task
    assert task == Task.from_json(task.to_json())
    assert task.text == TEXT
    assert task.intent in set(Intent)


def test_numbers_and_lists_that_models_make_up_are_no_task_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = {
        "intent": "plan", "goals": ["segment", "segment"], "specimen": " ", "feature": "pores",
        "conditions": ["rings", "rings"], "priority": "balanced", "max_seconds": -1e15,
        "max_memory_gib": 0.0, "device": "any",
    }  # fmt: skip
    monkeypatch.setattr(llm, "_asked", lambda *_: written)
    task = read_by_llm(TEXT, "any:model")
    assert (task.goals, task.conditions) == (("segment",), ("rings",))
    assert (task.max_seconds, task.max_memory_gib, task.specimen) == (None, None, None)


def test_a_dead_address_falls_back_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMOPLAN_LLM", "openai:any@http://127.0.0.1:9/v1")
    understood = understand(TEXT)
    assert understood.source == "offline"
    assert understood.task.goals == ("segment",)
    (warning,) = understood.warnings
    assert "gave no usable answer" in warning
    assert "Connection" in warning


def test_an_address_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    class Serving(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/v1/models"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(b'{"data": [{"id": "tiny:1b"}, {"id": "large"}]}' if known else b"")

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Serving) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/v1"
        chat = llm.chat_model(address)
        assert (chat.model_name, chat.openai_api_base) == ("tiny:1b", address)
        server.shutdown()
    monkeypatch.setenv("TOMOPLAN_LLM", "http://127.0.0.1:9/v1")
    understood = understand(TEXT)
    assert understood.source == "offline"
    assert "refused" in understood.warnings[0]


def test_an_unknown_provider_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMOPLAN_LLM", "nosuchprovider:model")
    understood = understand("把孔隙分割出来")
    assert understood.source == "offline"
    assert "nosuchprovider" in understood.warnings[0]
    assert "离线" in understood.warnings[0]


def test_a_line_that_is_dead_is_no_invalid_answer() -> None:
    with pytest.raises(LlmFailure, match="Connection") as caught:
        read_by_llm(TEXT, "openai:any@http://127.0.0.1:9/v1", timeout_s=5)
    assert not isinstance(caught.value, InvalidAnswer)


def test_an_answer_that_does_not_fit_is_told_by_its_field() -> None:
    from pydantic import ValidationError

    fields = {"intent": "dance", "goals": [], "specimen": None, "feature": None, "conditions": [],
              "priority": "balanced", "max_seconds": None, "max_memory_gib": None,
              "device": "any"}  # fmt: skip
    with pytest.raises(ValidationError) as caught:
        form().model_validate(fields)
    wrapped = RuntimeError("a parser's own words")
    wrapped.__cause__ = caught.value
    for problem in (caught.value, wrapped):
        told = failure_words(problem)
        assert told.startswith("the field intent is 'dance': Input should be 'plan'")
        assert "\n" not in told
        assert "pydantic" not in told
    assert failure_words(OSError("no\nroute")) == "OSError: no route"


def test_the_form_takes_nothing_but_the_fields_of_a_task() -> None:
    from pydantic import ValidationError

    fields = {
        "intent": "plan", "goals": ["segment"], "specimen": None, "feature": None,
        "conditions": [], "priority": "balanced", "max_seconds": None, "max_memory_gib": None,
        "device": "any",
    }  # fmt: skip
    assert form().model_validate(fields).goals == ["segment"]
    for change in ({"goals": ["dance"]}, {"command": "rm"}, {"intent": None}):
        with pytest.raises(ValidationError):
            form().model_validate({**fields, **change})
