"""How budgets see a question."""

import pytest

from gateway.budget.charging import Charging, Use
from gateway.budget.memory import MemoryBudgets
from gateway.pseudonym_keys import PseudonymKeys
from gateway.sharing import Asked, Sharing
from gateway.sources.source import LicenceKey, by_identifier, by_number
from policies.dimension import LicenceStatus
from tests.support.callers import NOW
from tests.support.policy import REAL_ESTATE
from tests.support.sharing import ADULT, caller, in_force, make_licence, verified


@pytest.mark.parametrize("key", [by_number("ID-0001", "居民身份证", ADULT), by_identifier("1.2.3.4.5", ADULT)])
async def test_whoever_is_asked_for_is_counted(monkeypatch: pytest.MonkeyPatch, key: LicenceKey) -> None:
    """A holder whom a question names is counted as the one it is about, however it names the licence."""
    seen: list[Use] = []
    charging = Charging(bytes(32))
    charges = charging.charges
    monkeypatch.setattr(type(charging), "charges", lambda _, budgets, use: seen.append(use) or charges(budgets, use))
    sharing = Sharing(
        region="370000", pseudonyms=PseudonymKeys(None, epoch=1), budgets=MemoryBudgets(), charging=charging
    )
    policy = sharing.view(in_force())
    asked = Asked(caller=caller().caller, item=policy.items[REAL_ESTATE], key=key)
    await sharing.share(policy, asked, verified(make_licence(), status=LicenceStatus.REVOKED), now=NOW)
    assert [(use.asked.holders, use.compares) for use in seen] == [((ADULT,), True)]
    assert ADULT in seen[0].numbers
