"""A second opinion: a share of the SM2 verifications is made again by another stack, and a disagreement is no answer.

SM2 libraries have given wrong answers in the field, some of them on one kind of processor or under load only, which no
test before the start can find.
The door stays `keys.signature.verify_signature`; a `SecondOpinion` stands in front of it with the same parameters.
Repeated is what both stacks decide by arithmetic: whether a readable {r, s} was made by a readable key. What our own
code refuses before that (algorithm, key, spelling) is not put to vote.
Each verification is drawn by itself: a signature that was not repeated may be the next time, so that nobody who times
us, or spells one {r, s} in many ways, finds one that never is. What was disputed once is repeated every time.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final, Protocol

from keys.certificate import Certificate
from keys.chain import Chain
from keys.digest import sm3
from keys.encoding import SignatureEncoding, encode_signature
from keys.errors import KeysError, LibraryUnusableError, SignatureFault, SignatureVerificationError
from keys.libcrypto import library_version
from keys.memo import Memo
from keys.signature import ALGORITHMS, SM2_WITH_SM3, verify_signature
from keys.sm2 import CURVE_ORDER, DEFAULT_USER_ID, Sm2PublicKey, canonical_signature
from keys.spki import KeyType

DRAW_BITS: Final = 64  # of one draw: shares of a millionth are met to the eleventh digit
_LINKS: Final = 16_384  # remembered links that both stacks confirmed, as many as keys.pkix remembers of the first
_DISPUTED: Final = 1_024  # remembered signatures; libraries that disagree about more are replaced, not watched

# a‖b‖xG‖yG of GB/T 32918.5, as they go into Z (GB/T 32918.2 section 5.5).
_CURVE: Final = bytes.fromhex(
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"
    "28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)


class SecondStackError(KeysError):
    """The second stack could not answer; that is neither agreement nor disagreement."""


class SecondStack(Protocol):
    """Another implementation of SM2 with SM3, for the usual user id."""

    @property
    def name(self) -> str:
        """The name and the version, for reports."""

    def is_signed(self, point: bytes, message: bytes, signature: bytes) -> bool:
        """Return whether the key 04‖x‖y made ``signature``, minimal DER, over ``message``.

        Raises:
            SecondStackError: there is no answer.

        """


class Opinion(StrEnum):
    """What became of one verification that was chosen to be repeated."""

    AGREED = "agreed"
    DISAGREED = "disagreed"
    FAILED = "failed"  # the second stack gave no answer, and the first one's stands
    NOT_ASKED = "not-asked"  # a user id that the second stack does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One verification on which two stacks disagree: everything that is needed to repeat it, and not the message.

    The message enters SM2 only through ``digest``, e = SM3(Z‖M), and may hold personal data.
    """

    spki: bytes
    user_id: bytes
    z: bytes
    digest: bytes
    signature: bytes  # minimal DER, as both stacks got it
    first: bool  # whether the first stack takes it for signed
    second: bool
    first_stack: str
    second_stack: str


Watch = Callable[[Opinion, Disagreement | None], None]


class SecondOpinion:
    """Verifies as `verify_signature` does, and repeats a share of the SM2 verifications by the second stack."""

    def __init__(
        self,
        stack: SecondStack,
        *,
        share: float,
        watch: Watch,
        draw: Callable[[], int] = lambda: secrets.randbits(DRAW_BITS),
    ) -> None:
        """Put ``stack`` to its known answers first.

        ``share`` lies within 0..1. ``watch`` is told of every repetition, must not raise and must not wait; ``draw``
        gives `DRAW_BITS` bits that nobody can foresee.

        Raises:
            LibraryUnusableError: the stack gives a wrong answer, or none, for a known one.

        """
        if not 0 <= share <= 1:
            raise ValueError(f"a share within 0..1 was expected, got {share}")
        verify_known_answers(stack)
        self._stack = stack
        self._below = round(share * 2**DRAW_BITS)
        self._draw = draw
        self._watch = watch
        self._links: Memo[tuple[bytes, bytes], None] = Memo(_LINKS)
        self._disputed: Memo[tuple[bytes, bytes], None] = Memo(_DISPUTED)

    def verify_signature(
        self, *, message: bytes, signature: bytes, algorithm: str, spki: bytes, user_id: bytes = DEFAULT_USER_ID
    ) -> SignatureEncoding:
        """Verify as `keys.signature.verify_signature` does, and perhaps twice.

        Raises:
            SignatureVerificationError: as there; DISPUTED when the second stack gives the other answer.

        """
        refusal: SignatureVerificationError | None = None
        encoding = SignatureEncoding.DER
        try:
            encoding = verify_signature(
                message=message, signature=signature, algorithm=algorithm, spki=spki, user_id=user_id
            )
        except SignatureVerificationError as error:
            if error.fault is not SignatureFault.BAD:
                raise
            refusal = error
        if self._is_chosen(algorithm, spki, signature):
            with suppress(SecondStackError):  # without another answer the first one's stands
                self._repeat(message, signature, spki, user_id, first=refusal is None)
        if refusal is not None:
            raise refusal
        return encoding

    def find_disputed_link(self, chain: Chain) -> Certificate | None:
        """Return the first certificate of a found chain whose issuer's signature is disputed, or None.

        Links were verified when the chain was found, so they are repeated here, each when it is drawn; what both stacks
        confirmed is remembered, and nothing else.
        """
        for certificate, issuer in pairwise(chain.certificates):
            try:
                self._confirm_link(certificate, issuer)
            except SignatureVerificationError:
                return certificate
        return None

    def _confirm_link(self, certificate: Certificate, issuer: Certificate) -> None:
        if self._is_chosen(certificate.signature_algorithm, issuer.spki, certificate.signature):
            with suppress(SecondStackError):
                self._links.get(
                    (certificate.fingerprint, issuer.spki),
                    lambda: self._repeat(
                        certificate.tbs, certificate.signature, issuer.spki, DEFAULT_USER_ID, first=True
                    ),
                )

    def _is_chosen(self, algorithm: str, spki: bytes, signature: bytes) -> bool:
        """Draw, by itself for each verification; what was disputed, in any spelling, is always chosen."""
        if ALGORITHMS[algorithm].key_type is not KeyType.SM2:
            return False
        return self._draw() < self._below or (len(self._disputed) > 0 and _identify(spki, signature) in self._disputed)

    def _repeat(self, message: bytes, signature: bytes, spki: bytes, user_id: bytes, *, first: bool) -> None:
        """Ask the second stack, and return when both agree or it is not to be asked.

        Raises:
            SignatureVerificationError: DISPUTED when it gives the other answer.
            SecondStackError: it gives none.

        """
        if user_id != DEFAULT_USER_ID:
            self._watch(Opinion.NOT_ASKED, None)
            return
        point, canonical = identity = _identify(spki, signature)
        try:
            second = self._stack.is_signed(point, message, canonical)
        except SecondStackError:
            self._watch(Opinion.FAILED, None)
            raise
        if second is first:
            self._watch(Opinion.AGREED, None)
            return
        z = z_value(point, user_id)
        disagreement = Disagreement(
            spki=spki,
            user_id=user_id,
            z=z,
            digest=sm3(z + message),
            signature=canonical,
            first=first,
            second=second,
            first_stack=library_version(),
            second_stack=self._stack.name,
        )
        self._disputed.get(identity, lambda: None)
        self._watch(Opinion.DISAGREED, disagreement)
        raise SignatureVerificationError(SignatureFault.DISPUTED, "two implementations of SM2 disagree")


def _identify(spki: bytes, signature: bytes) -> tuple[bytes, bytes]:
    """Return the point and the signature in the one spelling of each."""
    return Sm2PublicKey.from_spki(spki).point, canonical_signature(signature)


def z_value(point: bytes, user_id: bytes) -> bytes:
    """Return Z = SM3(ENTL‖ID‖a‖b‖xG‖yG‖xA‖yA) for a key 04‖x‖y (GB/T 32918.2 section 5.5)."""
    return sm3((8 * len(user_id)).to_bytes(2) + user_id + _CURVE + point[1:])


# GB/T 32918.5 annex A.2.
_POINT: Final = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
_R: Final = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
_S: Final = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
_KNOWN: Final = (
    (b"message digest", _R, _S, True),
    (b"message digest", _R, _S ^ 1, False),
    (b"message digest", _R ^ 1, _S, False),
    (b"message digest", _S, _R, False),
    (b"message digest", _R, CURVE_ORDER - _R, False),  # t = 0
    (b"message digest", _R - CURVE_ORDER + (1 << 256), _S, False),
    (b"message digesT", _R, _S, False),
    (b"", _R, _S, False),
)


def verify_known_answers(stack: SecondStack) -> None:
    """Return when both stacks answer the vector of GB/T 32918.5 and its near misses as they must.

    Raises:
        LibraryUnusableError: one of them does not, or gives no answer.

    """
    spki = Sm2PublicKey.from_point(_POINT).spki
    for message, r, s, good in _KNOWN:
        signature = encode_signature(r, s)
        try:
            second = stack.is_signed(_POINT, message, signature)
        except SecondStackError as error:
            raise LibraryUnusableError(f"{stack.name} gives no answer for a vector of GB/T 32918.5") from error
        try:
            verify_signature(message=message, signature=signature, algorithm=SM2_WITH_SM3, spki=spki)
            first = True
        except SignatureVerificationError:
            first = False
        if (first, second) != (good, good):
            wrong = stack.name if second is not good else library_version()
            raise LibraryUnusableError(f"{wrong} gives a wrong answer for a vector of GB/T 32918.5")
