"""The document inside a large body, without building the body's JSON in memory, and in steps that let others run.

A question of 28 MB is one long base64 text in a little JSON. Reading it as any other JSON copies it three times and
holds the interpreter for a tenth of a second at a stretch, in whatever thread that happens. So the text is cut out,
a word that nobody can guess is put in its place, and the little JSON that is left is read as strictly as ever: if the
word is found where the document belongs, the text that was cut out is the document.
"""

import binascii
import io
import re
import secrets
from typing import Final, NamedTuple

_KEY: Final = re.compile(rb'"document"[ \t\r\n]*:[ \t\r\n]*"')
_SLICE: Final = 64 * 1024  # characters decoded at a stretch, about 0.1 ms; a multiple of 4
_LONGEST_REST: Final = 64 * 1024  # bytes of JSON around the document, as `settings.BODY_SLACK_BYTES`


class CutBody(NamedTuple):
    """The JSON around the document, the word that stands in the document's place, and the document itself."""

    rest: bytes
    placeholder: str
    document: bytes


def cut_document(body: bytes | bytearray, *, limit: int) -> CutBody | None:
    r"""Cut the first text called ``document`` out of a body; None when this body has to be read in the usual way.

    That is whenever anything is unusual: no such text, more than ``limit`` bytes in it, an escape other than
    "\/" or any character that base64 does not have, a spelling that an encoder would not write.
    The usual way then says why.
    """
    key = _KEY.search(body)
    if key is None:
        return None
    begin = key.end()
    end = body.find(b'"', begin)
    if end < 0 or len(body) - (end - begin) > _LONGEST_REST:
        return None
    text = memoryview(body)[begin:end]
    if body.find(b"\\", begin, end) >= 0:  # PHP writes "\/" for "/"; any other escape fails below
        text = memoryview(bytes(text).replace(b"\\/", b"/"))
    if len(text) % 4 or len(text) // 4 * 3 > limit + 2:
        return None
    document = _decode(text)
    if document is None or len(document) > limit:
        return None
    placeholder = secrets.token_hex(16)
    return CutBody(
        rest=bytes(body[:begin]) + placeholder.encode("ascii") + bytes(body[end:]),
        placeholder=placeholder,
        document=document,
    )


def _decode(text: memoryview) -> bytes | None:
    """Decode padded base64 of one spelling (RFC 4648 section 4) slice by slice; None when it is not that."""
    document = io.BytesIO()  # grows in place and gives its buffer away, so that the document is never there twice
    for begin in range(0, len(text), _SLICE):
        piece = text[begin : begin + _SLICE]
        try:
            decoded = binascii.a2b_base64(piece, strict_mode=True)
        except binascii.Error:
            return None
        if binascii.b2a_base64(decoded, newline=False) != piece:
            return None
        if len(decoded) % 3 and begin + _SLICE < len(text):
            return None  # padding in the middle
        document.write(decoded)
    return document.getvalue()
