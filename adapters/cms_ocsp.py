"""OCSP responses that came along in a SignedData, as bytes: what looks like one is carried, anything else passed over.

They stand beside what is signed, or are evidence that signs itself; so nothing odd among them makes a document bad.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from adapters.strict.bounds import MAX_OCSP_RESPONSE, MAX_OCSP_RESPONSES
from adapters.strict.der import CONTEXT_0, CONTEXT_1, SEQUENCE, SET, Element, encode_element, encode_sequence

# Object identifiers with tag and length, as they stand in a structure.
_OCSP_RESPONSE: Final = bytes.fromhex("06082b06010505071002")  # id-ri-ocsp-response, RFC 5940 section 2.1
_REVOCATION_VALUES: Final = bytes.fromhex(
    "060b2a864886f70d0109100218"
)  # id-aa-ets-revocationValues, RFC 5126 section 6.3.4
_ADOBE_ARCHIVAL: Final = bytes.fromhex(
    "06092a864886f72f010108"
)  # adbe-revocationInfoArchival, ISO 32000-2 section 12.8.3.3.2
_BASIC: Final = bytes.fromhex("06092b0601050507300101")  # id-pkix-ocsp-basic, RFC 6960 section 4.2.1
_SUCCESSFUL: Final = bytes.fromhex("0a0100")
_OCTET_STRING: Final = 0x04


def read_listed_responses(fields: Iterable[Element]) -> tuple[bytes, ...]:
    """Return the responses among the revocation information of a SignedData (RFC 5652 section 10.2.1, RFC 5940).

    ``fields`` are those between the content and the signers.
    """
    others = (one for field in fields if field.tag == CONTEXT_1 for one in field.children() if one.tag == CONTEXT_1)
    pairs = (one.children() for one in others)
    return _take(pair[1] for pair in pairs if len(pair) == 2 and pair[0].encoded == _OCSP_RESPONSE)  # noqa: PLR2004 - format, information


def read_attributed_responses(fields: Iterable[Element]) -> tuple[bytes, ...]:
    """Return the responses in the attributes of a SignerInfo, signed (Adobe) or not (ETSI); ``fields`` are its own."""
    attributes = (one.children() for field in fields if field.tag in (CONTEXT_0, CONTEXT_1) for one in field.children())
    found: list[bytes] = []
    for parts in attributes:
        if len(parts) != 2 or parts[1].tag != SET:  # noqa: PLR2004 - type, values
            continue
        if parts[0].encoded == _REVOCATION_VALUES:
            found += map(_whole, _take(_values_of(parts[1])))
        elif parts[0].encoded == _ADOBE_ARCHIVAL:
            found += _take(_values_of(parts[1]))
    return tuple(found[:MAX_OCSP_RESPONSES])


def _values_of(values: Element) -> Iterator[Element]:
    """Yield what stands under [1] EXPLICIT SEQUENCE OF, where both attributes have their OCSP part."""
    for value in values.children():
        for part in value.children():
            if part.tag == CONTEXT_1:
                for listed in part.children():
                    yield from listed.children()


def _take(elements: Iterable[Element]) -> tuple[bytes, ...]:
    fitting = (one for one in elements if one.tag == SEQUENCE and one.end - one.start <= MAX_OCSP_RESPONSE)
    return tuple(one.encoded for one in islice(fitting, MAX_OCSP_RESPONSES))


def _whole(basic: bytes) -> bytes:
    """Put the header of an OCSPResponse around a BasicOCSPResponse, whose signed bytes stay as they are."""
    content = encode_sequence((_BASIC, encode_element(_OCTET_STRING, basic)))
    return encode_sequence((_SUCCESSFUL, encode_element(CONTEXT_0, content)))
