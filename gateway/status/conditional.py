"""Asking for something only if it changed: the validators of what is at hand (RFC 9110 section 13).

Only over HTTPS: validators are not signed. Whoever once serves an old list with the validators of the new one would
have every later answer of the honest server be "not changed", long after he is gone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from yarl import URL

_ETAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')  # RFC 9110 section 8.8.3, ASCII, of a bounded length
_DATE: Final = re.compile(r"[ ,:0-9A-Za-z+-]{1,64}")  # sent back as it came, never interpreted


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What one address said about the version that it served; at least one of the two is there."""

    url: str
    etag: str | None = None
    last_modified: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that ask for something only if it is another version."""
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is at hand from one address, and its validators."""

    validators: Validators
    body: bytes


def read_validators(url: str, headers: Mapping[str, str]) -> Validators | None:
    """Return the validators of an answer over HTTPS, without those of another form; None: none is left."""
    etag, last_modified = headers.get("ETag"), headers.get("Last-Modified")
    etag = etag if etag is not None and _ETAG.fullmatch(etag) else None
    last_modified = last_modified if last_modified is not None and _DATE.fullmatch(last_modified) else None
    if URL(url).scheme != "https" or (etag is None and last_modified is None):
        return None
    return Validators(url=url, etag=etag, last_modified=last_modified)
