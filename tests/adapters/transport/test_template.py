"""Templates: what may stand in braces, and what filling them does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.transport.template import MalformedTemplateError, MissingValueError, parse_template


def test_values_are_escaped_and_fixed_texts_are_not() -> None:
    """Only what is filled in is escaped for where it stands."""
    template = parse_template("<a>{number}</a>{setting.account}{number}")
    filled = template.fill({"number": "<1>", "setting.account": "&"}, lambda text: f"[{text}]")
    assert filled == "<a>[<1>]</a>[&][<1>]"


def test_a_value_is_not_a_template() -> None:
    """Braces in a value are characters like any other."""
    assert parse_template("{number}").fill({"number": "{base}"}, str) == "{base}"


def test_a_missing_value_is_an_error() -> None:
    """A template is not filled halfway."""
    with pytest.raises(MissingValueError, match=r"setting\.account"):
        parse_template("{number}{setting.account}").fill({"number": "1"}, str)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "{",
            "}",
            "{}",
            "{{number}}",
            "{numbr}",  # codespell:ignore numbr
            "{number",
            "number}",
            "{Number}",
            "{number.x}",
            "{number }",
        ),  # codespell:ignore numbr
        *("{now}", "{now.iso}", "{setting}", "{setting.}", "{setting.a.b}", "{secrets.x}", "a\nb", "a\x00b", "a\x7fb"),
    ],
)
def test_what_is_no_template_is_refused(text: str) -> None:
    """Stray braces, unknown names and control characters are refused."""
    with pytest.raises(MalformedTemplateError):
        parse_template(text)


@given(text=st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Garbage raises only the error of templates; what is read without places is the text itself."""
    try:
        template = parse_template(text)
    except MalformedTemplateError:
        return
    assert template.fill({str(place): f"{{{place}}}" for place in template.places}, str) == text
