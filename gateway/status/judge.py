"""Whether what a source answered may be relied on and may follow what is known; pure functions."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from gateway.status.failure import StatusError, StatusFailure
from gateway.status.source import Coverage, StatusSource
from keys.certificate import Certificate
from keys.der import encode_header
from keys.errors import MalformedRevocationListError
from keys.name import name_key
from keys.ocsp import OcspResponse, parse_ocsp_response, select_status, verify_ocsp_response
from keys.ocsp_errors import OcspError, OcspFault
from keys.revocation_list import DELTA, RevocationList, parse_revocation_list
from keys.revocation_list_word import Signers, select_list_signer
from keys.revocation_scope import ListScope, is_in_scope
from keys.revocation_update import (
    RevocationUpdateError,
    UpdateFault,
    apply_delta,
    remove_delta,
    verify_successor,
)
from keys.revocation_word import Unavailable
from keys.status_feed import MAX_ENTRIES, FeedError, FeedFault, SignedFeed, parse_status_feed
from keys.status_feed_state import FeedState, apply_feed_delta, open_snapshot, verify_feed_period, verify_status_feed

# A source whose clock is a little ahead of ours answers "from the future"; its answer counts from that moment on.
MAX_AHEAD: Final = timedelta(minutes=10)

_URI: Final = 0x86  # [6] of GeneralName, RFC 5280 section 4.2.1.6

_OCSP_FAILURES: Final = {
    OcspFault.MALFORMED: StatusFailure.MALFORMED,
    OcspFault.TOO_LARGE: StatusFailure.TOO_LARGE,
    OcspFault.NOT_SUCCESSFUL: StatusFailure.DECLINED,
    OcspFault.OTHER_CERTIFICATE: StatusFailure.OTHER_CERTIFICATE,
    OcspFault.NONCE_MISMATCH: StatusFailure.NONCE,
    OcspFault.NONCE_MISSING: StatusFailure.NONCE,
    OcspFault.RESPONDER_NOT_AUTHORISED: StatusFailure.BAD_SIGNATURE,
    OcspFault.RESPONDER_EXPIRED: StatusFailure.BAD_SIGNATURE,
    OcspFault.RESPONDER_REVOKED: StatusFailure.BAD_SIGNATURE,
    OcspFault.BAD_SIGNATURE: StatusFailure.BAD_SIGNATURE,
    OcspFault.NOT_YET: StatusFailure.NOT_YET,
    OcspFault.STALE: StatusFailure.STALE,
}
_FEED_FAILURES: Final = {
    FeedFault.TOO_LARGE: StatusFailure.TOO_LARGE,
    FeedFault.MALFORMED: StatusFailure.MALFORMED,
    FeedFault.NOT_CANONICAL: StatusFailure.MALFORMED,
    FeedFault.UNKNOWN_KEY: StatusFailure.BAD_SIGNATURE,
    FeedFault.BAD_SIGNATURE: StatusFailure.BAD_SIGNATURE,
    FeedFault.OTHER_FEED: StatusFailure.OTHER_ISSUER,
    FeedFault.NOT_A_SNAPSHOT: StatusFailure.NOT_USABLE,
    FeedFault.NOT_A_DELTA: StatusFailure.NOT_USABLE,
    FeedFault.GAP: StatusFailure.GAP,
    FeedFault.BACKWARDS: StatusFailure.BACKWARDS,
    FeedFault.FORKED: StatusFailure.BACKWARDS,
    FeedFault.NOT_YET: StatusFailure.NOT_YET,
    FeedFault.STALE: StatusFailure.STALE,
}
_GOES_BACK: Final = frozenset(
    {UpdateFault.NUMBER_BACKWARDS, UpdateFault.TIME_BACKWARDS, UpdateFault.SAME_NUMBER, UpdateFault.NO_NUMBER}
)


class JudgedList(NamedTuple):
    """A list that may follow, or (``failure`` set) one that is genuine and dated too far in the future."""

    revocations: RevocationList
    failure: StatusError | None = None


def judge_list(
    body: bytes,
    *,
    source: StatusSource,
    old: RevocationList | None,
    at: datetime,
    signers: Signers,
    pointed_by: Certificate | None = None,
) -> JudgedList:
    """Judge a complete list that was fetched at ``at``, where ``old`` is known.

    ``signers`` are the other certificates of the issuer whose lists count; ``pointed_by`` is the certificate that
    stated the address, None: the source states it. The list at hand, served again, is confirmed until its own next
    update and no longer.

    Raises:
        StatusError: it may not be relied on; ``old`` stays.

    """
    complete = None if old is None else remove_delta(old)
    if complete is not None and body == complete.encoded:
        return _judge_dates(complete, at)
    revocations = _read_list(body, source)
    if revocations.unusable is not None:
        raise StatusError(StatusFailure.NOT_USABLE, revocations.unusable)
    _verify_scope(revocations.scope, source=source, pointed_by=pointed_by)
    verify_signer(revocations, source=source, signers=signers)
    if old is not None:
        try:
            verify_successor(revocations, old=old, at=at)
        except RevocationUpdateError as error:
            failure = StatusFailure.BACKWARDS if error.fault in _GOES_BACK else StatusFailure.NOT_USABLE
            raise StatusError(failure, str(error)) from error
    return _judge_dates(revocations, at)


def _verify_scope(scope: ListScope | None, *, source: StatusSource, pointed_by: Certificate | None) -> None:
    """Verify that a list is the one that is meant, and not another genuine one of the same issuer in its place.

    A list for all certificates is always meant. One that a certificate points to must speak for that certificate; any
    other must name an address of its source as its distribution point, or cover what its source says.
    """
    if pointed_by is not None:
        if not is_in_scope(pointed_by, scope):
            raise StatusError(StatusFailure.NOT_USABLE, "a list for others than the certificate that points to it")
        return
    if scope is not None and scope.points is not None and any(_name(url) in scope.points for url in source.urls):
        return
    found = Coverage.of(scope)
    if found not in {Coverage.ALL, source.covers}:
        raise StatusError(StatusFailure.NOT_USABLE, f'covers = "{source.covers}" was expected, got "{found}"')


def judge_delta(
    body: bytes, *, source: StatusSource, current: RevocationList, at: datetime, signers: Signers
) -> JudgedList:
    """Judge a delta list for ``current``, and lay it over; a delta that is already laid over changes nothing.

    Raises:
        StatusError: it may not be relied on, or (GAP) starts from a later list than the one at hand.

    """
    if current.delta is not None and body == current.delta.encoded:
        return _judge_dates(current, at)
    delta = _read_list(body, source)
    if delta.base_number is None or delta.unusable != DELTA:
        raise StatusError(StatusFailure.NOT_USABLE, delta.unusable or "not a delta list")
    verify_signer(delta, source=source, signers=signers)
    if delta.number == current.number and current.delta is None:
        return _judge_dates(current, at)  # issued together with the complete list at hand (RFC 5280 section 5.2.3)
    try:
        laid_over = apply_delta(current, delta)
        verify_signer(laid_over, source=source, signers=signers)
        return _judge_dates(laid_over, at)
    except RevocationUpdateError as error:
        match error.fault:
            case UpdateFault.BASE_TOO_OLD:
                failure = StatusFailure.GAP
            case UpdateFault.ALREADY_INCLUDED:
                failure = StatusFailure.BACKWARDS
            case _:
                failure = StatusFailure.NOT_USABLE
        raise StatusError(failure, str(error)) from error


def _read_list(body: bytes, source: StatusSource) -> RevocationList:
    try:
        revocations = parse_revocation_list(body)
    except MalformedRevocationListError as error:
        raise StatusError(StatusFailure.MALFORMED, str(error)) from error
    if name_key(revocations.issuer) != name_key(source.issuer.subject):
        raise StatusError(StatusFailure.OTHER_ISSUER)
    return revocations


def _name(url: str) -> bytes:
    """Return an address as the GeneralName that a distribution point has."""
    return encode_header(_URI, len(url.encode())) + url.encode()


def verify_signer(revocations: RevocationList, *, source: StatusSource, signers: Signers) -> None:
    """Verify that the issuer, or another certificate of it that counts, signed the list and a delta laid over it.

    Raises:
        StatusError: BAD_SIGNATURE, or NOT_USABLE: the key may not sign lists, or list and delta are by different keys.

    """
    signer = select_list_signer(revocations, source.issuer, signers)
    if signer is Unavailable.UNUSABLE:
        raise StatusError(StatusFailure.NOT_USABLE, "the issuer's key may not sign lists")
    if signer is Unavailable.BAD_SIGNATURE:
        if revocations.delta is not None:
            raise StatusError(StatusFailure.NOT_USABLE, "list and delta are signed by different keys")
        raise StatusError(StatusFailure.BAD_SIGNATURE)


def _judge_dates(revocations: RevocationList, at: datetime) -> JudgedList:
    if revocations.next_update is None or at >= revocations.next_update:
        raise StatusError(StatusFailure.STALE)
    if revocations.this_update > at + MAX_AHEAD:
        return JudgedList(revocations, StatusError(StatusFailure.NOT_YET, _ahead(revocations.this_update, at)))
    return JudgedList(revocations)


def judge_ocsp(
    body: bytes,
    *,
    source: StatusSource,
    certificate: Certificate,
    nonce: bytes | None,
    old: OcspResponse | None,
    at: datetime,
) -> OcspResponse:
    """Judge an answer about ``certificate``; ``nonce`` None: it comes from disk, and was compared when fetched.

    Raises:
        StatusError: it may not be relied on; ``old`` stays.

    """
    try:
        response = parse_ocsp_response(body)
        status = select_status(response, certificate=certificate, issuer=source.issuer)
        counts_from = at if status is None else min(max(at, status.this_update), at + MAX_AHEAD)
        found = verify_ocsp_response(
            response,
            certificate=certificate,
            issuer=source.issuer,
            at=counts_from,
            nonce=nonce,
            nonce_required=nonce is not None and source.nonce_required,
        )
    except OcspError as error:
        raise StatusError(_OCSP_FAILURES[error.fault], error.detail) from error
    if old is not None:
        known = select_status(old, certificate=certificate, issuer=source.issuer)
        if known is not None and found.this_update < known.this_update:
            raise StatusError(StatusFailure.BACKWARDS, f"issued at {found.this_update.isoformat()}")
    return response


def judge_snapshot(body: bytes, *, source: StatusSource, old: FeedState | None, at: datetime) -> FeedState:
    """Judge a snapshot of a feed, and return the state that it says.

    Raises:
        StatusError: it may not be relied on, or is none.

    """
    return _judge_feed(body, source=source, at=at, take=lambda signed: open_snapshot(signed, previous=old))


def judge_feed_delta(body: bytes, *, source: StatusSource, old: FeedState, at: datetime) -> FeedState:
    """Judge a delta of a feed for ``old``, and return the state that it leads to.

    Raises:
        StatusError: it may not be relied on, or is none; GAP: it starts from a later state, so a snapshot is needed;
            TOO_LARGE: it adds up to more than a snapshot may hold.

    """
    state = _judge_feed(body, source=source, at=at, take=lambda signed: apply_feed_delta(old, signed))
    if max(len(state.certificates), len(state.licences)) > MAX_ENTRIES:
        raise StatusError(StatusFailure.TOO_LARGE, f"at most {MAX_ENTRIES} entries were expected")
    return state


def _judge_feed(
    body: bytes, *, source: StatusSource, at: datetime, take: Callable[[SignedFeed], FeedState]
) -> FeedState:
    try:
        signed = parse_status_feed(body)
        verify_status_feed(signed, keys=source.keys, publisher=source.publisher)
        state = take(signed)
        verify_feed_period(state, at=min(max(at, state.issued), at + MAX_AHEAD))
    except FeedError as error:
        raise StatusError(_FEED_FAILURES[error.fault], error.detail) from error
    return state


def _ahead(moment: datetime, at: datetime) -> str:
    return f"dated {int((moment - at).total_seconds())} s ahead of this clock"
