"""PEM: blocks among other text, and nothing guessed."""

from hypothesis import given
from hypothesis import strategies as st

from keys.pem import is_pem, read_pem

BLOCK = b"-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"


def test_blocks_among_other_text():
    """Label and content of each block, in order; comments and Windows line ends make no difference."""
    second = BLOCK.replace(b"CERTIFI", b"X509 CERTIFI")
    blocks, is_whole = read_pem(b"subject: x\r\n" + BLOCK.replace(b"\n", b"\r\n") + second)
    assert blocks == (("CERTIFICATE", b"\0\1\2"), ("X509 CERTIFICATE", b"\0\1\2"))
    assert is_whole


def test_what_is_broken_is_said():
    """A block without its end is not whole, and one that is no base64 has no content."""
    assert read_pem(BLOCK[:-8]) == ((), False)
    assert read_pem(BLOCK.replace(b"END CERT", b"END CRET")) == ((), False)
    assert read_pem(BLOCK.replace(b"AAEC", b"AAE")).blocks[0].content is None


def test_a_private_key_is_named_and_not_read():
    """Its bytes never become a value."""
    (block,) = read_pem(BLOCK.replace(b"CERTIFICATE", b"EC PRIVATE KEY")).blocks
    assert block == ("EC PRIVATE KEY", None)


@given(st.binary(max_size=300))
def test_garbage_raises_nothing(text):
    """Any bytes are text with some blocks or none."""
    found = read_pem(text + b"-----BEGIN A-----" + text)
    assert not found.is_whole
    assert is_pem(text + BLOCK)
