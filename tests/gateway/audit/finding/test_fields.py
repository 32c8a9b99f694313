"""Which fields a form speaks of: those of the type that the facts name, or that the item leaves no doubt about."""

from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_struct

from gateway.audit.finding.fields import name_forms, select_type
from policies.form import FormKind
from tests.gateway.audit.findings import BUNDLE, FORM, answer
from tests.support.policies import context

CONTENT = answer(0).leaf
TYPE = BUNDLE.licences[0]
FACTS = (*context(), "request-0")


@pytest.mark.parametrize("facts", [FACTS, ()], ids=["opened", "closed"])
@pytest.mark.parametrize("form", [FORM, "cm-+"])
def test_the_type_is_that_of_the_facts_or_of_the_item(form: str, facts: tuple[str, ...]) -> None:
    """With the facts and without them each letter has its field."""
    assert select_type(BUNDLE, replace(CONTENT, form=form), facts) == TYPE
    assert name_forms(TYPE, "cm-+") == {
        "holder_id": FormKind.MATCH,
        "holder_name": FormKind.MASK,
        "issue_date": FormKind.WITHHELD,
    }


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"form": "----"}, FACTS),
        ({"form": ""}, FACTS),
        ({"form": "cm-"}, FACTS),
        ({"form": "cm---"}, ()),
        ({"item": "unknown"}, ()),
        ({}, context(licence="unknown")),
    ],
)
def test_what_nobody_can_tell_has_no_type(changes: dict[str, str], facts: tuple[str, ...]) -> None:
    """Where nothing left, the letters are too many or too few, or item or type are unknown, no field is named."""
    assert select_type(BUNDLE, replace(CONTENT, **changes), facts) is None


def test_two_types_that_could_be_meant_are_not_guessed_between() -> None:
    """Where the item has two types with as many fields, only the facts decide."""
    other = replace_struct(TYPE, id="other")
    items = tuple(replace_struct(item, licences=(TYPE.id, "other")) for item in BUNDLE.items)
    bundle = replace_struct(BUNDLE, licences=(TYPE, other), items=items)
    assert select_type(bundle, CONTENT, ()) is None
    assert select_type(bundle, CONTENT, FACTS) == TYPE
