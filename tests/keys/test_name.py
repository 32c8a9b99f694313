"""Distinguished names as text and as keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.name import MAX_NAME, MAX_TEXT, _library_key, _plain_key, name_key, render_name
from tests.support import pki


def named(text, tag=0x0C, attribute="2.5.4.3"):
    return pki.sequence(pki.tlv(0x31, pki.sequence(pki.oid(attribute), pki.tlv(tag, text))))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (pki.name("某市市场监督管理局"), "CN=某市市场监督管理局,O=Tongban tests,C=CN"),
        (pki.sequence(), ""),
        (named(b'a,b+c="d"<e>;\\f'), 'CN=a\\,b\\+c\\=\\"d\\"\\<e\\>\\;\\\\f'),
        (named(b" x "), "CN=\\ x\\ "),
        (named(b"#x"), "CN=\\#x"),
        (named(b"a\nb\0"), "CN=a\\0Ab\\00"),
        (named("a\u202eb".encode()), "CN=a\\E2\\80\\AEb"),
        (named("局".encode("utf-16-be"), 0x1E), "CN=局"),
        (named("局".encode("utf-32-be"), 0x1C), "CN=局"),
        (named(b"\xe9", 0x14), "CN=é"),
        (named(b"\xff"), "CN=#0c01ff"),
        (named(b"\1", 0x02), "CN=#020101"),
        (named(b"x", attribute="1.2.3.4"), "1.2.3.4=x"),
        (b"\x30\x05", "#3005"),
        (b"", "#"),
    ],
)
def test_names_as_text(name, text):
    """Names are shown as RFC 4514 has them, with everything invisible escaped and the unreadable in hexadecimal."""
    assert render_name(name) == text


@pytest.mark.parametrize("name", [named(b"x" * 3000), named(b"\0" * 3000), named(b"x" * 10_000), b"\xff" * 9000])
def test_long_names_are_cut(name):
    """No name makes a text longer than the bound."""
    assert len(render_name(name)) <= MAX_TEXT
    assert render_name(name).endswith("…")


def test_equal_names_have_equal_keys():
    """Case, spaces and the kind of string make no difference (RFC 5280 section 7.1); the words do."""
    assert name_key(pki.name("Test CA")) == name_key(pki.name("Test CA", string=0x13))
    assert name_key(pki.name("Test CA")) == name_key(pki.name("test  ca"))
    assert name_key(pki.name("Test CA")) != name_key(pki.name("Test CB"))


def test_unreadable_names_equal_only_themselves():
    """A name that cannot be read, or is too long to be, is its own key."""
    for name in (b"\x30\x05", b"", b"\x02\x01\x01", named(b"x" * MAX_NAME), named(b"\xff")):
        assert name_key(name) in {name, name_key(name)}
        assert name_key(name) != name_key(pki.name("x"))


@st.composite
def attributes(draw):
    """Draw a set of one attribute, most often one that is written as nearly all are."""
    text = draw(st.text(st.characters(codec="utf-8"), max_size=50) | st.text("aB 长é", max_size=45))
    arc = draw(st.sampled_from(["2.5.4.3", "2.5.4.6", "2.5.4.10", "2.5.4.11", "1.2.3.4"]))
    part = pki.sequence(pki.oid(arc), pki.tlv(draw(st.sampled_from([0x0C, 0x0C, 0x13, 0x16])), text.encode()))
    return pki.tlv(0x31, part)


@given(st.lists(attributes(), max_size=4), st.data())
def test_the_short_way_gives_what_the_library_gives(parts, data):
    """A name whose key is found without the library has the key that the library gives, also one that was damaged."""
    name = bytearray(pki.sequence(*parts))
    if data.draw(st.booleans()):
        name[data.draw(st.integers(0, len(name) - 1))] = data.draw(st.integers(0, 255))
    key = _plain_key(bytes(name))
    assert key is None or key == _library_key(bytes(name)) or not key


@given(st.binary(max_size=200))
def test_garbage_is_rendered_and_compared(name):
    """No bytes make rendering or comparing fail, and the text shows no control character."""
    assert render_name(name).isprintable()
    assert name_key(name) == name_key(bytes(name))
