"""Requests that one side signs and the other verifies: what is covered, how fresh it must be, and that it comes once.

Which algorithm signs is a `Scheme`; who keeps the marks of requests that came is the caller.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from keys.payload.errors import PayloadError, RequestFault, RequestSignatureError
from keys.payload.secret import Secret
from keys.payload.spelling import Spelling, encode_spelling, parse_spelling
from keys.payload.template import Template
from keys.payload.time_form import TimeForm, parse_time

MAX_TOLERANCE_SECONDS: Final = 15 * 60  # clocks in government networks are off by minutes, not by hours
MAX_SIGNATURE: Final = 512  # characters; SM2 as DER in hexadecimal has 144


class Maker(Protocol):
    """A scheme with the key that signs."""

    def make(self, template: Template, fields: Mapping[str, str]) -> bytes:
        """Sign the fields; raises RequestSignatureError with FIELD_MISSING or FIELD_FORM."""
        ...


class Prover(Protocol):
    """A scheme with the key that verifies."""

    @property
    def identity(self) -> bytes:
        """What tells this key from others."""
        ...

    def prove(self, template: Template, fields: Mapping[str, str], signature: bytes) -> bytes:
        """Return the text that was signed; raises RequestSignatureError with MALFORMED or BAD, and as `Maker.make`."""
        ...


class Scheme(Protocol):
    """An algorithm with its parameters and without a key; a key is its text, as the site keeps it."""

    def make_maker(self, key: Secret) -> Maker:
        """Bind the key that signs; raises PayloadError with KEY or SPELLING."""
        ...

    def make_prover(self, key: Secret) -> Prover:
        """Bind the key that verifies; raises PayloadError with KEY or SPELLING."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayMark:
    """A request that was let in must not come again before ``until``; afterwards it is too old anyway."""

    value: str  # 64 hexadecimal digits
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSignature:
    """A named function with its parameters and without a key.

    ``nonce_field`` is "" where nothing in the text is fresh each time: then two honest requests of one second look the
    same, and only the window protects.
    """

    scheme: Scheme
    template: Template
    time_field: str
    time_form: TimeForm
    nonce_field: str = ""
    tolerance_seconds: int = 5 * 60
    spelling: Spelling = Spelling.HEX

    def __post_init__(self) -> None:
        """Raise ValueError for fields that the text does not cover, and for a window that is none."""
        if not {self.time_field, self.nonce_field or self.time_field} <= self.template.fields:
            raise ValueError("the time and the nonce were expected among the fields that are signed")
        if not 0 < self.tolerance_seconds <= MAX_TOLERANCE_SECONDS:
            raise ValueError(f"a tolerance of 1 to {MAX_TOLERANCE_SECONDS} seconds was expected")

    def make_signer(self, key: Secret) -> "RequestSigner":
        """Bind the key that signs; raises PayloadError with KEY or SPELLING."""
        return RequestSigner(plan=self, maker=self.scheme.make_maker(key))

    def make_verifier(self, key: Secret) -> "RequestVerifier":
        """Bind the key that verifies; raises PayloadError with KEY or SPELLING."""
        return RequestVerifier(plan=self, prover=self.scheme.make_prover(key))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSigner:
    """Signs requests to one system; repr shows no key."""

    plan: RequestSignature
    maker: Maker = field(repr=False)

    def sign(self, fields: Mapping[str, str]) -> str:
        """Sign the fields that the template names.

        Raises:
            RequestSignatureError: FIELD_MISSING, FIELD_FORM.

        """
        return encode_spelling(self.maker.make(self.plan.template, fields), self.plan.spelling)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestVerifier:
    """Verifies requests of one system; repr shows no key."""

    plan: RequestSignature
    prover: Prover = field(repr=False)

    def verify(self, fields: Mapping[str, str], signature: str, *, at: datetime) -> ReplayMark | None:
        """Verify a request that came at ``at``; None where nothing marks it out from others of the same moment.

        A request of the moment t counts while ``t - tolerance <= at < t + tolerance``. The mark is over the text that
        was signed and not over its fields, so that fields cut elsewhere are the same request.

        Raises:
            RequestSignatureError: as `RequestFault` has them.

        """
        moment, tolerance = self._read_time(fields), timedelta(seconds=self.plan.tolerance_seconds)
        if at >= moment + tolerance:
            raise RequestSignatureError(RequestFault.TOO_OLD)
        if at < moment - tolerance:
            raise RequestSignatureError(RequestFault.IN_FUTURE)
        try:
            value = parse_spelling(signature, self.plan.spelling, limit=MAX_SIGNATURE)
        except PayloadError as error:
            raise RequestSignatureError(RequestFault.MALFORMED, str(error)) from error
        text = self.prover.prove(self.plan.template, fields, value)
        if not self.plan.nonce_field:
            return None
        mark = hmac.digest(self.prover.identity, text, hashlib.sha256)
        return ReplayMark(value=mark.hex(), until=moment + tolerance)

    def _read_time(self, fields: Mapping[str, str]) -> datetime:
        text = fields.get(self.plan.time_field)
        if text is None:
            raise RequestSignatureError(RequestFault.FIELD_MISSING, self.plan.time_field)
        try:
            return parse_time(text, self.plan.time_form)
        except ValueError as error:
            raise RequestSignatureError(RequestFault.TIME_FORM, f"{self.plan.time_form} was expected") from error
