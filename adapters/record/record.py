"""The neutral record of a licence: what a message says about it, in the words of GB/T 36903, without any judgement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from adapters.record.status import RecordFlag, RecordStatus

# One surface field (照面信息): a text, a list of texts, or a table whose rows name their columns.
Surface = str | tuple[str, ...] | tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHolder:
    """One holder (持证主体); any part may be empty. ``code_type`` is a code of GB/T 36903, such as 111 or 001."""

    name: str = ""
    code: str = ""
    code_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDocument:
    """The licence's file: its bytes, or a link where it may be fetched. The link is text of the system, not trusted."""

    format: str = ""
    content: bytes = b""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceRecord:
    """What one system says about one licence. An empty text is "not said"; dates are days in China.

    ``valid_to`` is the last day, inclusive, and None when ``long_term`` is set or nothing is said.
    ``source`` is the id of the system that said it. ``aside`` holds what no mapping names, by path; ``raw_status`` is
    the system's own code. Both are for the operator, and never logged.
    """

    identifier: str = ""
    number: str = ""
    type_code: str = ""
    name: str = ""
    holders: tuple[RecordHolder, ...] = ()
    issuer: str = ""
    issuer_code: str = ""
    area: str = ""
    issued_on: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    long_term: bool = False
    status: RecordStatus = RecordStatus.UNKNOWN
    under_objection: bool = False
    trust_level: str = ""
    source: str = ""
    surface: Mapping[str, Surface] = field(default_factory=dict)
    document: RecordDocument | None = None
    aside: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[RecordFlag] = frozenset()
    raw_status: str = ""
