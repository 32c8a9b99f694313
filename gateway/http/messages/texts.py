"""The texts of requests, each with its bounds."""

from typing import Annotated, Final

from msgspec import Meta

# Control characters and code points that are none: nobody types them, and XML and headers have no place for them, so
# that a question with one could not be passed on. White space may stand in a name that was pasted.
_NONE: Final = r"\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
_WORD_PATTERN: Final = rf"^[^\x00-\x1f{_NONE}]*\Z"
_NAME_PATTERN: Final = rf"^[^\x00-\x08\x0b\x0c\x0e-\x1f{_NONE}]*\Z"

Word = Annotated[str, Meta(min_length=1, max_length=128, pattern=_WORD_PATTERN)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NAME_PATTERN)]
FieldName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
DayText = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Coordinate = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]  # 32 bytes in base64url, of a public key
