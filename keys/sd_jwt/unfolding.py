"""Puts what was disclosed where its digests stand (RFC 9901 section 7.1, step 3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from keys.sd_jwt.bounds import MAX_DEPTH, MAX_DIGESTS
from keys.sd_jwt.disclosure import (
    ALGORITHM_NAME,
    DIGESTS_NAME,
    ELEMENT_NAME,
    DigestName,
    Disclosure,
    compute_digest,
)
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.strict_json import Json

Path: TypeAlias = tuple[str | int, ...]  # names, and positions in lists as they were issued

# What tells how far a credential can be relied on must stand in the open (draft-ietf-oauth-sd-jwt-vc section 2.2.2.3).
OPEN_CLAIMS: frozenset[str] = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Unfolded:
    """The claims with everything in them that was disclosed, and nothing of the format.

    ``places`` says for each disclosed claim which disclosures show it: those around it, then its own.
    """

    claims: Mapping[str, Json]
    places: Mapping[Path, tuple[Disclosure, ...]]


def unfold(payload: Mapping[str, Json], disclosures: Iterable[Disclosure]) -> Unfolded:
    """Unfold a payload with all of the disclosures.

    Raises:
        SdJwtError: DIGEST_ALGORITHM, DISCLOSURE, DIGEST_TWICE, NOT_REFERENCED, RESERVED_NAME, NAME_TWICE,
            NOT_DISCLOSABLE, TOO_LARGE; JSON beyond `MAX_DEPTH`.

    """
    algorithm = read_digest_name(payload)
    by_digest: dict[str, Disclosure] = {}
    for disclosure in disclosures:
        if by_digest.setdefault(compute_digest(disclosure.encoded, algorithm), disclosure) is not disclosure:
            raise SdJwtError(SdJwtFault.DIGEST_TWICE, "a disclosure stands twice")
    run = _Run(by_digest)
    visible = {name: value for name, value in payload.items() if name != ALGORITHM_NAME}
    claims = run.unfold_object(visible, (), ())
    if len(run.places) != len(by_digest):
        raise SdJwtError(SdJwtFault.NOT_REFERENCED)
    return Unfolded(claims=claims, places=run.places)


def read_digest_name(payload: Mapping[str, Json]) -> DigestName:
    """Return the digest of a payload; raises SdJwtError with DIGEST_ALGORITHM."""
    name = payload.get(ALGORITHM_NAME, DigestName.SHA256.value)
    if name not in list(DigestName):
        raise SdJwtError(SdJwtFault.DIGEST_ALGORITHM)
    return DigestName(str(name))


class _Run:
    """One unfolding: which digests were met, and where which disclosures went."""

    def __init__(self, by_digest: Mapping[str, Disclosure]) -> None:
        self._by_digest = by_digest
        self._met: set[str] = set()
        self.places: dict[Path, tuple[Disclosure, ...]] = {}

    def unfold_object(self, value: Mapping[str, Json], path: Path, around: tuple[Disclosure, ...]) -> dict[str, Json]:
        """Unfold an object: first what stands in it, then what is disclosed into it."""
        if (ELEMENT_NAME in value) or (ALGORITHM_NAME in value):
            raise SdJwtError(SdJwtFault.RESERVED_NAME)
        found = {
            name: self._unfold(inner, (*path, name), around) for name, inner in value.items() if name != DIGESTS_NAME
        }
        digests = value.get(DIGESTS_NAME, [])
        if not isinstance(digests, list):
            raise SdJwtError(SdJwtFault.RESERVED_NAME, "a list of digests was expected")
        for digest in digests:
            disclosure = self._meet(digest, path)
            if disclosure is None:
                continue
            if disclosure.name is None:
                raise SdJwtError(SdJwtFault.DISCLOSURE, "a name was expected")
            if disclosure.name in found:
                raise SdJwtError(SdJwtFault.NAME_TWICE)
            found[disclosure.name] = self._place(disclosure, (*path, disclosure.name), around)
        return found

    def _unfold_list(self, value: list[Json], path: Path, around: tuple[Disclosure, ...]) -> list[Json]:
        found = []
        for position, inner in enumerate(value):
            here = (*path, position)
            if not isinstance(inner, dict) or ELEMENT_NAME not in inner or len(inner) != 1:
                found.append(self._unfold(inner, here, around))
                continue
            disclosure = self._meet(inner[ELEMENT_NAME], here)
            if disclosure is None:
                continue
            if disclosure.name is not None:
                raise SdJwtError(SdJwtFault.DISCLOSURE, "an element was expected, got a name")
            found.append(self._place(disclosure, here, around))
        return found

    def _unfold(self, value: Json, path: Path, around: tuple[Disclosure, ...]) -> Json:
        if len(path) > MAX_DEPTH:
            raise SdJwtError(SdJwtFault.JSON, f"nested more than {MAX_DEPTH} deep")
        match value:
            case dict():
                return self.unfold_object(value, path, around)
            case list():
                return self._unfold_list(value, path, around)
            case _:
                return value

    def _meet(self, digest: Json, path: Path) -> Disclosure | None:
        """Return the disclosure of an embedded digest; None for what is withheld, and for decoys."""
        if not isinstance(digest, str):
            raise SdJwtError(SdJwtFault.RESERVED_NAME, "a digest was expected")
        if path and path[0] in OPEN_CLAIMS:
            raise SdJwtError(SdJwtFault.NOT_DISCLOSABLE, str(path[0]))
        if digest in self._met:
            raise SdJwtError(SdJwtFault.DIGEST_TWICE)
        if len(self._met) == MAX_DIGESTS:
            raise SdJwtError(SdJwtFault.TOO_LARGE, f"at most {MAX_DIGESTS} digests were expected")
        self._met.add(digest)
        return self._by_digest.get(digest)

    def _place(self, disclosure: Disclosure, path: Path, around: tuple[Disclosure, ...]) -> Json:
        if path[0] in OPEN_CLAIMS:
            raise SdJwtError(SdJwtFault.NOT_DISCLOSABLE, str(path[0]))
        chain = (*around, disclosure)
        self.places[path] = chain
        return self._unfold(disclosure.value, path, chain)
