"""What holders ask and get: the bodies of ``/holder/v1``. Sentences are in the language that was asked for."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.audit.leaf import LeafKind
from gateway.audit.search.search import USUAL_PAGE
from gateway.http.messages.auditors import Cursor, Moment, QueryReceipt

MAX_SHOWN: Final = 50  # lines of one page; with their proofs some 150 kB


class AccessesRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who looked at mine; times are ``since <= time < until``."""

    since: Moment | None = None
    until: Moment | None = None
    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_SHOWN)] = USUAL_PAGE
    proofs: Annotated[bool, Meta(description="Whether each line comes with the proof that it stands in the log.")] = (
        False
    )


class OrganisationAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation: its unified social credit code, and its name where it is known."""

    code: str
    name: str | None


class SystemAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The system that asked; null: it is not registered any more."""

    id: str
    name: str | None


class ProvinceAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The partner province that asked."""

    region: str
    name: str | None


class ItemAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The item (事项) that it was asked for, as the policy called it that decided."""

    code: str
    name: str | None


class FieldLineAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which form a field left, never its value; without a name: ``count`` fields left in this form."""

    name: str | None
    form: Annotated[str, Meta(description="One character, as entries have it (docs/audit-format.md).")]
    words: str
    count: int


class ProofAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receipt in full, for ``tongban audit check-receipt``: the entry, and the proof that it stands in the log."""

    log: str
    index: int
    leaf: str
    proof: str


class AccessAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One look; ``why`` is a sentence. ``damaged``: what was kept beside the entry was changed, so fields are unnamed.

    The official who looked is known to auditors.
    """

    time: str
    kind: Annotated[LeafKind, Meta(description="access, match or deny.")]
    organisation: OrganisationAnswer
    system: SystemAnswer
    province: ProvinceAnswer | None
    item: ItemAnswer | None
    licence: str | None
    fields: list[FieldLineAnswer]
    outcome: str
    why: str
    log: str
    index: int
    damaged: bool
    proof: ProofAnswer | UnsetType = UNSET


class AccessesAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page, newest first; ``cursor`` leads to older ones, null: there are no more.

    ``period_from``: since when there are records that can be shown; ``heartbeat``: when the log took its last entry.
    ``notice`` is the same for everybody, always. ``receipt`` is of the entry about this look.
    """

    accesses: list[AccessAnswer]
    cursor: str | None
    period_from: str | None
    heartbeat: str | None
    notice: str
    receipt: QueryReceipt
