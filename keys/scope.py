"""What an anchor may speak for, and what a document claims to be: licence types and issuing authorities.

A type is a licence type code (GB/T 36903 ZZLXDM, 21 characters), an authority a unified social credit code (ZZBFJGDM,
GB 32100, 18 characters). Codes are compared whole; there are no prefixes and no patterns.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class ScopeAnswer(StrEnum):
    """Three answers, because a document that does not say what it is can be neither within nor outside."""

    WITHIN = "within"
    NOT_STATED = "not-stated"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a document says of itself under a signature: every type and every authority that it names anywhere.

    All of them count: a document that names a type twice, and differently, is within a scope that holds both.
    """

    licence_types: frozenset[str] = frozenset()
    authorities: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *, licence_types: Iterable[str] = (), authorities: Iterable[str] = ()) -> "Claim":
        """Make a claim of codes as written: spaces around them and lower case make no difference, empty ones no claim.

        Only ASCII letters are raised: other letters with an ASCII capital are other letters.
        """
        return cls(licence_types=_normalise(licence_types), authorities=_normalise(authorities))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The types and the authorities that somebody may speak for; None is every one ("*"), an empty set none at all."""

    licence_types: frozenset[str] | None = None
    authorities: frozenset[str] | None = None

    @property
    def is_unlimited(self) -> bool:
        """Say whether there is nothing to compare."""
        return self.licence_types is None and self.authorities is None

    def answer(self, claim: Claim) -> ScopeAnswer:
        """Compare a claim: one code outside is outside; a limit that the claim says nothing about is not stated."""
        if self.licence_types is None and self.authorities is None:
            return ScopeAnswer.WITHIN
        answers = {_compare(self.licence_types, claim.licence_types), _compare(self.authorities, claim.authorities)}
        return next(a for a in (ScopeAnswer.OUTSIDE, ScopeAnswer.NOT_STATED, ScopeAnswer.WITHIN) if a in answers)


EVERYTHING = Scope()
NO_CLAIM = Claim()


def _compare(allowed: frozenset[str] | None, claimed: frozenset[str]) -> ScopeAnswer:
    if allowed is None:
        return ScopeAnswer.WITHIN
    if not claimed <= allowed:
        return ScopeAnswer.OUTSIDE
    return ScopeAnswer.WITHIN if claimed else ScopeAnswer.NOT_STATED


def _normalise(codes: Iterable[str]) -> frozenset[str]:
    stripped = (code.strip() for code in codes)
    return frozenset(code.upper() if code.isascii() else code for code in stripped if code)
