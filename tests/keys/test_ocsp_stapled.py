"""OCSP answers that came along: read within bounds, and never a fault of the question."""

from hypothesis import given
from hypothesis import strategies as st

from keys.ocsp_stapled import MAX_STAPLED, NO_ANSWERS, read_stapled
from tests.support import ocsp, pki

CA = pki.make_root("Stapling CA")
LEAF = CA.issue("signer")
ONE, TWO = (
    ocsp.answer(ocsp.single(ocsp.certificate_id(LEAF, CA), status), signer=CA) for status in (ocsp.GOOD, ocsp.UNKNOWN)
)


def test_answers_are_read():
    """What can be read is there in order, what cannot is counted."""
    found = read_stapled([ONE, b"", TWO, b"0"])
    assert ([one.encoded for one in found.responses], found.unreadable) == ([ONE, TWO], 2)


def test_no_more_than_the_bound_is_read():
    """What is beyond the bound is left out, also of two collections together, and each answer counts once."""
    assert read_stapled([b""] * 1000).unreadable == MAX_STAPLED
    both = read_stapled([ONE, b""]).joined(read_stapled([TWO, ONE, b""]))
    assert ([one.encoded for one in both.responses], both.unreadable) == ([ONE, TWO], 2)
    assert NO_ANSWERS.joined(both).responses == both.responses


@given(st.lists(st.binary(max_size=200)))
def test_garbage_is_none(blobs):
    """Bytes that are no answer are as good as none."""
    assert read_stapled(blobs).responses == ()
