"""A licence becomes a credential: the claims of its record, signed for one holder's key."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.credential import Claim, CredentialClaims, CredentialError, CredentialFault
from keys.own.signer import Signer
from keys.sd_jwt.disclosure import DigestName
from keys.sd_jwt.issuance import CredentialTerms, Disclosable, Field, issue_sd_jwt
from keys.sd_jwt.public_key import PublicKey

USUAL_LIFE: Final = timedelta(days=30)
_STEP: Final = 8  # digests of claims are filled up to a multiple, so that what is not stated cannot be counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOrder:
    """What is issued: who says it, of what type (``vct``), what, for whose key, from when, and for how long at most.

    ``ends_at`` is when the licence itself ends, None: never.
    """

    issuer: str
    type_name: str
    claims: CredentialClaims
    holder_key: PublicKey
    at: datetime
    life: timedelta = USUAL_LIFE
    ends_at: datetime | None = None
    digest: DigestName = DigestName.SHA256

    @property
    def expires(self) -> datetime:
        """When the credential ends: after its life, or with the licence."""
        end = self.at + self.life
        return end if self.ends_at is None else min(end, self.ends_at)


def issue_credential(order: CredentialOrder, signer: Signer) -> str:
    """Return the credential with everything in the clear, for its holder and nobody else.

    Raises:
        CredentialError: NOT_WRITABLE.
        OwnKeyError, KeystoreError, JournalError: as the signer does.

    """
    claims = order.claims
    fields: dict[str, Field] = {name: _mark(value) for name, value in {**claims.open, **claims.personal}.items()}
    try:
        return issue_sd_jwt(
            CredentialTerms(
                issuer=order.issuer,
                type_name=order.type_name,
                issued_at=order.at,
                expires=order.expires,
                holder_key=order.holder_key,
            ),
            fields,
            signer=signer,
            visible=frozenset(claims.open),
            digest=order.digest,
            decoys=-len(claims.personal) % _STEP,
        )
    except ValueError as error:  # its texts name claims and bounds
        raise CredentialError(CredentialFault.NOT_WRITABLE, str(error)) from error


def _mark(value: Claim) -> Field:
    """Let the holder show each member of an object and each element of a list by itself."""
    match value:
        case dict():
            return {name: Disclosable(value=_mark(inner)) for name, inner in value.items()}
        case list():
            return [Disclosable(value=_mark(inner)) for inner in value]
        case _:
            return value
