"""Every shipped mapping file: sound, and the same in both directions."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.mapping.adapter import Adapter, bundle_digest, load_adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.record.description import differing_facts
from adapters.record.status import RecordStatus
from tests.support.adapters import SHIPPED_FILES, records_of

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs" / "adapters.schema.json").read_text("utf-8"))
ADAPTERS = [load_adapter(path.read_bytes(), path.name) for path in SHIPPED_FILES]
EACH = pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.id)


@EACH
def test_it_declares_exactly_what_it_loses(adapter: Adapter) -> None:
    """A shipped mapping declares every loss, and no loss that there is not."""
    assert [loss for loss in adapter.losses if loss.is_fault] == []


@pytest.mark.parametrize("path", SHIPPED_FILES, ids=lambda path: path.stem)
def test_it_is_what_the_schema_says(path: Path) -> None:
    """A shipped mapping is valid under docs/adapters.schema.json, and its file has the name of its system."""
    tables = tomllib.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(tables)
    assert tables["system"]["id"] == path.stem


@EACH
@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
@given(data=st.data())
def test_what_is_written_is_read(adapter: Adapter, data: st.DataObject) -> None:
    """A record within the domain of a system comes back as it was, and its message is written the same again.

    A system without a status takes active licences only, and reads them as unknown.
    """
    unread = ("status",) if adapter.rules.status is None else ()
    most = 3 if adapter.rules.message.records.lists else 1
    records = data.draw(st.lists(records_of(adapter), min_size=1, max_size=most))
    message = adapter.render(records)
    parsed = adapter.parse(message)
    assert parsed.refused == ()
    assert parsed.outcome is AnswerOutcome.FOUND
    for before, after in zip(records, parsed.records, strict=True):
        assert differing_facts(before, after) == unread
        assert dict(after.aside) == {}
    assert (
        adapter.render([replace(one, status=RecordStatus.ACTIVE) if unread else one for one in parsed.records])
        == message
    )


def test_the_bundle_has_one_digest() -> None:
    """The digest of a bundle does not depend on the order of its files, and does on each of them."""
    assert bundle_digest(ADAPTERS) == bundle_digest(reversed(ADAPTERS))
    assert bundle_digest(ADAPTERS) != bundle_digest(ADAPTERS[1:])
