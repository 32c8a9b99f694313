"""A holder as an identity platform (统一身份认证平台) vouches for them: who asks, about whom, and how sure it is.

    {"iss": the platform, …, "holder": who signed in there, "acting_for": whom they represent, "assurance": how}

What the platform is trusted for: that ``holder`` is the person or organisation at the other end, that they may act for
``acting_for``, and how this was established. Its signature has been verified before anything here is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.audit.entry import SubjectId
from gateway.sources.source import key_text
from gateway.tokens import SignInError, SignInFailure
from policies.forms.citizen import is_new_number
from policies.forms.credit_code import is_credit_code

MAX_NUMBER: Final = 64  # characters as they are sent; the numbers have 18

_FAILURES: Final = {"acting_for": SignInFailure.ACTING_FOR, "assurance": SignInFailure.ASSURANCE}
_Number = Annotated[str, Meta(min_length=1, max_length=MAX_NUMBER)]


class Assurance(StrEnum):
    """How the platform established who signed in."""

    REAL_NAME = "real-name"  # 实名: name and number belong together; somebody who knows both could have typed them
    REAL_PERSON = "real-person"  # 实人: besides, by the face, or a certificate in the person's hands


class _Claims(msgspec.Struct, frozen=True):
    holder: _Number
    acting_for: _Number | UnsetType = UNSET
    assurance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignedInHolder:
    """Who asks, and whose entries they ask for: their own, or those of whom they represent."""

    asker: SubjectId
    subject: SubjectId
    assurance: Assurance

    @property
    def represents(self) -> bool:
        """Whether somebody asks for somebody else."""
        return self.asker != self.subject


def parse_holder(claims: Mapping[str, object]) -> SignedInHolder:
    """Read the claims of an identity platform's token.

    A representative is a person, so that whoever asks for an organisation or a ward can be found. Numbers are citizen
    numbers of 18 characters or credit codes, each with its check character, in any spelling that comparisons forgive.

    Raises:
        SignInError: HOLDER, ACTING_FOR, ASSURANCE; nothing of the claims is repeated.

    """
    try:
        said = msgspec.convert(claims, _Claims)
    except msgspec.ValidationError as error:
        place = str(error).rpartition("$.")[2].strip("`")  # nothing where holder is missing
        raise SignInError(_FAILURES.get(place, SignInFailure.HOLDER)) from None  # the cause may name what was claimed
    asker = _parse_number(said.holder, SignInFailure.HOLDER)
    subject = asker
    if said.acting_for is not UNSET:
        subject = _parse_number(said.acting_for, SignInFailure.ACTING_FOR)
        if subject == asker or not is_new_number(asker):
            raise SignInError(SignInFailure.ACTING_FOR)
    try:
        assurance = Assurance(said.assurance)
    except ValueError:
        raise SignInError(SignInFailure.ASSURANCE) from None
    return SignedInHolder(asker=asker, subject=subject, assurance=assurance)


def _parse_number(text: str, failure: SignInFailure) -> SubjectId:
    """Return a number as entries have it; the old numbers of 15 digits have no check character, and are refused."""
    number = key_text(text)
    if not is_new_number(number) and not is_credit_code(number):
        raise SignInError(failure)
    return SubjectId(number)
