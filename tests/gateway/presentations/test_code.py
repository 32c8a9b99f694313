"""Presentation codes as they are written, read out, typed in and scanned."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.presentations.code import (
    CODE_BYTES,
    CODE_PATTERN,
    QR_PATTERN,
    QR_PREFIX,
    PresentationCode,
    encode_code,
    encode_qr,
    make_code,
    parse_code,
)

QR_ALPHANUMERIC = re.compile(r"[0-9A-Z $%*+\-./:]+")  # ISO/IEC 18004 table 5
codes = st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES).map(PresentationCode)


@given(codes)
@example(PresentationCode(bytes(CODE_BYTES)))
@example(PresentationCode(b"\xff" * CODE_BYTES))
def test_what_is_written_is_read(code: PresentationCode) -> None:
    """Either spelling is read again, and has the form that the interface says."""
    assert parse_code(encode_code(code)) == parse_code(encode_qr(code)) == code
    assert re.match(CODE_PATTERN, encode_code(code))
    assert re.match(QR_PATTERN, encode_qr(code))
    assert QR_ALPHANUMERIC.fullmatch(encode_qr(code))


@given(codes, st.sampled_from(["", " ", "-", " - ", "—", "."]))
def test_people_may_write_it_as_they_like(code: PresentationCode, between: str) -> None:
    """Case, width, what stands between groups, and letters that look like digits do not count."""
    spelled = between.join(encode_code(code).split("-"))
    assert parse_code(spelled.lower()) == code
    assert parse_code(spelled.translate({ord("0"): "O", ord("1"): "l"})) == code
    assert parse_code(spelled.translate({ord(digit): chr(ord(digit) + 0xFEE0) for digit in "0123456789"})) == code


@given(st.text(max_size=300))
@example("")
@example(QR_PREFIX)
@example("8" + "0" * 25)
@example("0" * 27)
@example("U" * 26)
def test_no_text_is_too_odd(text: str) -> None:
    """Whatever was typed in is a code with this spelling, or none."""
    code = parse_code(text)
    assert code is None or parse_code(encode_code(code)) == code


@pytest.mark.parametrize("text", ["", "8" + "0" * 25, "0" * 25, "0" * 27, "U" * 26, "0" * 1000])
def test_no_code(text: str) -> None:
    """What is too short or too long, or has another character, is none."""
    assert parse_code(text) is None


def test_codes_differ() -> None:
    """No two codes are equal."""
    assert len({make_code() for _ in range(1000)}) == 1000
