"""How budgets see a question."""

import pytest

from gateway.budget.charging import Charging, Use
from gateway.budget.memory import MemoryBudgets
from gateway.checks.answers import unknown
from gateway.pipeline import Verified, judge_not_found, judge_unanswered
from gateway.pseudonym_keys import PseudonymKeys
from gateway.reason import Reason
from gateway.sharing import Asked, Sharing
from gateway.sources.source import LicenceKey, by_identifier, by_number
from gateway.verdict import CheckName, Verdict
from policies.dimension import LicenceStatus
from tests.support.callers import NOW
from tests.support.policy import REAL_ESTATE
from tests.support.sharing import ADULT, caller, in_force, make_licence, verified


@pytest.mark.parametrize("key", [by_number("ID-0001", "居民身份证", ADULT), by_identifier("1.2.3.4.5", ADULT)])
async def test_whoever_is_asked_for_is_counted(monkeypatch: pytest.MonkeyPatch, key: LicenceKey) -> None:
    """A holder whom a question names is counted as the one it is about, however it names the licence."""
    use = await use_of(monkeypatch, key, verified(make_licence(), status=LicenceStatus.REVOKED))
    assert (use.asked.holders, use.compares) == ((ADULT,), True)
    assert ADULT in use.numbers


@pytest.mark.parametrize(
    ("reason", "misses"),
    [
        (Reason.STATUS_DENIED, True),
        (Reason.STATUS_NOT_PROVIDED, True),
        (Reason.STATUS_RECORD_DIFFERS, True),
        (Reason.STATUS_UNAVAILABLE, False),
        (Reason.STATUS_PARTIAL, False),
        (Reason.STATUS_UNUSABLE_ANSWER, False),
    ],
)
async def test_what_is_not_said_of_a_holder(monkeypatch: pytest.MonkeyPatch, reason: Reason, misses: bool) -> None:  # noqa: FBT001 -- a row
    """Whoever asks for a holder misses where a source never says more, and not where it cannot for a while."""
    unanswered = judge_unanswered(reason, "system:river", "system:river")
    assert (await use_of(monkeypatch, by_number("1", "T", ADULT), unanswered)).misses is misses
    assert not (await use_of(monkeypatch, by_number("1", "T"), unanswered)).misses


async def test_what_is_said_of_a_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody knows is a miss whoever is asked for; a licence of which a source says something else is none."""
    for holder in (ADULT, None):
        not_found = judge_not_found("system:river", at=NOW)
        assert (await use_of(monkeypatch, by_number("1", "T", holder), not_found)).misses
    differs = Verdict(format=None, checks=(unknown(CheckName.STATUS, Reason.STATUS_RECORD_DIFFERS),))
    proved = verified(make_licence(), verdict=differs, status=LicenceStatus.UNKNOWN)
    assert not (await use_of(monkeypatch, by_number("1", "T", ADULT), proved)).misses


async def use_of(monkeypatch: pytest.MonkeyPatch, key: LicenceKey, found: Verified) -> Use:
    """Return a question as budgets see it."""
    seen: list[Use] = []
    charging = Charging(bytes(32))
    charges = charging.charges
    with monkeypatch.context() as patch:
        patch.setattr(type(charging), "charges", lambda _, budgets, use: seen.append(use) or charges(budgets, use))
        sharing = Sharing(
            region="370000", pseudonyms=PseudonymKeys(None, epoch=1), budgets=MemoryBudgets(), charging=charging
        )
        policy = sharing.view(in_force())
        asked = Asked(caller=caller().caller, item=policy.items[REAL_ESTATE], key=key)
        await sharing.share(policy, asked, found, now=NOW)
    (use,) = seen
    return use
