"""Whether a request may be answered: by the accounts, the tokens and the signatures that a recipe speaks of."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from adapters.mapping.answer import AnswerOutcome
from adapters.transport.asked import Said, signed_fields
from adapters.transport.reader import TOKEN
from adapters.transport.template import Kind
from gateway.adapters.functions import Functions
from gateway.standins.desk import Desk
from gateway.standins.fault import Fault
from keys.payload.errors import RequestFault, RequestSignatureError
from keys.payload.secret import Secret

LIFETIME: Final = timedelta(hours=1)  # of a token, where the answer says when it ends

_SIGNATURE: Final = "signature"
_GIVEN: Final = f"{Kind.GIVEN}."
_SWITCHED: Final = {
    Fault.DENIED: AnswerOutcome.DENIED,
    Fault.NOT_PROVIDED: AnswerOutcome.NOT_PROVIDED,
    Fault.KEY_REFRESH: AnswerOutcome.RETRY,
}
_NOT_FRESH: Final = frozenset({RequestFault.TOO_OLD, RequestFault.IN_FUTURE, RequestFault.TIME_FORM})


class Refusal(StrEnum):
    """Why a request is refused, for whoever tries out a recipe."""

    SWITCHED = "fault"  # somebody switched it on
    CONTRADICTION = "contradiction"  # a word stands in several places, with different texts
    ACCOUNT = "account"  # another setting or secret than agreed
    TOKEN = "token"  # noqa: S105 -- the name of a reason
    SIGNATURE = "signature"
    NOT_FRESH = "signature-time"
    REPEATED = "signature-repeated"
    STEP = "step"  # no step gave this
    NEEDS = "needs"  # something that the system demands is not said


class RefusedError(Exception):
    """A request is refused: with an outcome, or with a code of its own."""

    def __init__(self, outcome: AnswerOutcome, code: str = "", *, why: Refusal) -> None:
        """Keep all of it."""
        super().__init__(outcome)
        self.outcome = outcome
        self.code = code
        self.why = why


class Gate:
    """Knows the accounts of one stand-in, and which tokens, values and signatures it has seen."""

    def __init__(self, desk: Desk, functions: Functions, keys: Mapping[str, Secret]) -> None:
        """Let in by the accounts of the desk; ``keys`` are those of the system's own side."""
        self._desk, self._functions, self._keys = desk, functions, keys
        self._tokens: dict[str, datetime] = {}  # until when each is good
        self._given: dict[str, Mapping[str, str]] = {}  # by what a step gave: the words that it was asked with
        self._marks: set[str] = set()  # of signed requests that came

    @property
    def token(self) -> Secret | None:
        """The token that was handed out last: the key of whatever is encrypted or signed with one."""
        return Secret(next(reversed(self._tokens)).encode()) if self._tokens else None

    def hand_out_token(self, said: Said) -> tuple[Secret, datetime]:
        """Return a new token and its end, for whoever knows the account; raises RefusedError."""
        self._check_account(said)
        sign_in = self._desk.recipe.sign_in
        seconds = None if sign_in is None else sign_in.lifetime_seconds
        until = self._desk.clock() + (LIFETIME if seconds is None else timedelta(seconds=seconds))
        if self._signs_with_token():  # the one before is no longer good: the secret is replaced
            self._tokens.clear()
        token = secrets.token_hex(16)
        self._tokens[token] = until
        return Secret(token.encode()), until

    def give(self, said: Said) -> str:
        """Return a text that stands for the words of a step in the request that follows."""
        text = secrets.token_hex(16)
        self._given[text] = self.words(said)
        return text

    def words(self, said: Said) -> dict[str, str]:
        """Return the words of a request, and those of the steps before it."""
        steps = [self._given.get(text, {}) for key, text in said.texts.items() if key.startswith(_GIVEN)]
        before = {name: text for step in steps for name, text in step.items()}
        return before | {name: text for name, text in said.texts.items() if text}

    def check(self, said: Said) -> None:
        """Let a step or a call in; raises RefusedError."""
        if said.contradictory:
            raise RefusedError(AnswerOutcome.ERROR, why=Refusal.CONTRADICTION)
        self._check_account(said)
        self._check_token(said)
        self._check_signature(said)
        if any(key.startswith(_GIVEN) and text not in self._given for key, text in said.texts.items()):
            raise RefusedError(AnswerOutcome.DENIED, why=Refusal.STEP)
        if self._desk.has(Fault.WRONG_SIGNATURE):
            raise RefusedError(AnswerOutcome.DENIED, why=Refusal.SWITCHED)

    def check_call(self, said: Said, needs: Collection[str]) -> None:
        """Let a call in, in which the words of ``needs`` say something; raises RefusedError."""
        self.check(said)
        for fault, outcome in _SWITCHED.items():
            if self._desk.has(fault):
                raise RefusedError(outcome, why=Refusal.SWITCHED)
        words = self.words(said)
        if not all(words.get(name) for name in needs):
            raise RefusedError(AnswerOutcome.ERROR, why=Refusal.NEEDS)

    def _check_account(self, said: Said) -> None:
        known = self._agreed()
        if any(key in known and known[key] != text for key, text in said.texts.items()):
            raise RefusedError(AnswerOutcome.DENIED, why=Refusal.ACCOUNT)

    def _agreed(self) -> dict[str, str]:
        """Return settings and secrets by the keys of their places."""
        access = self._desk.access
        known = {f"{Kind.SETTING}.{name}": text for name, text in access.settings.items()}
        return known | {f"{Kind.SECRET}.{name}": self._desk.secret(name) for name in access.secrets}

    def _check_token(self, said: Said) -> None:
        """Check the token that a request carries, or by which it is signed."""
        if TOKEN not in said.texts and not self._signs_with_token():
            return
        token = said.texts.get(TOKEN) or next(reversed(self._tokens), "")
        until = self._tokens.get(token)
        if until is None or self._desk.clock() >= until:
            code = next(iter(sorted(self._desk.recipe.renew_on)), "")
            raise RefusedError(AnswerOutcome.DENIED, code, why=Refusal.TOKEN)

    def _check_signature(self, said: Said) -> None:
        if self._functions.signature is None or _SIGNATURE not in said.texts:
            return
        signature, key = self._functions.signature
        fields = signed_fields(signature.template.fields, said.texts, self._desk.recipe.values, self._agreed())
        verifier = signature.make_verifier(key.find(self._keys, self.token))
        try:
            mark = verifier.verify(fields, said.texts[_SIGNATURE], at=self._desk.clock())
        except RequestSignatureError as error:
            if error.fault in _NOT_FRESH:
                raise RefusedError(AnswerOutcome.ERROR, why=Refusal.NOT_FRESH) from error
            raise RefusedError(AnswerOutcome.DENIED, why=Refusal.SIGNATURE) from error
        if mark is not None:
            if mark.value in self._marks:
                raise RefusedError(AnswerOutcome.DENIED, why=Refusal.REPEATED)
            self._marks.add(mark.value)

    def _signs_with_token(self) -> bool:
        return self._functions.signature is not None and self._functions.signature[1].is_token
