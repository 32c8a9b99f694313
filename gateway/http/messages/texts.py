"""The texts of requests, each with its bounds."""

from typing import Annotated

from msgspec import Meta

Word = Annotated[str, Meta(min_length=1, max_length=128)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
FieldName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
DayText = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Coordinate = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]  # 32 bytes in base64url, of a public key
