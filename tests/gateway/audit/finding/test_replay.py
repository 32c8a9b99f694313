"""Deciding again: what an entry says was given follows from the policy, or the difference is named."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.audit.finding.replay import decides, is_replayable, replay
from tests.gateway.audit.findings import BUNDLE, answer
from tests.support.policies import context

CONTENT = answer(0).leaf
FACTS = (*context(), "request-0")


@pytest.mark.parametrize("form", ["cm--", "----", "c---", "", "cm-+", "+"])
def test_what_follows(form: str) -> None:
    """Fields in the forms of the plan, fewer of them, none at all, and the beginning of a long list."""
    assert replay(replace(CONTENT, form=form), FACTS, decides(BUNDLE)) == ""


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"plan": "another"}, "another plan follows from the policy"),
        ({"form": "cp--"}, "holder_name left in another form than the policy gives"),
        ({"form": "cmp-"}, "issue_date left in another form than the policy gives"),
        ({"form": "cc--"}, "holder_name left in another form than the policy gives"),
        ({"form": "cm-"}, "the forms of 4 fields were expected"),
        ({"form": "cm----"}, "the forms of 4 fields were expected"),
        ({"form": "cm--+"}, "the forms of 4 fields were expected"),
    ],
)
def test_what_does_not_follow(changes: dict[str, Any], difference: str) -> None:
    """Another plan, a wider form, a comparison that the plan does not allow, or another number of fields."""
    assert replay(replace(CONTENT, **changes), FACTS, decides(BUNDLE)) == difference


def test_what_cannot_be_decided_again() -> None:
    """Without a plan, a policy or the facts there is nothing to compare."""
    assert is_replayable(CONTENT, FACTS)
    assert not is_replayable(replace(CONTENT, plan=""), FACTS)
    assert not is_replayable(replace(CONTENT, policy=""), FACTS)
    assert not is_replayable(CONTENT, ("request-0",))
