"""The sample messages of the shipped systems are read as their golden files say, and can be said again."""

import pytest

from adapters.mapping.answer import AnswerOutcome
from adapters.record.description import differing_facts
from tests.support.adapters import SHIPPED_FILES, shipped
from tests.vectors.build_adapter_systems import FOLDER, build

FILES = build()
MESSAGES = [name for name in FILES if not name.endswith(".parsed.json")]


def test_the_golden_files_are_what_the_script_writes() -> None:
    """The files are those of the regenerating script, and there are no others."""
    assert {str(path.relative_to(FOLDER)): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()} == FILES


def test_every_shipped_system_has_samples() -> None:
    """No mapping file is shipped without messages that show what it reads."""
    assert {path.stem for path in SHIPPED_FILES} == {name.partition("/")[0] for name in MESSAGES}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_sample_is_written_and_read_as_the_same(name: str) -> None:
    """What was read of a sample, and can be said in the system's words, is written and read as the same again."""
    adapter = shipped(name.partition("/")[0])
    parsed = adapter.parse(FILES[name])
    spellings = {} if adapter.rules.status is None else adapter.rules.status.spellings
    sayable = [record for record in parsed.records if record.status in spellings]
    if parsed.outcome is not AnswerOutcome.FOUND or not sayable:
        return
    again = adapter.parse(adapter.render(sayable, parsed.outcome, parsed.envelope))
    assert [differing_facts(*pair) for pair in zip(sayable, again.records, strict=True)] == [()] * len(sayable)
