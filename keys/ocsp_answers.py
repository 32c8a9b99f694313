"""The OCSP answers at hand about the certificates of one issuer, as one piece of evidence."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from keys.certificate import Certificate
from keys.ocsp import OcspResponse
from keys.revocation_list import Upkeep


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspAnswer:
    """One answer and what its keeper knows of it; None: nobody keeps it, as with a stapled one."""

    response: OcspResponse
    upkeep: Upkeep | None = None

    @property
    def this_update(self) -> datetime:
        """As of when its newest status speaks."""
        return max(status.this_update for status in self.response.statuses)


@dataclass(frozen=True, kw_only=True)
class OcspAnswers:
    """Answers by serial number, in no order: what each says about one certificate counts, not about which others.

    None is verified here, as with lists.
    """

    issuer: bytes
    answers: Mapping[int, tuple[OcspAnswer, ...]]

    def select(self, serial: int) -> tuple[OcspAnswer, ...]:
        """Return the answers that mention this serial number."""
        return self.answers.get(serial, ())

    @cached_property
    def this_update(self) -> datetime:
        """As of when the newest answer speaks."""
        return max(answer.this_update for answers in self.answers.values() for answer in answers)

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 over the sorted digests of the answers, and about whose certificates they are."""
        digests = {answer.response.fingerprint for answers in self.answers.values() for answer in answers}
        return hashlib.sha256(b"".join((*sorted(digests), self.issuer))).digest()

    def about(self, serial: int) -> bytes:
        """Return a digest of the answers that mention this certificate: those about others come and go every minute."""
        digests = sorted(answer.response.fingerprint for answer in self.select(serial))
        return hashlib.sha256(b"".join(digests)).digest()


def collect_ocsp_answers(issuer: Certificate, answers: Iterable[OcspAnswer]) -> OcspAnswers | None:
    """Put answers of one issuer's responders together; None: there are none."""
    by_serial: dict[int, list[OcspAnswer]] = {}
    for answer in answers:
        for serial in {status.certificate_id.serial for status in answer.response.statuses}:
            by_serial.setdefault(serial, []).append(answer)
    if not by_serial:
        return None
    found = MappingProxyType({serial: tuple(one) for serial, one in by_serial.items()})
    return OcspAnswers(issuer=issuer.subject, answers=found)
