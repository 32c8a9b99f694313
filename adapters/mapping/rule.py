"""The rules of one mapping file, as values: what was written, checked key by key and not compiled yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.codecs.chain import Chain
from adapters.mapping.codecs.tables import CodeTable
from adapters.mapping.fault import Path
from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.form import Form, FormName
from adapters.mapping.path import MessagePath
from adapters.mapping.target import Target
from adapters.record.status import RecordStatus


class Evidence(StrEnum):
    """How well something about a system is known."""

    CERTAIN = "certain"  # code or a document of the system shows it
    PROBABLE = "probable"  # one implementation, or memory that fits the evidence
    INFERRED = "inferred"  # our best guess, to be confirmed with the system's operator


class Direction(StrEnum):
    """Which way a rule is used."""

    BOTH = "both"
    IN = "in"  # read only
    OUT = "out"  # written only


class Absent(StrEnum):
    """How a field about which nothing is said is written."""

    OMIT = "omit"
    EMPTY = "empty"
    NULL = "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The system that a file is about."""

    id: str
    zh: str
    en: str
    version: str
    notes: str
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The form of its messages, and where the records are in them.

    ``namespaces`` maps the prefixes of paths to the namespaces of XML, be it the message or a text in it.
    """

    form_name: FormName
    form: Form
    charset: Charset
    records: MessagePath
    absent: Absent
    namespaces: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_xml(self) -> bool:
        """Whether the message is XML."""
        return self.form_name is FormName.XML

    @property
    def has_xml_records(self) -> bool:
        """Whether its records are, which may stand in a text of another form."""
        return self.records.ends_in_xml(is_xml=self.is_xml)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A field counts only where the text under ``key``, beside it, is ``equals``."""

    key: str
    equals: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """One field. Without ``target`` it is a constant of the message; without ``paths`` a constant of the record.

    With several paths their texts go to the first codec together. ``also`` are other names of the one path, read only.
    """

    place: Path  # in the file
    target: Target | None
    paths: tuple[MessagePath, ...]
    chain: Chain
    constant: str | None
    default: str | None
    condition: Condition | None
    direction: Direction
    evidence: Evidence
    loses: str
    name_prefix: str  # of surface.*: the names in the message begin with it
    pair: tuple[str, str] | None  # of surface.*: entries with their name and their value under these keys
    also: tuple[MessagePath, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeRule:
    """One value around the records; a constant is written, and reads as nothing."""

    place: Path
    name: str
    path: MessagePath
    chain: Chain
    constant: str | None
    loses: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRule:
    """Where the status stands, what the codes mean, and how our words are written.

    ``of_message``: it stands beside the records and counts for all of them, as where one code says that a licence was
    found and that it is cancelled.
    """

    place: Path
    path: MessagePath
    chain: Chain
    meanings: Mapping[str, RecordStatus]
    spellings: Mapping[RecordStatus, str]
    written_as: Mapping[RecordStatus, RecordStatus]
    loses: str
    of_message: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRule:
    """Where a code of the outcome stands, what the codes mean, and how our words are written.

    ``of_record``: it stands in a record, which is none of a licence unless the code is missing or says FOUND.
    """

    place: Path
    path: MessagePath
    chain: Chain
    meanings: Mapping[str, AnswerOutcome]
    spellings: Mapping[AnswerOutcome, str]
    retry_after_seconds: Mapping[str, int]
    of_record: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One mapping file. ``losses`` declares, by neutral name, what the system has no room for.

    ``outcomes`` stand in the message, ``record_outcomes`` in its records.
    """

    file: str
    system: System
    message: Message
    fields: tuple[FieldRule, ...]
    envelope: tuple[EnvelopeRule, ...]
    status: StatusRule | None
    outcomes: tuple[OutcomeRule, ...]
    record_outcomes: tuple[OutcomeRule, ...]
    losses: Mapping[str, str]
    tables: Mapping[str, CodeTable]
    transport: Mapping[str, object] = field(default_factory=dict)
