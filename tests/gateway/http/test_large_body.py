"""Large bodies: the document is cut out instead of being read as JSON, and nothing else is different."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.large_body import cut_document
from gateway.http.licence_question import CodeQuestion, DocumentQuestion, parse_question
from gateway.http.problems import ProblemError
from gateway.settings import HttpSettings, charged_bytes

LIMIT = 1024 * 1024
CUT = HttpSettings(inline_document_bytes=0, max_document_bytes=LIMIT)  # every body counts as large
USUAL = HttpSettings(inline_document_bytes=2 * LIMIT, max_document_bytes=LIMIT)
DOCUMENT = bytes(range(256)) * 400


def outcome(body: bytes, settings: HttpSettings) -> tuple[str, object]:
    """Return what reading a body gives: the document, or the refusal."""
    try:
        question = parse_question(body, settings)
    except ProblemError as error:
        return error.kind.value, error.errors
    if isinstance(question, CodeQuestion):
        return "read", question.code
    assert isinstance(question, DocumentQuestion)
    return "read", question.document


def body_of(document: str, **more: Any) -> bytes:
    return json.dumps({"licence": {"document": document}, **more}).encode()


def encode(document: bytes) -> str:
    return base64.b64encode(document).decode()


@pytest.mark.parametrize("size", [0, 1, 2, 3, 48 * 1024 - 1, 48 * 1024, 48 * 1024 + 1, 100_000, LIMIT])
def test_a_document_is_cut_out(size: int) -> None:
    """Documents of every size around the slices come out as they went in."""
    document = (DOCUMENT * 11)[:size]
    body = body_of(encode(document), purpose={"item": "x"})
    cut = cut_document(body, limit=LIMIT)
    assert cut is not None
    assert cut.document == document
    assert len(cut.rest) < 200
    assert outcome(body, CUT) == ("read", document)


def test_slashes_may_be_escaped() -> None:
    """Writers that escape every slash, as PHP's does, are read without the detour."""
    document = b"\xff" * 3000
    body = body_of(encode(document)).replace(b"/", rb"\/")
    assert b"\\/" in body
    cut = cut_document(body, limit=LIMIT)
    assert cut is not None
    assert cut.document == document


ODD = [
    b"",
    b"{",
    body_of("QQ=="),
    body_of("QQ"),
    body_of("QR=="),
    body_of("QQ==QQ=="),
    body_of("A" * (1 << 16) + "QQ==" + "AAAA" * 5),
    body_of("x\ny"),
    body_of("\u5f20"),
    body_of(encode(bytes(LIMIT + 1))),
    b'{"licence": {"document": "AAAA", "document": "BBBB"}}',
    b'{"licence": {"document": "AAAA"}, "licence": {"document": "BBBB"}}',
    b'{"document": "AAAA", "licence": {"document": "BBBB"}}',
    b'{"licence": {"document": "AAAA"}} trailing',
    b'{"licence": {"document": "AAAA"',
    b'{"licence": {"document": "AAAA}}',
    b'{"licence": {"document": "AAAA", "code": "x"}}',
    b'{"licence": {"code": "\\"document\\": \\"AAAA"}}',
    b'{"licence": {"code": "x", "document\\u0020": "AAAA"}}',
    b'{"licence": {"d\\u006fcument": "AAAA"}}',
    b'{"purpose": {"use": "document"}, "licence": {"document" : "AAAA"}}',
    b'["document": "AAAA"]',
    b'"document": "AAAA"',
    b'{"licence": {"document": "AAAA"}, "x": "\xff"}',
]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_the_short_way_answers_as_the_usual_one(body: bytes) -> None:
    """Whatever the body, cutting it changes neither what is read nor how it is refused."""
    assert outcome(body, CUT) == outcome(body, USUAL)


_JSON = st.recursive(
    st.none() | st.integers(0, 9) | st.sampled_from(["AAAA", "document", 'QQ==", "document": "AAAA', "a/b\\"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["document", "licence", "code", '"document": "']), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["licence", "document", "operator"]), _JSON, max_size=3), st.data())
def test_any_json_and_any_damage(content: dict[str, Any], data: st.DataObject) -> None:
    """The same for any JSON, whole or with one byte changed."""
    body = bytearray(json.dumps(content).encode())
    if data.draw(st.booleans()):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert outcome(bytes(body), CUT) == outcome(bytes(body), USUAL)


def test_what_a_body_is_charged() -> None:
    """A body counts with its decoded copy, rounded up."""
    assert [charged_bytes(size) for size in (0, 1, 2, 4)] == [0, 3, 5, 10]
