"""One façade: reads what a caller of the system sends, and checks that it is the caller that was agreed."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from adapters.mapping.error import AdapterError
from adapters.transport.asked import Said, signed_fields
from adapters.transport.recipe import Call, SignIn, Step
from adapters.transport.template import QUESTION, Kind
from gateway.adapters.incoming import Incoming, RequestPattern, find_request
from gateway.facade.error import FacadeError, FacadeFault
from gateway.facade.opening import Opening
from gateway.facade.plan import FacadePlan
from gateway.facade.tickets import Tickets
from gateway.limits.marks import MarkStore
from keys.payload.errors import RequestFault, RequestSignatureError

_TOKEN: Final = "token"  # noqa: S105 -- the key of a place
_SIGNATURE: Final = "signature"
_PROOF: Final = f"{Kind.SECRET}."
_AGREED: Final = (f"{Kind.SETTING}.", _PROOF)
_OF_TIME: Final = frozenset({RequestFault.TOO_OLD, RequestFault.IN_FUTURE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of the caller that was agreed; ``words`` are what it says, by the names of templates.

    repr shows the kind alone: the rest is about a person.
    """

    what: SignIn | Step | Call
    words: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facade:
    """A façade at work; ``marks`` remember the signed requests that were let in."""

    plan: FacadePlan
    tickets: Tickets
    marks: MarkStore = field(repr=False)

    async def read(self, incoming: Incoming, *, at: datetime) -> Asked:
        """Return what is asked.

        1. whether the caller may ask at all; 2. which request it is; 3. the account, the token and the signature in it;
        4. whether it can be read, and what steps before it gave.

        Raises:
            FacadeError: it is not to be answered.
            MarksUnavailableError: whether it was let in before cannot be told.

        """
        # 1. whether anything is answered
        if not self.plan.caller.is_active(at):
            raise FacadeError(FacadeFault.NOT_ACTIVE)
        # 2. which request
        opening = Opening(self.plan.decryptors)
        pattern, said = self._find(incoming, opening, at)
        # 3. who asks
        if not self._is_agreed(said.texts, at):
            raise FacadeError(FacadeFault.ACCOUNT)
        if _SIGNATURE in said.texts:
            await self._check_signature(said.texts, at)
        # 4. what is asked
        if opening.has_failed:
            raise FacadeError(FacadeFault.NOT_DECRYPTED, is_known=True)
        if said.contradictory:
            raise FacadeError(FacadeFault.MALFORMED, is_known=True)
        what = next(one for known, one in self.plan.patterns if known is pattern)
        words = dict(said.texts)
        if isinstance(what, Call):
            words |= self._open_given(what, said.texts, at)
        return Asked(what=what, words=words)

    def step_gives(self, step: Step, words: Mapping[str, str], at: datetime) -> Mapping[str, str]:
        """Return what a step gives, by name: a text that stands for what it was asked about."""
        known = {name: text for name, text in words.items() if name in QUESTION and text}
        ticket = self.tickets.seal(step.name, known, at)
        return dict.fromkeys(step.gives, ticket)

    def _find(self, incoming: Incoming, opening: Opening, at: datetime) -> tuple[RequestPattern, Said]:
        """Return which request it is, with what it says.

        The body is read for those alone whose address and headers are right, with every proof that stands there, and
        nothing is decrypted before. Raises FacadeError.
        """
        heads = [
            (pattern, head.texts)
            for pattern, _ in self.plan.patterns
            if (head := pattern.read_head(incoming)) is not None
        ]
        if not heads:
            raise FacadeError(FacadeFault.NO_CALL)
        agreed = [(pattern, said) for pattern, said in heads if self._is_agreed(said, at)]
        if not agreed:
            raise FacadeError(FacadeFault.ACCOUNT)
        is_known = self.plan.signed is None and any(_proves(said) for _, said in agreed)
        try:
            found = find_request((pattern for pattern, _ in agreed), incoming, opening.decryptors)
        except AdapterError as error:
            raise FacadeError(FacadeFault.MALFORMED, is_known=is_known) from error
        if found is None:
            raise FacadeError(FacadeFault.UNMATCHED, is_known=is_known)
        return found

    def _is_agreed(self, said: Mapping[str, str], at: datetime) -> bool:
        """Compare whatever was agreed with the caller, all of it that is said, each in constant time."""
        pairs = [(text, self._agreed(key)) for key, text in said.items() if key.startswith(_AGREED)]
        results = [hmac.compare_digest(text.encode("utf-8", "replace"), known) for text, known in pairs]
        if _TOKEN in said:
            token = said[_TOKEN].encode("utf-8", "replace")
            results.append(any([hmac.compare_digest(token, one.reveal()) for one in self.tickets.tokens(at)]))  # noqa: C419 -- all are compared, whichever is right
        return all(results)

    def _agreed(self, key: str) -> bytes:
        kind, _, name = key.partition(".")
        if kind == Kind.SETTING:
            return self.plan.account.settings[name].encode()
        return self.plan.account.secrets[name].reveal().strip(b"\r\n")

    async def _check_signature(self, said: Mapping[str, str], at: datetime) -> None:
        """Verify the signature over the values that the request carries, or that are made of what was agreed.

        No request is let in twice. One whose signature has nothing that is fresh each time comes again when it says the
        same under the same signature. Who has that signature can ask something else by it; so these are forgotten early
        rather than let him fill the place.
        """
        signed = self.plan.signed
        if signed is None:
            raise FacadeError(FacadeFault.SIGNATURE)
        function = signed.function
        account = self.plan.account
        keys_agreed = [f"{Kind.SETTING}.{name}" for name in account.settings]
        keys_agreed += [f"{Kind.SECRET}.{name}" for name in account.secrets]
        agreed = {key: self._agreed(key).decode("utf-8", "replace") for key in keys_agreed}
        fields = signed_fields(function.template.fields, said, self.plan.recipe.values, agreed)
        keys = self.tickets.tokens(at) if signed.key is None else (signed.key,)
        refusal: RequestSignatureError | None = None
        for secret in keys:
            try:
                mark = function.make_verifier(secret).verify(fields, said.get(_SIGNATURE, ""), at=at)
            except RequestSignatureError as error:
                refusal = error
                continue
            until = at + timedelta(seconds=2 * function.tolerance_seconds)  # its own moment may be ahead of our clock
            owner = f"facade/{self.plan.settings.name}"
            is_first = (
                await self.marks.admit(owner, _mark_of(said), until=until, at=at, may_push_out=True)
                if mark is None
                else await self.marks.admit(owner, mark.value, until=mark.until, at=at)
            )
            if not is_first:
                raise FacadeError(FacadeFault.REPEATED)
            return
        is_of_time = refusal is not None and refusal.fault in _OF_TIME
        raise FacadeError(FacadeFault.TOO_OLD if is_of_time else FacadeFault.SIGNATURE) from refusal

    def _open_given(self, call: Call, said: Mapping[str, str], at: datetime) -> Mapping[str, str]:
        """Return what the steps before a call were asked about, from the tickets that the call carries."""
        words: dict[str, str] = {}
        steps = {step.name: step for step in self.plan.recipe.steps}
        for name in call.after:
            keys = [f"{Kind.GIVEN}.{one}" for one in steps[name].gives]
            for text in {said[key] for key in keys if key in said}:
                opened = self.tickets.open(name, text, at)
                if opened is None or any(said.get(key) not in {None, "", one} for key, one in opened.items()):
                    raise FacadeError(FacadeFault.STEP, is_known=True)
                words |= opened
        return words


def _mark_of(said: Mapping[str, str]) -> str:
    """Return what stands for all that a request says, in whatever order."""
    return sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def _proves(said: Mapping[str, str]) -> bool:
    """Say whether what is said, if it is right, proves who asks: settings are no secrets."""
    return _TOKEN in said or any(key.startswith(_PROOF) for key in said)
