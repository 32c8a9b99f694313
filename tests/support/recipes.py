"""Short spellings of cases that start from the valid sealed licence of `tests.support.sealed`."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from adapters.strict.der import encode_element, encode_sequence
from keys.sm2 import Sm2PrivateKey
from keys.trust import Anchor, Purpose
from tests.support.algorithms import ending
from tests.support.pki import Entity, p256_key, sm2_key
from tests.support.sealed import (
    CREATED,
    DAY,
    INDEX,
    NOW,
    SIGNED_AT,
    Recipe,
    SealRecipe,
    Trust,
    cast,
    draft,
    edit_member,
    revocation_list,
    signed,
    signed_data,
    swap,
)
from tests.support.signed_data import oid
from tests.support.timestamps import StampRecipe, trusting_stamps


def trusting(**changes: Any) -> Recipe:
    """Return the valid case with another trust."""
    return Recipe(trust=Trust(**changes))


def listed(*, maker: Mapping[str, Any] | None = None, signer: Mapping[str, Any] | None = None) -> Trust:
    """Trust the maker by certificate and the signers' CA, as a signed list does; changes are those of `Anchor`."""
    makers = Anchor(certificate=cast().maker.certificate, purposes=frozenset({Purpose.SEAL_MAKER}), is_exhaustive=True)
    signers = Anchor(certificate=cast().signer_ca.certificate, purposes=frozenset({Purpose.SIGNER}), is_exhaustive=True)
    return Trust(listed=(replace(makers, **(maker or {})), replace(signers, **(signer or {}))))


def sealed_by(maker: Entity, **changes: Any) -> Recipe:
    """Return the valid case with another seal maker."""
    return signed(seal={"maker": maker, **changes})


def signed_by(signer: Entity, **changes: Any) -> Recipe:
    """Return the valid case with another signer, whom the seal lists."""
    return signed(signer=signer, **changes)


def keeping(recipe: Recipe) -> Recipe:
    """Return the case with CAs that keep on their lists what has expired, as the operator knows."""
    cas = (cast().maker_ca.certificate, cast().signer_ca.certificate)
    return replace(recipe, trust=replace(recipe.trust, keeps_expired=cas))


def issue(**knobs: Any) -> Entity:
    """Issue a signer's certificate, or whatever the knobs make of it."""
    return cast().signer_ca.issue("Signer", **knobs)


def issue_maker(**knobs: Any) -> Entity:
    """Issue a seal maker's certificate, or whatever the knobs make of it."""
    return cast().maker_ca.issue("Maker", **knobs)


def with_foreign_key(entity: Entity) -> Entity:
    """Return somebody who has the certificate, and not its key."""
    return Entity(key=sm2_key(), certificate=entity.certificate)


def with_key_off_the_curve(ca: Entity) -> Entity:
    """Issue a certificate whose point lies beside the curve."""
    key = sm2_key()
    point = key.spki[:-1] + bytes((key.spki[-1] ^ 1,))
    return Entity(key=key, certificate=ca.issue("Beside", key=replace(key, spki=point)).certificate)


@cache
def other_user_id() -> Entity:
    """Return a signer who signs under another user ID than the standard's."""
    private = Sm2PrivateKey.generate()
    certificate = issue(key=sm2_key(private)).certificate
    return Entity(key=sm2_key(private, user_id=b"ALICE123@YAHOO.COM"), certificate=certificate)


def forged_ca(ca: Entity) -> Entity:
    """Return a CA of the same name with another key."""
    return Entity(key=sm2_key(), certificate=ca.certificate)


def renewed(**changes: Any) -> Recipe:
    """Return the valid case for a licence with other dates."""
    return Recipe(draft=replace(draft(), **changes))


def china(days: int) -> date:
    """Return the day in China so many days after the day of asking (which is the same day there)."""
    return (NOW + days * DAY).date()


def md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def sha1(content: bytes) -> bytes:
    return hashlib.sha1(content, usedforsecurity=False).digest()


def without(path: str) -> Recipe:
    """Return the valid case with a member taken away after sealing."""
    return Recipe(after=lambda members: {name: content for name, content in members.items() if name != path})


def stripped(members: dict[str, bytes]) -> dict[str, bytes]:
    kept = {name: content for name, content in members.items() if "/Signs/" not in name}
    return edit_member(INDEX, swap("<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>", ""))(kept)


def alone(content: Callable[[], bytes], **changes: Any) -> Recipe:
    """Return a case in which the document is something else altogether."""
    return Recipe(package=lambda _: content(), **changes)


def bare_seal(**info: Any) -> bytes:
    return SealRecipe(info=info).encode(cast().signer.certificate.encoded)


def stamped(**changes: Any) -> Recipe:
    """Return the valid case with a time stamp whose authority is trusted."""
    return replace(signed(stamp=StampRecipe(**changes)), trust=trusting_stamps())


def plain(**changes: Any) -> Recipe:
    """Return a case of type Sign with a SignedData; its signer is trusted himself, as no seal speaks for him."""
    return trusting_the_signer(signed(plain=lambda data: signed_data(data, **changes)), changes.get("signer"))


def trusting_the_signer(recipe: Recipe, signer: Entity | None = None) -> Recipe:
    """Return the case with the signer's certificate trusted beside the CA."""
    certificates = (cast().signer_ca.certificate, (signer or cast().signer).certificate)
    return replace(recipe, trust=replace(recipe.trust, signers=certificates))


def from_the_folder(description: bytes) -> bytes:
    """Spell all references as the standard has them, from the folder of Signature.xml."""
    for absolute, relative in (("Doc_0/Signs/Sign_0/", ""), ("Doc_0/", "../../"), ("", "../../../")):
        description = description.replace(f'FileRef="/{absolute}'.encode(), f'FileRef="{relative}'.encode())
    return description


def critical_extension(dotted: str = "1.2.3.4") -> bytes:
    """Encode an extension of a seal that must be understood."""
    return encode_sequence((oid(dotted), b"\x01\x01\xff", encode_element(0x04, b"\x05\x00")))


def without_custom_datas(index: bytes) -> bytes:
    """Take the custom data out of OFD.xml, which must have some."""
    changed = re.sub(rb"<ofd:CustomDatas>.*</ofd:CustomDatas>", b"", index, flags=re.DOTALL)
    assert changed != index
    return changed


def with_second_document(members: dict[str, bytes]) -> dict[str, bytes]:
    """Put a copy of the document beside it, which the index does not name."""
    copies = {name.replace("Doc_0/", "Doc_1/"): one for name, one in members.items() if name.startswith("Doc_0/")}
    return {**members, **copies}


def moved(members: dict[str, bytes], *names: str, to: str) -> dict[str, bytes]:
    """Move members below a folder."""
    return {f"{to}{name}" if name in names else name: content for name, content in members.items()}


def with_ca_ending(whose: str) -> Recipe:
    """Return a case in which the CA of makers or signers ended before it was needed."""
    moment = (CREATED if whose == "makers" else SIGNED_AT) - DAY
    ca = cast().root.issue_ca("Former CA", not_after=moment)
    subject = ca.issue("Subject")
    lists = (revocation_list(cast().maker_ca), revocation_list(cast().signer_ca), revocation_list(ca))
    recipe = sealed_by(subject) if whose == "makers" else signed_by(subject)
    return replace(recipe, trust=Trust(**{whose: (ca.certificate,)}, lists=lists))


def with_ended_key(recipe: Recipe) -> Recipe:
    """Return the case to a verifier for whom P-256 has ended."""
    return replace(recipe, trust=replace(recipe.trust, algorithms=ending(p_256=NOW)))


def below_p256(whose: str) -> Recipe:
    """Return a case in which the CA of makers or signers has a P-256 key, and nobody else has."""
    ca = cast().root.issue_ca("P-256 CA", key=p256_key())
    subject = ca.issue("Subject")
    lists = (revocation_list(cast().maker_ca), revocation_list(cast().signer_ca), revocation_list(ca))
    recipe = sealed_by(subject) if whose == "makers" else signed_by(subject)
    return replace(recipe, trust=Trust(**{whose: (ca.certificate,)}, lists=lists))


def with_lists(*, maker: Any = None, signer: Any = None) -> Recipe:
    """Return a case with other revocation lists of the two CAs; each a callable of its CA that gives the lists."""
    lists = ((maker or current)(cast().maker_ca), (signer or current)(cast().signer_ca))
    return trusting(lists=lists[0] + lists[1])


def current(ca: Entity, *revoked: bytes, **knobs: Any) -> tuple[bytes, ...]:
    return (revocation_list(ca, *revoked, **knobs),)


def none(_: Entity) -> tuple[bytes, ...]:
    return ()
