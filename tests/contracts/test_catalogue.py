"""The catalogue of tools: complete, stable, and the committed file up to date."""

from __future__ import annotations

import doctest

import pytest

from metadata import InputError
from toolbox import Stage, catalogue, known_tools


def test_the_committed_catalogue_is_up_to_date() -> None:
    committed = ""
    if catalogue.DOCUMENT.is_file():
        committed = catalogue.DOCUMENT.read_text(encoding="utf-8")
    assert committed == catalogue.catalogue_text(), (
        "docs/tools.md does not say what the tools say of themselves: run "
        "`python -m toolbox.catalogue` and commit the file"
    )


def test_every_tool_and_parameter_is_in_the_catalogue() -> None:
    text = catalogue.catalogue_text()
    for name, cls in known_tools().items():
        card = catalogue.card_text(name)
        assert card in text
        assert cls.card.title_zh in card
        assert cls.card.limits in card
        for parameter in cls.describe_parameters():
            assert f"| `{parameter.name}` |" in card


def test_every_stage_has_a_heading() -> None:
    assert set(catalogue.STAGES) == set(Stage)


def test_tables_are_whole() -> None:
    tables = [t for t in catalogue.catalogue_text().split("\n\n") if t.startswith("|")]
    assert tables
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_an_unknown_tool_is_named_with_its_likes() -> None:
    with pytest.raises(InputError, match="minus_log"):
        catalogue.card_text("minus_lug")


def test_examples() -> None:
    assert doctest.testmod(catalogue).failed == 0
