"""One façade: reads what a caller of the system sends, and checks that it is the caller that was agreed."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from adapters.mapping.error import AdapterError
from adapters.transport.asked import Said
from adapters.transport.recipe import Call, SignIn, Step
from adapters.transport.template import QUESTION, Kind
from gateway.adapters.incoming import Incoming, RequestPattern, find_request
from gateway.facade.error import FacadeError, FacadeFault
from gateway.facade.plan import FacadePlan
from gateway.facade.replays import Replays
from gateway.facade.tickets import Tickets
from keys.payload.errors import PayloadError, RequestFault, RequestSignatureError

_TOKEN: Final = "token"  # noqa: S105 -- the key of a place
_SIGNATURE: Final = "signature"
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
    """A façade at work. ``replays`` are those of this process."""

    plan: FacadePlan
    tickets: Tickets
    replays: Replays = field(default_factory=Replays, repr=False)

    def read(self, incoming: Incoming, *, at: datetime) -> Asked:
        """Return what is asked.

        1. which request it is; 2. the account, the token and the signature in it; 3. what steps before it gave.

        Raises:
            FacadeError: it is not to be answered.

        """
        # 1. which request
        pattern, said = self._find(incoming)
        what = next(one for known, one in self.plan.patterns if known is pattern)
        if said.contradictory:
            raise FacadeError(FacadeFault.MALFORMED)
        # 2. who asks
        if not self.plan.caller.is_active(at):
            raise FacadeError(FacadeFault.NOT_ACTIVE)
        self._check_account(said.texts, at)
        if _SIGNATURE in said.texts:
            self._check_signature(said.texts, at)
        # 3. what steps gave
        words = dict(said.texts)
        if isinstance(what, Call):
            words |= self._open_given(what, said.texts, at)
        return Asked(what=what, words=words)

    def step_gives(self, step: Step, words: Mapping[str, str], at: datetime) -> Mapping[str, str]:
        """Return what a step gives, by name: a text that stands for what it was asked about."""
        known = {name: text for name, text in words.items() if name in QUESTION and text}
        ticket = self.tickets.seal(step.name, known, at)
        return dict.fromkeys(step.gives, ticket)

    def _find(self, incoming: Incoming) -> tuple[RequestPattern, Said]:
        try:
            found = find_request((pattern for pattern, _ in self.plan.patterns), incoming, self.plan.decryptors)
        except AdapterError as error:
            raise FacadeError(FacadeFault.MALFORMED) from error
        except PayloadError as error:
            raise FacadeError(FacadeFault.NOT_DECRYPTED) from error
        if found is None:
            raise FacadeError(FacadeFault.NO_CALL)
        return found

    def _check_account(self, said: Mapping[str, str], at: datetime) -> None:
        """Compare whatever only the caller knows, all of it, each in constant time."""
        pairs = [(text, self._agreed(key)) for key, text in said.items() if self._is_agreed(key)]
        results = [hmac.compare_digest(text.encode("utf-8", "replace"), known) for text, known in pairs]
        if _TOKEN in said:
            token = said[_TOKEN].encode("utf-8", "replace")
            results.append(any([hmac.compare_digest(token, one.reveal()) for one in self.tickets.tokens(at)]))  # noqa: C419 -- all are compared, whichever is right
        if not all(results):
            raise FacadeError(FacadeFault.ACCOUNT)

    def _is_agreed(self, key: str) -> bool:
        return key.startswith((f"{Kind.SETTING}.", f"{Kind.SECRET}."))

    def _agreed(self, key: str) -> bytes:
        kind, _, name = key.partition(".")
        if kind == Kind.SETTING:
            return self.plan.account.settings[name].encode()
        return self.plan.account.secrets[name].reveal().strip(b"\r\n")

    def _check_signature(self, said: Mapping[str, str], at: datetime) -> None:
        """Verify the signature over the values that the request itself carries."""
        signed = self.plan.signed
        if signed is None:
            raise FacadeError(FacadeFault.SIGNATURE)
        function = signed.function
        fields = {name: said[key] for name in function.template.fields if (key := f"{Kind.VALUE}.{name}") in said}
        keys = self.tickets.tokens(at) if signed.key is None else (signed.key,)
        refusal: RequestSignatureError | None = None
        for secret in keys:
            try:
                mark = function.make_verifier(secret).verify(fields, said.get(_SIGNATURE, ""), at=at)
            except RequestSignatureError as error:
                refusal = error
                continue
            if not self.replays.admit(mark, at):
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
                    raise FacadeError(FacadeFault.STEP)
                words |= opened
        return words
