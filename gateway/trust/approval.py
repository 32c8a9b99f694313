"""A second person's yes to a trust list that changes much: a signature over which version it is, beside the list."""

import base64
from typing import Final

import msgspec

from keys.canonical_json import encode_canonical
from keys.errors import SignatureVerificationError
from keys.own.signer import Signer
from keys.signature import SignatureEncoding, verify_signature
from keys.trust_list import ListKey, TrustList
from keys.trust_list_verify import find_signers

SCHEMA: Final = "tongban-trust-approval/1"


class _Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed; the schema keeps it apart from everything else that the same key signs."""

    schema: str
    list: str
    version: int
    digest: str


class _Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    statement: _Statement
    key: str
    signature: str


def select_approvers(in_force: TrustList, candidate: TrustList) -> tuple[ListKey, ...]:
    """Return the keys that may approve: those of the list in force that have not signed the candidate.

    Who signed is said by the keys that verify its signatures. Where all of the keys in force do, nobody is left to ask
    and everybody has agreed: then each of them may.
    """
    known = (*in_force.signers.keys, *candidate.signers.keys)
    signed = find_signers(candidate, known)  # public keys, not ids: those the candidate gives out as it likes
    others = tuple(key for key in in_force.signers.signers if key.public_key not in signed)
    return others or in_force.signers.signers


def make_approval(candidate: TrustList, key: ListKey, signer: Signer) -> bytes:
    """Sign that exactly this version may be put in force.

    Raises:
        OwnKeyError, JournalError: the key does not sign.

    """
    statement = _state(candidate)
    value = signer.sign(encode_canonical(statement))
    signature = base64.b64encode(value).decode("ascii")
    return encode_canonical(_Approval(statement=statement, key=key.id, signature=signature))


def is_approved(data: bytes, *, in_force: TrustList, candidate: TrustList) -> bool:
    """Say whether ``data`` is an approval of exactly this version by somebody who may give it."""
    try:
        approval = msgspec.json.decode(data, type=_Approval)
        value = base64.b64decode(approval.signature, validate=True)
    except (msgspec.MsgspecError, RecursionError, ValueError):  # of base64, too: binascii.Error, or not ASCII
        return False
    key = next((key for key in select_approvers(in_force, candidate) if key.id == approval.key), None)
    statement = _state(candidate)
    if key is None or approval.statement != statement:
        return False
    try:
        encoding = verify_signature(
            message=encode_canonical(statement), signature=value, algorithm=key.algorithm.oid, spki=key.public_key
        )
    except SignatureVerificationError:
        return False
    return encoding is SignatureEncoding.DER


def _state(candidate: TrustList) -> _Statement:
    return _Statement(schema=SCHEMA, list=candidate.name, version=candidate.version, digest=candidate.digest)
