"""Requests of a recipe as cases: what is sent for a question, and what the side that is asked is to read from it.

Accounts, tokens and signatures are made up, and nothing is encrypted: keys are nobody's business here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Meta

from adapters.mapping.error import AdapterError
from adapters.record.record import LicenceRecord
from adapters.transport.recipe import Question, Request, TransportRecipe, Tree
from adapters.transport.template import QUESTION, Place, Template
from gateway.adapters.access import SystemAccess
from gateway.adapters.error import AskError
from gateway.adapters.functions import Functions
from gateway.adapters.incoming import MAX_ASKED, Incoming, RequestPattern, find_request
from gateway.adapters.inquiry import Inquiry
from gateway.adapters.request import Writer
from keys.canonical_json import encode_canonical, parse_canonical
from keys.payload.errors import PayloadError
from keys.payload.secret import Secret

# When all requests of kits are made, so that a kit of the same mapping is the same to the last byte.
MOMENT: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

_BASE: Final = "https://system.invalid"
_RANDOM: Final = frozenset({"request_id", "nonce"})
_NO_FUNCTIONS: Final = Functions(signature=None, wrapping=None, received=(), sent=())
_MAX_TEXT: Final = 64 * 1024  # characters of an address, a header or a body; those of ours have 2,000


class WrittenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as a file of a kit has it; ``address`` is behind that of the system."""

    method: Annotated[str, Meta(max_length=16)]
    address: Annotated[str, Meta(max_length=_MAX_TEXT)]
    headers: Annotated[
        dict[Annotated[str, Meta(max_length=256)], Annotated[str, Meta(max_length=_MAX_TEXT)]], Meta(max_length=64)
    ]
    body: Annotated[str, Meta(max_length=MAX_ASKED)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCase:
    """One request and what is to be read from it."""

    name: str
    message: bytes
    expected: Mapping[str, object]


def make_request_cases(recipe: TransportRecipe, sample: LicenceRecord) -> Iterator[RequestCase]:
    """Yield a case for each call of a recipe that can be written and read back."""
    writer = Writer(recipe=recipe, access=_made_up(recipe), functions=_NO_FUNCTIONS)
    for call in recipe.calls.values():
        inquiry = _ask(call.question, sample)
        given = {f"given.{name}": f"kit-{name}" for step in recipe.steps for name in step.gives}
        words = {**inquiry.words, **given, "signature": "kit-signature", "page": "1", "page_size": "10"}
        try:
            outgoing = writer.write(_settled(call.request), words, at=MOMENT, token=Secret(b"kit-token"))
        except AskError:
            continue
        message = encode_canonical(
            WrittenRequest(
                method=outgoing.method.value,
                address=outgoing.address.removeprefix(_BASE),
                headers=dict(outgoing.headers),
                body=(outgoing.body or b"").decode("utf-8"),
            )
        )
        expected = describe_request(recipe, message)
        if "words" in expected:
            yield RequestCase(name=f"request-{call.question}", message=message, expected=expected)


def describe_request(recipe: TransportRecipe, message: bytes) -> dict[str, object]:
    """Return what is read from a request of a kit: which question it is, and the words in it."""
    try:
        written = parse_canonical(message, WrittenRequest)
        patterns = {RequestPattern(recipe, call.request): call.question for call in recipe.calls.values()}
        found = find_request(patterns, _incoming(written))
    except (ValueError, AdapterError, PayloadError):  # of a kit that says something else
        return {"unreadable": "request"}
    if found is None:
        return {"unreadable": "call"}
    pattern, said = found
    words = {name: text for name, text in sorted(said.texts.items()) if name in QUESTION and text}
    return {"question": patterns[pattern].value, "words": words, "contradictory": sorted(said.contradictory)}


def _incoming(written: WrittenRequest) -> Incoming:
    path, _, query = written.address.partition("?")
    return Incoming(
        method=written.method,
        path=unquote(path),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.lower(): text for name, text in written.headers.items()},
        body=written.body.encode("utf-8"),
    )


def _made_up(recipe: TransportRecipe) -> SystemAccess:
    return SystemAccess(
        base=_BASE,
        settings={name: f"kit-{name}" for name in recipe.settings},
        secrets={name: Secret(f"kit-{name}".encode()) for name in recipe.secrets},
    )


def _ask(question: Question, sample: LicenceRecord) -> Inquiry:
    holder = sample.holders[0]
    return Inquiry(
        question=question,
        identifier=sample.identifier,
        number=sample.number,
        type_code=sample.type_code,
        name=sample.name,
        holder_name=holder.name,
        holder_code=holder.code,
        holder_code_type=holder.code_type,
        area=sample.area,
        code="0123456789",
        link="kit-link",
        use="办理食品经营许可",
        item_code="11430000006122244L4430100001001",
        item_name="食品经营许可",
        case="2026-0001",
        operator_id="operator-1",
        operator_name="经办人",
        operator_org="某市政务服务中心",
        operator_org_code="12430000006122244L",
    )


def _settled(request: Request) -> Request:
    """Return a request without what would be another one each time."""
    return replace(
        request,
        url=_settle(request.url),
        query={name: _settle(one) for name, one in request.query.items()},
        headers={name: _settle(one) for name, one in request.headers.items()},
        body=None if request.body is None else replace(request.body, content=_settle_tree(request.body.content)),
        message=None if request.message is None else _settle(request.message),
    )


def _settle(template: Template) -> Template:
    parts = (f"kit-{one}" if isinstance(one, Place) and str(one) in _RANDOM else one for one in template.parts)
    return Template(parts=tuple(parts))


def _settle_tree(tree: Tree) -> Tree:
    match tree:
        case Template():
            return _settle(tree)
        case tuple():
            return tuple(_settle_tree(one) for one in tree)
        case Mapping():
            return {name: _settle_tree(one) for name, one in tree.items()}
        case _:
            return tree
