"""Putting a policy in force: at once when it widens nothing, else when enough different people have approved it.

What is compared is the draft with what the site's state says is in force. It takes effect under a lock, if nothing has
changed meanwhile, so that several processes of one site come to the same end whichever is first.
"""

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from msgspec.structs import replace

from gateway.policy.approval import (
    MAX_FILE_BYTES,
    Approval,
    ApprovalError,
    Change,
    Counted,
    approval_file,
    count_approvals,
    date_activation,
    date_approval,
    describe_approval,
    digest_lines,
    encode_approvals,
    parse_approvals,
)
from gateway.policy.approvers import Approver
from gateway.policy.draft import Draft
from gateway.policy.in_force import Pointer, PolicyArchive
from gateway.policy.moment import china_day, encode_moment
from gateway.policy.policy_site import PolicySite, SiteFaultsError, Written
from gateway.toml_table import Fault, Words
from gateway.trust.files import locked, read_file, replace_file
from keys.canonical_json import encode_canonical
from keys.own.signer import Signer
from policies.bundle import Bundle
from policies.difference.diff import Diff, diff
from policies.difference.line import DiffLine
from policies.engine import Engine
from policies.forms.registry import REGISTRY_VERSION

ACTIVATION_SCHEMA: Final = "tongban-policy-activation/1"
_LOCK_TRIES: Final = 20  # a second; whoever else holds it needs some milliseconds, and there is another look anyway


class Standing(StrEnum):
    """Where the policy that is written in the site stands."""

    NO_POLICY = "no-policy"  # there is none
    IN_FORCE = "in-force"
    READY = "ready"  # the gateway puts it in force when it looks next
    WAITS_FOR_APPROVAL = "waits-for-approval"
    WAITS_FOR_DAY = "waits-for-day"  # everything else is as it has to be
    ENDED = "ended"  # its time is over


class Validity(StrEnum):
    """Whether what is in force decides anything today."""

    APPLIES = "applies"
    NOTHING = "nothing"  # nothing ever was in force
    NOT_YET = "not-yet"
    ENDED = "ended"
    OTHER_FORMS = "other-forms"  # made with the masks of another version of this program


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """A policy that decides: its bundle, the engine made of it, and its digest, `sha256:…`."""

    bundle: Bundle
    engine: Engine
    digest: str

    def validity(self, day: date) -> Validity:
        """Say whether it decides on this day in China."""
        text = day.isoformat()
        if text < self.bundle.valid_from:
            return Validity.NOT_YET
        if text >= self.bundle.valid_to:
            return Validity.ENDED
        return Validity.APPLIES if self.bundle.forms == REGISTRY_VERSION else Validity.OTHER_FORMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A draft beside what is in force: what it changes, and which of its approvals count.

    ``old`` is the bundle in force, None where nothing was.
    """

    draft: Draft
    pointer: Pointer | None
    old: Bundle | None
    diff: Diff
    change: Change
    approvals: tuple[Approval, ...]
    counted: tuple[Counted, ...]
    needed: int

    @property
    def is_in_force(self) -> bool:
        """Say whether the draft is what is in force."""
        return self.pointer is not None and self.pointer.digest == self.draft.digest

    @property
    def widening(self) -> tuple[DiffLine, ...]:
        """What widens."""
        return tuple(line for line in self.diff.lines if line.widens)

    @property
    def widens(self) -> bool:
        """Say whether it needs approval; the first policy always does."""
        return not self.is_in_force and (self.old is None or self.diff.widens)

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who has approved it, as far as it counts."""
        return tuple(one.approver for one in self.counted if one.refusal is None)

    @property
    def is_approved(self) -> bool:
        """Say whether enough people have."""
        return not self.widens or len(self.approvers) >= self.needed

    def standing(self, day: date) -> Standing:
        """Say where the draft stands on this day in China."""
        if self.is_in_force:
            return Standing.IN_FORCE
        bundle, text = self.draft.bundle, day.isoformat()
        if text >= bundle.valid_to:
            return Standing.ENDED
        if not self.is_approved:
            return Standing.WAITS_FOR_APPROVAL
        return Standing.WAITS_FOR_DAY if text < bundle.valid_from else Standing.READY


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What is in force now, and where the draft stands; ``proposal`` is None without a draft."""

    in_force: PolicyInForce | None
    standing: Standing
    pointer: Pointer | None = None
    proposal: Proposal | None = None


def nothing_like(bundle: Bundle) -> Bundle:
    """Return what is in force where nothing is: every difference from it is something that the bundle allows."""
    return replace(bundle, callers=(), licences=(), items=(), rules=(), together=(), budgets=(), tests=())


def propose(site: PolicySite, draft: Draft, *, at: datetime) -> Proposal:
    """Compare a draft with what is in force, and judge its approvals; nothing is changed.

    Raises:
        StateError: the state does not say what is in force.
        SiteFaultsError: the approvers, or the approvals, are not in order.
        OSError: they cannot be read.

    """
    pointer = site.archive.pointer()
    old = None if pointer is None else site.archive.bundle(pointer.digest)
    found = diff(old or nothing_like(draft.bundle), draft.bundle)
    change = Change(
        bundle=draft.digest,
        previous=None if pointer is None else pointer.digest,
        widening=digest_lines(found.lines),
        since=None if pointer is None else pointer.since,
    )
    approvals = _read_approvals(site, draft.digest)
    return Proposal(
        draft=draft,
        pointer=pointer,
        old=old,
        diff=found,
        change=change,
        approvals=approvals,
        counted=count_approvals(approvals, change, site.approvers(), at=at),
        needed=site.needed,
    )


def _read_approvals(site: PolicySite, digest: str) -> tuple[Approval, ...]:
    """Return the approvals of a bundle, none where there is no file."""
    path = approval_file(site.policies, digest)
    try:
        return parse_approvals(read_file(path, MAX_FILE_BYTES))
    except FileNotFoundError:
        return ()
    except ApprovalError as error:
        expected = Words("tongban policy approve 写入的批准文件", "approvals that tongban policy approve wrote")
        file = path.relative_to(site.folder).as_posix()
        fault = Fault(file=file, key="", expected=expected, found=Words("其他内容", "something else"))
        raise SiteFaultsError([fault]) from error


def approve(site: PolicySite, proposal: Proposal, approver: Approver, signer: Signer, *, at: datetime) -> Proposal:
    """Add an approval of exactly this proposal to its file; whoever asks has shown what widens.

    Raises:
        OwnKeyError, JournalError: the key does not sign.
        SiteFaultsError: the approvers cannot be read.
        OSError: the file cannot be written.

    """
    made = Approval.make(proposal.change, approver, signer, at=date_approval(proposal.change, at))
    path = approval_file(site.policies, proposal.draft.digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.parent):
        present = propose(site, proposal.draft, at=at)
        # What does not count makes room: it was for another change.
        kept = [
            one
            for one, counted in zip(present.approvals, present.counted, strict=True)
            if counted.refusal is None and one.approver != approver.id
        ]
        replace_file(path, encode_approvals((*kept, made)))
    return propose(site, proposal.draft, at=at)


def settle(site: PolicySite, written: Written, *, at: datetime, present: PolicyInForce | None = None) -> Settled:
    """Put what is written in force if it may be, and return what is; ``present`` saves compiling again what it holds.

    Where files changed meanwhile nothing is put in force, and the standing stays `READY`. It blocks.

    Raises:
        StateError: the state does not say what is in force.
        SiteFaultsError: the approvers, or the approvals, are not in order.
        OSError: the state cannot be written.

    """
    draft = written.draft
    if draft is None:
        return settled_by(site, None, at=at, present=present)
    proposal = propose(site, draft, at=at)
    if proposal.standing(china_day(at)) is Standing.READY:
        pointer = _activate(site, written, proposal, at)
        proposal = dataclasses.replace(proposal, pointer=pointer) if pointer else propose(site, draft, at=at)
    if present is None or present.digest != draft.digest:
        pointer = proposal.pointer
        if pointer is not None and pointer.digest == draft.digest:
            present = PolicyInForce(bundle=draft.bundle, engine=draft.engine, digest=draft.digest)
    return settled_by(site, proposal, at=at, present=present)


def _activate(site: PolicySite, written: Written, proposal: Proposal, at: datetime) -> Pointer | None:
    """Put a proposal in force, if under the lock everything is as it was read; None: it is not, and nothing was done.

    A process that read an older version, or compared with an older one in force, must not undo what others approved.
    """
    archive = site.archive
    archive.folder.mkdir(parents=True, exist_ok=True)
    with locked(archive.folder, tries=_LOCK_TRIES):
        if site.mark() != written.mark or archive.pointer() != proposal.pointer:
            return None
        used = [one.made_at for one in proposal.counted if one.refusal is None]
        pointer = Pointer(
            digest=proposal.draft.digest,
            previous=proposal.change.previous,
            since=date_activation(proposal.change, used, at),
            approvers=proposal.approvers if proposal.widens else (),
        )
        archive.put(proposal.draft.bundle, pointer, _encode_activation(proposal, pointer))
        return pointer


def _encode_activation(proposal: Proposal, pointer: Pointer) -> bytes:
    """Return the line of an activation: what came into force in place of what, what it widened, and by whose word."""
    bundle = proposal.draft.bundle
    counted = zip(proposal.approvals, proposal.counted, strict=True)
    approvals = tuple(one for one, each in counted if each.refusal is None) if proposal.widens else ()
    return encode_canonical(
        {
            "schema": ACTIVATION_SCHEMA,
            "since": encode_moment(pointer.since),
            "bundle": pointer.digest,
            "name": bundle.name,
            "version": bundle.version,
            "previous": pointer.previous,
            "differences": len(proposal.diff.lines),
            "widening_lines": len(proposal.widening),
            "widening": proposal.change.widening,
            "approvals": [describe_approval(one) for one in approvals],
        }
    )


def settled_by(
    site: PolicySite, proposal: Proposal | None, *, at: datetime, present: PolicyInForce | None = None
) -> Settled:
    """Return how things stand, and put nothing in force.

    Raises:
        StateError: the state does not say what is in force.

    """
    pointer = site.archive.pointer() if proposal is None else proposal.pointer
    return Settled(
        in_force=_compile(site.archive, pointer, present),
        standing=Standing.NO_POLICY if proposal is None else proposal.standing(china_day(at)),
        pointer=pointer,
        proposal=proposal,
    )


def _compile(archive: PolicyArchive, pointer: Pointer | None, present: PolicyInForce | None) -> PolicyInForce | None:
    if pointer is None:
        return None
    if present is not None and present.digest == pointer.digest:
        return present
    bundle = archive.bundle(pointer.digest)
    return PolicyInForce(bundle=bundle, engine=Engine(bundle), digest=pointer.digest)
