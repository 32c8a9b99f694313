"""The lines of a running process: one JSON object each, and nothing of what was received."""

import json
import logging
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.log_lines import MAX_PLACES, LineFormatter

PERSON = "37010119900101001X"


def line_of(logger: str, message: object, *arguments: object, level: int = logging.WARNING, info: Any = None) -> Any:
    """Return the line of one record."""
    record = logging.getLogger(logger).makeRecord(logger, level, "f", 1, message, arguments, info)
    text = LineFormatter().format(record)
    assert "\n" not in text
    return json.loads(text)


@pytest.mark.parametrize(
    ("logger", "code"),
    [
        ("tongban.redis", "redis"),
        ("tongban.second_opinion", "second-opinion"),
        ("gateway.audit.book.keeper", "audit"),
        ("gateway.log_site", "log"),
        ("gateway.http.consents", "consents"),
        ("gateway", "gateway"),
    ],
)
def test_a_sentence_has_the_code_of_its_part(logger: str, code: str) -> None:
    """What a part of the gateway says is a text under its code, with level and moment."""
    line = line_of(logger, "redis is %s", "away")
    assert line.pop("at").endswith("Z")
    assert line == {"level": "warning", "code": code, "text": "redis is away"}


def test_an_event_keeps_its_fields() -> None:
    """An event that is an object already keeps its moment and fields; its word is the code."""
    line = line_of("tongban.policy", '{"at":"2026-03-01T04:00:00Z","event":"policy-reloaded","zh":"通办"}')
    assert line["at"] == "2026-03-01T04:00:00Z"
    assert (line["level"], line["code"], line["zh"]) == ("warning", "policy-reloaded", "通办")
    assert line_of("tongban.second_opinion", '{"alarm":"disagrees"}')["code"] == "disagrees"


def test_an_error_says_its_type_and_where_it_came_from() -> None:
    """Of an error stand its type and places in the program in the line, and never its text."""

    def fail(depth: int) -> None:
        if depth == 0:
            raise KeyError(PERSON)
        fail(depth - 1)

    try:
        fail(2 * MAX_PLACES)
    except KeyError:
        line = line_of("tongban.trust", "trust folder", level=logging.ERROR, info=sys.exc_info())
    assert (line["text"], line["error"], len(line["places"])) == ("trust folder", "KeyError", MAX_PLACES)
    assert all(place.startswith("tests/gateway/test_log_lines.py:") for place in line["places"])
    assert PERSON not in json.dumps(line)


@given(st.text(), st.sampled_from(["asyncio", "aiohttp.client", "opentelemetry.exporter", "py.warnings"]))
def test_other_libraries_are_named_and_not_quoted(text: str, logger: str) -> None:
    """Of what a library says only its name, the level and the type of an error are kept."""
    line = line_of(logger, text, info=(ValueError, ValueError(text), None))
    assert line.pop("at")
    assert line == {"level": "warning", "code": "library", "logger": logger, "error": "ValueError", "places": []}


@given(st.text())
def test_whatever_is_said_is_one_line(text: str) -> None:
    """A text that looks like an object and is none stays a text."""
    line = line_of("gateway.sources.line", "%s", text)
    assert line["level"] == "warning"
    assert line.get("text", text) == text or text.startswith("{")
