"""What the systems of the tests ask, and what the log says of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from adapters.transport.recipe import Question
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.audit.leaf import LeafKind
from tests.support.facades import (
    BUSINESS_NAME,
    COMPANY,
    TYPE_CODE,
    Served,
    ask,
    serve_facade,
)
from tests.support.sharing import Logged, logged

HOLDER = COMPANY.holders[0]
BY_IDENTIFIER = ask(Question.IDENTIFIER, identifier=COMPANY.identifier)
BY_HOLDER = ask(Question.HOLDER, holder_code=HOLDER.code, type_code=TYPE_CODE, name=BUSINESS_NAME)
PERMIT_NAME = "食品经营许可证"
NOBODY = replace(BY_HOLDER, holder_code="91379901MADEM99999")
WriteSite = Callable[..., Awaitable[Path]]


async def entries(served: Served, *kinds: LeafKind) -> list[Logged]:
    """Return the entries of the access log."""
    return await logged(SimpleNamespace(server=served.server), *kinds)


async def ask_once(folder: Path, name: str, inquiry: Inquiry, **serving: object) -> tuple[Answer, list[Logged]]:
    """Serve, ask once, and return the answer with the entries of the log."""
    async with serve_facade(folder, name, **serving) as served:
        return await served.client.ask(inquiry), await entries(served)
