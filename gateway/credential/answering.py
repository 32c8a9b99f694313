"""An answer of ours as a credential: nothing but what the policy gave as it is, of a licence that was found valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import UNSET

from adapters.credential import (
    CredentialError,
    CredentialFault,
    end_of_validity,
    map_claims,
    name_type,
)
from adapters.licence import Licence
from adapters.record.record import LicenceRecord
from adapters.record.sealed import record_licence
from gateway.credential.issuing import CredentialOrder, issue_credential
from gateway.credential.keys import CredentialKeys
from gateway.facade.records import say_found
from gateway.own_keys.journal import JournalError
from gateway.own_keys.keystore import KeystoreError
from gateway.pipeline import STALE, Verified
from gateway.sharing import Shared
from gateway.verdict import Outcome
from keys.own.errors import OwnKeyError
from keys.sd_jwt.public_key import PublicKey
from policies.dimension import LicenceStatus
from policies.form import FormKind


class NotIssued(StrEnum):
    """Why there is no credential, beside the words of `CredentialFault`."""

    KEY_UNAVAILABLE = "key-unavailable"  # no key signs now, or it cannot be used


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredCredential:
    """The credential; None with the ``reason``. ``left_out`` are fields that left in another form than plain."""

    text: str | None = field(default=None, repr=False)
    reason: CredentialFault | NotIssued | None = None
    type_name: str | None = None
    expires: datetime | None = None
    claims: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def answer_credential(
    verified: Verified, shared: Shared | None, *, keys: CredentialKeys, holder_key: PublicKey, at: datetime
) -> AnsweredCredential:
    """Return the credential of an answer that is in the access log; it takes a write to the journal of the key."""
    left_out = {} if shared is None else _left_out(shared)
    try:
        order = _order(verified, shared, keys=keys, holder_key=holder_key, at=at)
        signer = keys.select(at)
        if signer is None:
            return AnsweredCredential(reason=NotIssued.KEY_UNAVAILABLE, left_out=left_out)
        text = issue_credential(order, signer)
    except CredentialError as error:
        return AnsweredCredential(reason=error.fault, left_out=left_out)
    except (OwnKeyError, KeystoreError, JournalError):
        return AnsweredCredential(reason=NotIssued.KEY_UNAVAILABLE, left_out=left_out)
    claims = (*order.claims.open, *order.claims.personal)
    return AnsweredCredential(
        text=text, type_name=order.type_name, expires=order.expires, claims=claims, left_out=left_out
    )


def _order(
    verified: Verified, shared: Shared | None, *, keys: CredentialKeys, holder_key: PublicKey, at: datetime
) -> CredentialOrder:
    """Return what is to be issued; raises CredentialError."""
    licence = verified.licence
    # An annotated copy was made for one purpose, and must not come out as the licence.
    if verified.verdict.outcome is not Outcome.VALID or licence is None or licence.copy is not None:
        raise CredentialError(CredentialFault.NOT_VALID)
    exact = say_found(verified, shared, LicenceRecord()).exact
    if exact is None:
        # Where a source that comes first could not be asked, nobody knows.
        is_active = verified.status is LicenceStatus.ACTIVE and STALE.isdisjoint(verified.verdict.notes)
        raise CredentialError(CredentialFault.NOTHING_TO_SHOW if is_active else CredentialFault.NOT_ACTIVE)
    whole = record_licence(licence, status=exact.status, under_objection=exact.under_objection, source=verified.source)
    return CredentialOrder(
        issuer=keys.settings.issuer,
        type_name=name_type(_type_code(licence)),
        claims=map_claims(exact),
        holder_key=holder_key,
        at=at.replace(microsecond=0),
        life=timedelta(days=keys.settings.days),
        ends_at=end_of_validity(whole, at),
    )


def _type_code(licence: Licence) -> str:
    """Return the code of the type, which a credential cannot be without: it is what kind of licence was asked about."""
    return licence.type_code or ("" if licence.identifier is None else licence.identifier.type_code)


def _left_out(shared: Shared) -> dict[str, str]:
    return {
        name: one.form for name, one in shared.fields.items() if one.value is not UNSET and one.form != FormKind.PLAIN
    }
