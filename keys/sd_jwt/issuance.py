"""Makes the credential of a licence; the fields that come in were allowed by the sharing policy already."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from keys.own.signer import Signer
from keys.sd_jwt.base64url import encode_base64url
from keys.sd_jwt.bounds import MAX_DECOYS, MAX_DEPTH, MAX_DISCLOSURES, MAX_SD_JWT, MAX_TEXT
from keys.sd_jwt.claims import encode_moment
from keys.sd_jwt.compact_form import join_sd_jwt
from keys.sd_jwt.disclosure import (
    ALGORITHM_NAME,
    DIGESTS_NAME,
    ELEMENT_NAME,
    RESERVED_NAMES,
    SALT,
    DigestName,
    Disclosure,
    compute_digest,
    make_disclosure,
)
from keys.sd_jwt.jws import sign_jws
from keys.sd_jwt.public_key import PublicKey, encode_jwk
from keys.sd_jwt.strict_json import Json
from keys.sd_jwt.unfolding import OPEN_CLAIMS

MEDIA_TYPE: Final = "dc+sd-jwt"
_MAX_INTEGER: Final = 2**53 - 1  # what every JSON reader holds exactly (RFC 7493 section 2.2)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Disclosable:
    """A value inside a field that its holder may show or withhold by itself: a row of a table, a member of a row."""

    value: "Field"


Field: TypeAlias = "bool | int | str | list[Field] | dict[str, Field] | Disclosable | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialTerms:
    """What stands in the open in every credential.

    ``type_name`` is the ``vct``, ``status`` where its revocation can be asked for. A credential ends even where its
    licence does not, and then is issued anew: the shorter it lives, the less an old one can still show.
    """

    issuer: str
    type_name: str
    issued_at: datetime
    expires: datetime
    not_before: datetime | None = None
    holder_key: PublicKey | None = None
    status: Mapping[str, Json] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for names that are empty or too long, and for an end that is not after the beginning."""
        if not all(0 < len(text) <= MAX_TEXT for text in (self.issuer, self.type_name)):
            raise ValueError(f"an issuer and a type of 1 to {MAX_TEXT} characters were expected")
        if max(self.issued_at, self.not_before or self.issued_at) >= self.expires:
            raise ValueError("an end after the beginning was expected")

    def encode(self) -> dict[str, Json]:
        """Write the claims."""
        claims: dict[str, Json] = {
            "iss": self.issuer,
            "vct": self.type_name,
            "iat": encode_moment(self.issued_at),
            "exp": encode_moment(self.expires),
        }
        if self.not_before is not None:
            claims["nbf"] = encode_moment(self.not_before)
        if self.holder_key is not None:
            claims["cnf"] = {"jwk": encode_jwk(self.holder_key)}
        if self.status is not None:
            claims["status"] = dict(self.status)
        return claims


def issue_sd_jwt(
    terms: CredentialTerms,
    fields: Mapping[str, Field],
    *,
    signer: Signer,
    visible: frozenset[str] = frozenset(),
    digest: DigestName = DigestName.SHA256,
    decoys: int = 0,
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """Issue a credential with all its disclosures, for its holder and nobody else.

    Each field can be shown or withheld by itself, unless its name is in ``visible``. ``decoys`` are digests of nothing,
    so that nobody can count what is withheld. ``draw`` gives random bytes.

    Raises:
        ValueError: a name that belongs to the format or to the terms, a number with a fraction, too much, too deep.
        OwnKeyError: as the signer does.

    """
    if not 0 <= decoys <= MAX_DECOYS:
        raise ValueError(f"0 to {MAX_DECOYS} decoys were expected")
    claims = terms.encode()
    taken = fields.keys() & (claims.keys() | OPEN_CLAIMS)
    if taken or not visible <= fields.keys():
        raise ValueError("fields that are no terms, and visible ones among them, were expected")
    folding = _Folding(digest, draw)
    marked = {name: value if name in visible else Disclosable(value=value) for name, value in fields.items()}
    payload = {**claims, **folding.fold_object(marked, decoys=decoys), ALGORITHM_NAME: digest.value}
    if len(folding.disclosures) > MAX_DISCLOSURES:
        raise ValueError(f"at most {MAX_DISCLOSURES} disclosures were expected, got {len(folding.disclosures)}")
    issued = sign_jws({"typ": MEDIA_TYPE, "kid": signer.key_id}, payload, signer)
    text = join_sd_jwt(issued, tuple(folding.disclosures))
    if len(text) > MAX_SD_JWT:
        raise ValueError(f"at most {MAX_SD_JWT} characters were expected, got {len(text)}")
    return text


class _Folding:
    """One run: replaces what is disclosable by digests and keeps the disclosures, inner ones before outer ones."""

    def __init__(self, digest: DigestName, draw: Callable[[int], bytes]) -> None:
        self._digest = digest
        self._draw = draw
        self.disclosures: list[Disclosure] = []

    def fold_object(self, value: Mapping[str, Field], depth: int = 1, *, decoys: int = 0) -> dict[str, Json]:
        """Fold an object; its digests are sorted, so that their order says nothing."""
        folded: dict[str, Json] = {}
        digests = [self._make_decoy() for _ in range(decoys)]
        for name, inner in value.items():
            if name in RESERVED_NAMES:
                raise ValueError(f"another name than {name} was expected")
            if isinstance(inner, Disclosable):
                digests.append(self._withhold(name, self._fold(inner.value, depth)))
            else:
                folded[name] = self._fold(inner, depth)
        if digests:
            folded[DIGESTS_NAME] = [*sorted(digests)]
        return folded

    def _fold_element(self, value: Field, depth: int) -> Json:
        if isinstance(value, Disclosable):
            return {ELEMENT_NAME: self._withhold(None, self._fold(value.value, depth))}
        return self._fold(value, depth)

    def _fold(self, value: Field, depth: int) -> Json:
        if depth >= MAX_DEPTH:  # a digest in the place of a value stands one level deeper
            raise ValueError(f"fewer than {MAX_DEPTH} levels were expected")
        match value:
            case dict():
                return self.fold_object(value, depth + 1)
            case list():
                return [self._fold_element(inner, depth + 1) for inner in value]
            case int() if abs(value) > _MAX_INTEGER:
                raise ValueError("whole numbers within 53 bits were expected; longer ones are text")
            case str() | bool() | int() | None:
                return value
            case _:  # numbers with a fraction lose digits from reader to reader; licences write them as text
                raise ValueError(f"text, whole numbers, lists and objects were expected, got {type(value).__name__}")

    def _withhold(self, name: str | None, value: Json) -> str:
        disclosure = make_disclosure(name, value, self._draw(SALT))
        self.disclosures.append(disclosure)
        return compute_digest(disclosure.encoded, self._digest)

    def _make_decoy(self) -> str:
        return compute_digest(encode_base64url(self._draw(2 * SALT)), self._digest)
