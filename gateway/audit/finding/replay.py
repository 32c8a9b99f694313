"""Deciding again: whether what an entry says was given follows from its policy and the facts of the question."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Final

from gateway.audit.form_letters import COMPARED, CUT_OFF, FORM_LETTERS, WITHHELD
from gateway.audit.leaf import LeafDraft
from policies.bundle import Bundle
from policies.dimension import Context
from policies.plan import FieldDecision, Plan
from policies.reference import decide

Decide = Callable[[Context], Plan]

DIMENSIONS: Final = len(Context._fields)  # the context of an entry begins with them


def is_replayable(content: LeafDraft, context: Sequence[str]) -> bool:
    """Answer whether the entry names a plan and says by which facts it was made."""
    return bool(content.plan and content.policy) and len(context) >= DIMENSIONS


def decides(bundle: Bundle) -> Decide:
    """Return what decides by a bundle as the readable reference does; many entries share their facts."""
    return cache(partial(decide, bundle))


def replay(content: LeafDraft, context: Sequence[str], decide_again: Decide) -> str:
    """Decide again, and return what differs, in a phrase; "": nothing.

    The plan is the same; each field that left did so in the form that the plan gives it, or was compared where the plan
    lets it be. A field that the plan gives and that did not leave is no difference: it was not asked for, or not known.
    """
    plan = decide_again(Context(*context[:DIMENSIONS]))
    if plan.id != content.plan:
        return "another plan follows from the policy"
    form = content.form.removesuffix(CUT_OFF)
    is_cut = form != content.form
    if form and (len(form) >= len(plan.fields) if is_cut else len(form) != len(plan.fields)):
        return f"the forms of {len(plan.fields)} fields were expected"
    for letter, decision in zip(form, plan.fields, strict=False):
        if letter not in _letters(decision):
            return f"{decision.field} left in another form than the policy gives"
    return ""


def _letters(decision: FieldDecision) -> set[str]:
    compared = {COMPARED} if decision.match_rule is not None else set()
    return {WITHHELD, FORM_LETTERS[decision.form.kind]} | compared
