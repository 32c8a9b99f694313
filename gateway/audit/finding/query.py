"""``query.json``: the search behind a finding, by the entries that the log has about it.

Who searched, when, and how much was found stand in the leaf of the first receipt, which commits to what was searched
for. Where private parts were opened, the search itself is here with the salt of that commitment, and the receipts of
the entries about the opening: the request, and the approval by another auditor where it took one. The request commits
to the search and the log, with a salt that is here too.

Witnesses must have seen the entries of the opening. That of the search was written for this very file, so that for it
the log alone may vouch, and whoever reads is told so. What the finding's own checkpoint covers is proven against it.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from gateway.audit.commitment import is_opened_by
from gateway.audit.errors import LogFault, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.leaf import MAX_NUMBER, Leaf, LeafKind, parse_leaf
from gateway.audit.openings import APPROVAL, OPENING_MS, REQUEST, encode_request
from gateway.audit.receipts import FullReceipt, ReceiptError, read_receipt, verify_receipt
from gateway.audit.search.entry import decode_digest
from gateway.audit.search.query import Query, QueryError, encode_query, parse_query
from gateway.audit.tlog.checkpoint import Checkpoint
from gateway.audit.tlog.note_key import NoteKey
from gateway.audit.tlog.quorum import NO_QUORUM, Policy, PolicyLog
from keys.canonical_json import encode_canonical, parse_canonical

MAX_QUERY: Final = 2 * 1024 * 1024  # bytes; three receipts with all lines that a checkpoint may have
_MAX_RECEIPTS: Final = 3
_ANSWER_MS: Final = 600_000  # the longest deadline of a request: its entry may be that much later than its permission

_Salt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]


class OpenedQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was searched for, by the names of a search, and the salts of the two commitments to it.

    ``salt`` is that of the entry about the search, ``request`` that of the request for the opening.
    """

    salt: _Salt
    request: _Salt
    value: dict[str, str | int | list[str]]


class FindingQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The search. ``complete``: the finding has all that there is, up to the moment of the search.

    ``reached``: else, from which time on all entries were looked at.
    """

    complete: bool
    reached: Annotated[int, Meta(ge=0, le=MAX_NUMBER)] | None = None
    receipts: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=_MAX_RECEIPTS)]
    query: OpenedQuery | None = None


class SearchBehind(Struct, frozen=True, kw_only=True):
    """What is proven of the search: its leaf, and those of the request for the opening and of its approval.

    ``is_log_alone``: no witness saw the entry of the search, or fewer than the policy asks for; ``is_opening_unseen``:
    those of the opening were seen by fewer than it asks for, which may be none.
    """

    search: Leaf
    complete: bool
    reached: int | None
    is_log_alone: bool
    is_opening_unseen: bool
    query: Query | None = None
    request: Leaf | None = None
    approval: Leaf | None = None


def encode_finding_query(query: FindingQuery) -> bytes:
    """Write it."""
    return encode_canonical(query)


def verify_search(data: bytes, policy: Policy, checkpoint: Checkpoint) -> SearchBehind:
    """Read and verify the search behind a finding whose entries are proven against ``checkpoint``.

    1. Each entry is in a tree that the log signed, whose keys count under the names of its other half-years too; in
       that of ``checkpoint`` where that has so many entries.
    2. The first is that of a search, and the opening that it names was asked for by whoever searched.
    3. That request was for this very search of this very log.
    4. It was approved by somebody else, or by nobody, and the search was made while that was good.

    Raises:
        MalformedLogDataError: it is not of its form.
        UnprovenError: an entry is not proven, or is not about this search.

    """
    if len(data) > MAX_QUERY:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"up to {MAX_QUERY} bytes were expected")
    try:
        said = parse_canonical(data, FindingQuery)
        receipts = [read_receipt(one) for one in said.receipts]
        query = None if said.query is None else parse_query(said.query.value)
    except ReceiptError as error:
        raise MalformedLogDataError(LogFlaw.TEXT, f"a receipt: {error}") from error
    except QueryError as error:
        raise MalformedLogDataError(LogFlaw.TEXT, f"a search: {error}") from error
    except ValueError:  # the cause may quote the content
        raise MalformedLogDataError(LogFlaw.TEXT, "canonical JSON of its form was expected") from None
    seen = [_verify(receipt, policy, checkpoint) for receipt in receipts]  # 1
    search, *others = (parse_leaf(receipt.leaf or b"") for receipt in receipts)
    _check(said.complete == (said.reached is None), "how far the search came is said where it is not complete")
    opening = search.content.more.get("opening")
    is_search = search.content.kind is LeafKind.AUDITOR_QUERY and not search.content.outcome
    _check(is_search, "the entry of a search that was made was expected")  # 2
    _check((opening is not None) == bool(others), "the entries of its opening were expected")
    _check((said.query is not None) == bool(others), "a search is shown where there is an opening, and only there")
    if said.query is not None and query is not None:
        _check_opening(search, others)
        request, encoded = others[0].content, encode_query(query)
        _check_opened(search.content.more.get("query"), said.query.salt, encoded, "another search was committed to")
        encoded = encode_request(query, checkpoint.origin)
        _check_opened(request.more.get("target"), said.query.request, encoded, "another search was approved")  # 3
    return SearchBehind(
        search=search,
        complete=said.complete,
        reached=said.reached,
        is_log_alone=not (seen[0] and policy.is_reached(seen[0])),
        is_opening_unseen=not all(map(policy.is_reached, seen[1:])),
        query=query,
        request=others[0] if others else None,
        approval=others[1] if others[1:] else None,
    )


def _verify(receipt: FullReceipt, policy: Policy, checkpoint: Checkpoint) -> Collection[str]:
    """Verify that the log has an entry, and return the witnesses that saw it.

    Raises:
        MalformedLogDataError, UnprovenError.

    """
    if receipt.leaf is None or receipt.proof is None:
        raise MalformedLogDataError(LogFlaw.TEXT, "a receipt in full was expected")
    _check(_is_same_log(receipt.log, checkpoint.origin), "an entry of this log was expected")
    proven = receipt.proof.checkpoint.checkpoint
    is_covered = receipt.log == checkpoint.origin and receipt.index < checkpoint.size
    _check(not is_covered or proven == checkpoint, "an entry in the tree of the finding was expected")
    logs = tuple(PolicyLog(key=_under_name(log.key, receipt.log)) for log in policy.logs)
    return verify_receipt(receipt, replace(policy, logs=logs, quorum=NO_QUORUM)).cosigned.keys()


def _under_name(key: NoteKey, log: str) -> NoteKey:
    """Return a key under the name of another half-year of its log; as it is for another log."""
    return NoteKey(log, key.type, key.public_key) if _is_same_log(key.name, log) else key


def _is_same_log(name: str, log: str) -> bool:
    """Answer whether these are half-years of one log; what has no half-year in its name is one log alone."""
    (first, slash, _), (second, _, _) = name.rpartition("/"), log.rpartition("/")
    return name == log or (bool(slash) and first == second)


def _check_opening(search: Leaf, others: Sequence[Leaf]) -> None:
    """Check who asked, who approved, and when (2 and 4)."""
    opening, (request, *approvals) = search.content.more.get("opening"), others
    for leaf, action in zip(others, (REQUEST, APPROVAL), strict=False):
        content = leaf.content
        is_about = content.kind is LeafKind.ADMIN and content.req == opening and content.more.get("action") == action
        _check(is_about, "an entry of the opening was expected")
    _check(request.content.caller == search.content.caller, "somebody else asked for the opening")
    _check(len({leaf.content.more.get("target") for leaf in others}) == 1, "something else was approved")
    _check(len({leaf.content.caller for leaf in others}) == len(others), "somebody approved their own request")
    good_from = request.t
    for approval in approvals:
        _check(request.t <= approval.t < request.t + OPENING_MS, "the approval was not in time")
        good_from = approval.t
    _check(good_from <= search.t < good_from + OPENING_MS + _ANSWER_MS, "the opening was over, or not yet approved")


def _check_opened(commitment: str | int | None, salt: str, value: bytes, expected: str) -> None:
    try:
        opened = is_opened_by(decode_digest(str(commitment)), salt=bytes.fromhex(salt), value=value)
    except ValueError:
        opened = False
    _check(opened, expected)


def _check(holds: bool, expected: str) -> None:  # noqa: FBT001 -- what is checked, as of an assertion
    if not holds:
        raise UnprovenError(LogFault.ROOT_MISMATCH, expected)
