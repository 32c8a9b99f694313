"""Findings to test: a log with answers that follow from a real policy, searches, openings, and what is made of them."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.audit.entry import EntryDraft, SubjectId, commit_private, make_private
from gateway.audit.finding.making import FindingOrder, make_finding
from gateway.audit.finding.manifest import FINDING_FILE, NOTE_FILE, encode_finding, parse_finding, sign_finding
from gateway.audit.finding.package import encode_package, parse_package
from gateway.audit.finding.verifier import FindingVerification, PackageSource, verify_finding
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.log import AccessLog
from gateway.audit.openings import Auditor, Opening, draft_approval, draft_request, find_opening
from gateway.audit.search.entry import draft_query
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.tlog.checkpoint import SignedCheckpoint
from gateway.audit.tlog.quorum import Policy
from gateway.audit.verify.finding import FindingKind
from policies.bundle import canonical, digest_bundle, encode_bundle
from policies.dimension import Context
from policies.reference import decide
from tests.gateway.audit.exports import POLICY, cosigned
from tests.support.audit import SIGNER, START_MS, Clock, opened, sqlite_setup
from tests.support.policies import context, make_bundle, make_rule

BUNDLE = canonical(make_bundle(make_rule("R-1", {"holder_name": "mask:name", "holder_id": ("mask:id-1-1", "match")})))
DIGEST = digest_bundle(BUNDLE)
BUNDLES = {DIGEST: encode_bundle(BUNDLE)}
FORM = "cm--"  # of holder_id, holder_name, issue_date, phone
LICENCE = "鲁食证2026第00000001号"
PERSON = "11010519491231002X"
FIRST = Auditor(caller="auditor-1", org="11370000MB284651X1", operator="3701-1")
SECOND = Auditor(caller="auditor-2", org="11370000MB284651X1", operator="3701-2")
REASON = "投诉 12 号"
BY_LICENCE = Query(licence=LICENCE)


def answer(number: int, *, licence: str = LICENCE, facts: Context | None = None, **changes: Any) -> EntryDraft:
    """Return an answer as the policy gives it: the name masked, the number compared."""
    decided = decide(BUNDLE, facts or context())
    private = make_private(
        subjects=[SubjectId(PERSON)],
        official=f"37010000{number:02}",
        case=f"2026-{number}",
        licence=licence,
        context=[*(facts or context()), f"request-{number}"],
        response=bytes([number]) * 32,
    )
    leaf = LeafDraft(
        kind=LeafKind.ACCESS,
        req=f"REQUEST{number}",
        caller=f"approval-0{number % 2}",
        item="i1",
        purpose="purpose",
        commits=commit_private(private),
        form=FORM,
        plan=decided.id,
        policy=DIGEST,
        outcome="valid",
    )
    return EntryDraft(leaf=replace(leaf, **changes), private=private)


@contextmanager
def open_log(folder: Path) -> Iterator[AccessLog]:
    """Open a log with six answers, the even ones about the licence that tests search for."""
    with opened(sqlite_setup(folder, Clock())) as log:
        for number in range(6):
            append(log, answer(number, licence=LICENCE if number % 2 == 0 else f"another{number}"))
        yield log


def append(log: AccessLog, draft: EntryDraft) -> Any:
    """Append one entry and return its receipt."""
    return asyncio.run(log.append(draft))


def approve(log: AccessLog, query: Query = BY_LICENCE, *, by: Auditor | None = SECOND, at: int = START_MS) -> Opening:
    """Ask for an opening, have it approved unless nobody is to, and return it as the log has it."""
    append(log, draft_request(query, FIRST, log=log.origin, opening="01ASKEDFOR", reason=REASON))
    if by is not None:
        append(log, draft_approval(find_opening([log], "01ASKEDFOR"), by, at=at))
    return find_opening([log], "01ASKEDFOR")


def make(
    log: AccessLog,
    query: Query = BY_LICENCE,
    *,
    opening: Opening | None = None,
    policy: Policy = POLICY,
    bundles: Mapping[str, bytes] = BUNDLES,
    witnessed: bool = True,
    seen: SignedCheckpoint | None = None,
    writer: AccessLog | None = None,
    shown: Query | None = None,
    changes: Mapping[str, Any] | None = None,
) -> bytes:
    """Search, record it and return the finding, its checkpoint cosigned unless it is not to be.

    As an honest gateway never does: witnesses saw no more than ``seen``, search and opening stand in ``writer``, what
    is shown was found by ``shown``, or the leaf of the search has ``changes``.
    """
    page = LogSearch.of(log).find(shown or query)
    found = [one for one in page.entries if one.leaf.content.kind is LeafKind.ACCESS]
    writer = writer or log
    draft = draft_query(
        query, req="01SEARCHED", caller=FIRST.caller, org=FIRST.org, found=len(found),
        opening="" if opening is None else opening.id,
    )  # fmt: skip
    receipt = append(writer, replace(draft, leaf=replace(draft.leaf, **(changes or {}))))
    head = seen or log.prove(0).checkpoint
    return make_finding(
        FindingOrder(
            reader=log,
            writer=writer,
            found=found,
            reached=None if page.cursor is None else found[-1].leaf.t + 1,
            query=query,
            search=receipt,
            policy=policy,
            read_bundle=bundles.__getitem__,
            cosigned=(cosigned(head),) if witnessed else (),
            opening=opening,
            readers={writer.origin: writer},
        )
    )


def verified(data: bytes, policy: Policy | None = POLICY) -> FindingVerification:
    """Verify a finding that is a package."""
    return verify_finding(PackageSource(parse_package(data)), policy=policy)


def kinds(found: FindingVerification) -> set[FindingKind]:
    """Return what kinds of faults were found."""
    return {finding.kind for finding in found.findings}


def changed(data: bytes, **files: Callable[[bytes], bytes] | None) -> bytes:
    """Return the finding with files changed, or left out, as somebody could who has the keys of the log.

    The names are those of the files, with ``_`` for dots; a file that is not there is changed from nothing.
    """
    content = dict(parse_package(data))
    for name, change in files.items():
        path = next((one for one in content if one.replace(".", "_") == name), name.replace("__", "/"))
        if change is None:
            del content[path]
        else:
            content[path] = change(content.get(path, b""))
    return resigned(content)


def resigned(content: dict[str, bytes]) -> bytes:
    """Return a package of these files whose manifest fits them and is signed by the log."""
    manifest = parse_finding(content[FINDING_FILE])
    digests = {
        path: hashlib.sha256(data).hexdigest()
        for path, data in content.items()
        if path not in {FINDING_FILE, NOTE_FILE}
    }
    written = encode_finding(type(manifest)(log=manifest.log, files=digests))
    return encode_package(content | {FINDING_FILE: written, NOTE_FILE: sign_finding(written, manifest.log, [SIGNER])})


def edited(edit: Callable[[dict[str, Any]], None], line: int | None = None) -> Callable[[bytes], bytes]:
    """Return a change of a JSON file, or of one of its lines, that stays canonical."""

    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        value = json.loads(lines[line or 0])
        edit(value)
        lines[line or 0] = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return b"\n".join(lines)

    return change
