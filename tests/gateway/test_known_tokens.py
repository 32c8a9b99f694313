"""What is remembered of tokens that were verified."""

from datetime import timedelta

import pytest

from gateway import known_tokens
from gateway.callers import CallerRegistry, CallerRole, TokenUse
from gateway.known_tokens import MAX_OF_CALLER, KnownTokens
from gateway.tokens import LEEWAY, SignedIn, SignInError, SignInFailure, authenticate
from tests.support.callers import AUDIENCE, NOW, make_party

HALL = make_party()
CALLERS = CallerRegistry([HALL.caller])
MINUTE = timedelta(minutes=1)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the tokens whose signatures are verified from now on."""
    tokens: list[str] = []

    def count(token: str, **more: object) -> SignedIn:
        tokens.append(token)
        return authenticate(token, **more)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(known_tokens, "authenticate", count)
    return tokens


def test_a_token_is_verified_once(verified: list[str]) -> None:
    """A token that comes again is known, with all that it says, until it is over; then it is refused as any is."""
    known, token = KnownTokens(), HALL.token()
    first = known.authenticate(token, callers=CALLERS, audience=AUDIENCE, at=NOW)
    assert known.authenticate(token, callers=CALLERS, audience=AUDIENCE, at=NOW + 5 * MINUTE) == first
    assert verified == [token]
    for at in (NOW + 5 * MINUTE + LEEWAY, NOW + 6 * MINUTE):
        with pytest.raises(SignInError) as caught:
            known.authenticate(token, callers=CALLERS, audience=AUDIENCE, at=at)
        assert caught.value.failure is SignInFailure.EXPIRED
    with pytest.raises(SignInError):  # a clock that is set back
        known.authenticate(HALL.token(at=NOW + 2 * MINUTE), callers=CALLERS, audience=AUDIENCE, at=NOW)


def test_what_is_known_ends_with_the_registry_and_the_caller() -> None:
    """A registry that no longer has a caller, another audience and the end of a caller count at once."""
    known, token = KnownTokens(), HALL.token()
    until = make_party(valid_to=NOW + MINUTE)
    known.authenticate(token, callers=CALLERS, audience=AUDIENCE, at=NOW)
    with pytest.raises(SignInError):
        known.authenticate(token, callers=CALLERS, audience="https://other.test", at=NOW)
    with pytest.raises(SignInError):
        known.authenticate(token, callers=CallerRegistry(), audience=AUDIENCE, at=NOW)
    callers = CallerRegistry([until.caller])
    known.authenticate(until.token(), callers=callers, audience=AUDIENCE, at=NOW)
    with pytest.raises(SignInError) as caught:
        known.authenticate(until.token(), callers=callers, audience=AUDIENCE, at=NOW + MINUTE)
    assert caught.value.failure is SignInFailure.INACTIVE_CALLER


@pytest.mark.parametrize("changes", [{"tokens": TokenUse.ONCE}, {"role": CallerRole.IDENTITY_PROVIDER}])
def test_some_tokens_are_never_known(changes: dict[str, object], verified: list[str]) -> None:
    """Tokens that work once, and those that speak of people, are verified each time."""
    party = make_party(**changes)
    known, callers = KnownTokens(), CallerRegistry([party.caller])
    for _ in range(2):
        known.authenticate(party.token(), callers=callers, audience=AUDIENCE, at=NOW)
    assert len(verified) == 2
    assert len(known) == 0


def test_what_proves_nothing_is_not_known(verified: list[str]) -> None:
    """A token that was refused is looked at anew, and takes no room."""
    known, stranger = KnownTokens(), make_party()
    for token in (stranger.token(), stranger.token(), "no token", "\udcff"):
        with pytest.raises(SignInError):
            known.authenticate(token, callers=CALLERS, audience=AUDIENCE, at=NOW)
    assert len(verified) == 4
    assert len(known) == 0


def test_nobody_takes_the_room_of_others(verified: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that makes a token each time has the latest ones known, and leaves those of others alone."""
    monkeypatch.setattr(known_tokens, "MAX_KNOWN", MAX_OF_CALLER + 2)
    other = make_party(id="other")
    known, callers = KnownTokens(), CallerRegistry([HALL.caller, other.caller])

    def ask(token: str) -> None:
        known.authenticate(token, callers=callers, audience=AUDIENCE, at=NOW)

    ask(other.token())
    for number in range(2 * MAX_OF_CALLER):
        ask(HALL.token(token_id=str(number)))
    assert len(known) == MAX_OF_CALLER + 1
    verified.clear()
    ask(other.token())
    ask(HALL.token(token_id=str(2 * MAX_OF_CALLER - 1)))
    assert verified == []
    ask(HALL.token(token_id=str(0)))
    assert len(verified) == 1
