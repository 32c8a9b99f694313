"""Bytes in a system's character set to text and back, strictly: nothing is replaced, nothing is passed over."""

from enum import StrEnum

from adapters.mapping.error import AdapterError, AdapterFault


class Charset(StrEnum):
    """The character sets that systems use. GBK reads as GB 18030 does not: what it cannot spell is refused."""

    UTF_8 = "utf-8"
    GBK = "gbk"
    GB18030 = "gb18030"


def decode(data: bytes, charset: Charset) -> str:
    """Return the text; raises AdapterError CHARSET for half a character or any byte that belongs to none."""
    try:
        return data.decode(charset.value)
    except UnicodeDecodeError:  # not chained: the exception carries the message
        raise AdapterError(AdapterFault.CHARSET) from None


def encode(text: str, charset: Charset) -> bytes:
    """Return the bytes; raises AdapterError CHARSET for a character that the set does not have."""
    try:
        return text.encode(charset.value)
    except UnicodeEncodeError:  # not chained: the exception carries the message
        raise AdapterError(AdapterFault.CHARSET) from None
