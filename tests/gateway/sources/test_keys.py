"""What the key of a licence says of it without asking anybody."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.identifier import ROOT, parse_identifier
from gateway.sources.source import by_identifier

SEGMENT = st.text(st.sampled_from("0123456789ABCDEFX"), max_size=20)


@given(
    st.lists(SEGMENT, min_size=3, max_size=6).map(lambda segments: ".".join([ROOT, *segments])) | st.text(max_size=40)
)
def test_stated_parts(text: str) -> None:
    """A key states the parts of its identifier, and empty ones where that has not those of the standard."""
    key = by_identifier(text)
    parsed = parse_identifier(key.identifier)
    assert key.stated == (parsed.type_code, parsed.issuer_code, parsed.serial)
