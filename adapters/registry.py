"""The formats that are read, and the choice between them by content, never by a name or a sender's word."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.cms import cms_document, looks_like_signed_data
from adapters.document import Document, Format
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ofd.reader import looks_like_ofd, parse_ofd
from adapters.ses.seal import looks_like_seal, seal_document
from adapters.ses.signature import looks_like_seal_signature, seal_signature_document
from adapters.strict.bounds import MAX_DOCUMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatAdapter:
    """One format: whether bytes look like it, and how they are read.

    ``recognises`` looks at the outer shape only and never raises; bytes that more than one recognises are refused.
    ``parse`` raises MalformedDocumentError and nothing else.
    """

    name: Format
    recognises: Callable[[bytes], bool]
    parse: Callable[[bytes], Document]


ADAPTERS: tuple[FormatAdapter, ...] = (
    FormatAdapter(name=Format.OFD, recognises=looks_like_ofd, parse=parse_ofd),
    FormatAdapter(name=Format.SEAL, recognises=looks_like_seal, parse=seal_document),
    FormatAdapter(name=Format.SEAL_SIGNATURE, recognises=looks_like_seal_signature, parse=seal_signature_document),
    FormatAdapter(name=Format.SIGNED_DATA, recognises=looks_like_signed_data, parse=cms_document),
)


def parse_document(data: bytes) -> Document:
    """Return what a document says, in whichever format it is.

    Raises:
        MalformedDocumentError: TOO_LARGE before anything is looked at; UNRECOGNISED when no format, or more than one,
            claims the bytes; else what the format's own reader finds wrong.

    """
    if len(data) > MAX_DOCUMENT:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "document")
    found = [adapter for adapter in ADAPTERS if adapter.recognises(data)]
    if len(found) != 1:
        raise MalformedDocumentError(Malformed.UNRECOGNISED, ", ".join(adapter.name for adapter in found))
    return found[0].parse(data)
