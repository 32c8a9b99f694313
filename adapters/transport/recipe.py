"""The recipe as a value: what whoever talks to a system must know about it, but for addresses and secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.path import MessagePath
from adapters.mapping.rule import Evidence
from adapters.transport.template import Template

# A JSON value whose texts are templates.
Tree: TypeAlias = "Template | int | bool | Mapping[str, Tree] | tuple[Tree, ...]"


class Method(StrEnum):
    """The HTTP methods that systems use."""

    GET = "GET"
    POST = "POST"


class Question(StrEnum):
    """What a call answers."""

    IDENTIFIER = "identifier"  # the licence with this identifier
    NUMBER = "number"  # the licence with this type and number
    HOLDER = "holder"  # the licences of this holder
    HOLDER_ELSEWHERE = "holder-elsewhere"  # the same, asked where the first one found nothing
    CODE = "code"  # the licence that is shown with this presentation code
    FILE = "file"  # the file of a licence


class Way(StrEnum):
    """Which way a payload goes, as we see it."""

    IN = "in"
    OUT = "out"


class BodyKind(StrEnum):
    """The form of a request's body."""

    JSON = "json"
    FORM = "form"
    XML = "xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a request carries: a tree for JSON, a table of templates for form text, one template for XML."""

    kind: BodyKind
    content: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """An answer counts only where the text at ``path`` is ``equals``."""

    path: MessagePath
    equals: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. ``url`` begins with the address that the site gives.

    ``message`` is a text of its own that ``{message}`` puts into the body; ``answer`` is where in the answer the text
    stands that the mapping reads, None when it is the whole answer.
    """

    method: Method
    url: Template
    query: Mapping[str, Template] = field(default_factory=dict)
    headers: Mapping[str, Template] = field(default_factory=dict)
    body: Body | None = None
    message: Template | None = None
    answer: MessagePath | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUse:
    """A named function with its parameters, and the name of its key: a secret of the site, or "token"."""

    key: str
    name: str
    parameters: Mapping[str, object]

    @property
    def table(self) -> Mapping[str, object]:
        """The table as the functions' own registry reads it."""
        return {"name": self.name, **self.parameters}


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedPart:
    """A text that travels encrypted: the one at ``path``, or the whole message where there is none.

    What is decrypted takes the place of what was encrypted, before the mapping reads it.
    """

    way: Way
    path: MessagePath | None
    function: FunctionUse


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How a token is got, and how long it is good for; the signature's secret may be one too.

    Exactly one of ``lifetime_seconds`` and ``ends_at`` is there; ``time_form`` is how the latter is written.
    """

    request: Request
    success: Success | None
    token: MessagePath
    lifetime_seconds: int | None
    ends_at: MessagePath | None
    time_form: str
    wrapping: FunctionUse | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A request before a call; ``gives`` are values out of its answer, ``{given.NAME}``."""

    name: str
    request: Request
    success: Success | None
    gives: Mapping[str, MessagePath]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Pages are asked for one by one, from ``first``, until ``total`` is reached or a page is not full."""

    first: int
    size: int
    total: MessagePath | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The request that answers one kind of question; ``after`` are steps, in order."""

    question: Question
    request: Request
    after: tuple[str, ...] = ()
    paging: Paging | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Milliseconds; ``total_ms`` is for everything that one question needs, sign-in and steps included."""

    total_ms: int
    connect_ms: int | None = None
    read_ms: int | None = None
    pool_ms: int | None = None  # to wait for a free connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportRecipe:
    """How one system is called.

    ``http`` says what an HTTP status means; any other than 200 that is not there is an error. ``renew_on`` are codes
    of [[outcome]] after which one signs in again and asks once more. ``hosts`` maps hosts in addresses that the system
    returns to those that we reach: an address of any other host is never followed.
    """

    evidence: Evidence
    deadlines: Deadlines
    settings: tuple[str, ...]
    secrets: tuple[str, ...]
    headers: Mapping[str, Template]
    values: Mapping[str, Template]
    hosts: Mapping[str, str]
    sign_in: SignIn | None
    signature: FunctionUse | None
    encryption: tuple[EncryptedPart, ...]
    steps: tuple[Step, ...]
    calls: Mapping[Question, Call]
    http: Mapping[int, AnswerOutcome]
    renew_on: frozenset[str]
