"""Licences to store, without the trouble of sealing them."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from gateway.sources.intake import NewLicence
from gateway.sources.source import LicenceIndex

STORED_AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
TYPE = "11100000000013338W001"
INDEX = LicenceIndex(
    identifier="1.2.156.3005.2.A.B.C.001.X",
    number="N-1",
    type_code=TYPE,
    name="食品经营许可证",
    holders=("91349901MADEM3431H",),
)


def index(**changes: Any) -> LicenceIndex:
    """Return the index of a licence, except for the changes."""
    return replace(INDEX, **changes)


def new_licence(document: bytes = b"document", *, issued_on: date | None = None, **changes: Any) -> NewLicence:
    """Return a licence to store; ``changes`` are fields of its index."""
    return NewLicence(
        document=document, sha256=hashlib.sha256(document).hexdigest(), index=index(**changes), issued_on=issued_on
    )
