"""docs/adapters.md is true: its mapping is sound, its recipe is answered, and every other block of it is read."""

import re
from pathlib import Path
from typing import Final

import pytest
from aiohttp.test_utils import TestServer

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.transport.recipe import Question
from gateway.adapters.client import AdapterClient
from gateway.adapters.connection import open_session
from gateway.adapters.functions import load_recipe
from gateway.cli.adapter_transport import check_transport
from gateway.sources.rules import load_sources
from gateway.standins.registry import reflect
from gateway.toml_table import Fault  # noqa: TC001 -- no import is for types alone here
from tests.support.cli import ROOT
from tests.support.stand_ins import FOOD, Clock, ask

TEXT: Final = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"^```toml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
# By what each begins with; those of the walk are indented, and have a test of their own, as those of façades do.
FIRST, CODES, RECIPE, SYSTEMS, SOURCES, FACADE, CALLER = BLOCKS
WHOLE: Final = f"{FIRST}\n{RECIPE}"


def load(text: str) -> Adapter:
    return load_adapter(text.encode(), "example.toml")


def test_the_blocks_are_these() -> None:
    """Every block of the page is one that a test reads."""
    begins = [one.split("\n", 1)[0].split("#")[0].strip() for one in BLOCKS]
    assert begins == [
        "[system]",
        "[codes.kind]",
        "[transport]",
        "[shandong]",
        "[[source]]",
        "[[facade]]",
        'id = "province-34-platform"',
    ]


@pytest.mark.parametrize("text", [FIRST, WHOLE], ids=["first", "with recipe"])
def test_the_mapping_has_no_fault(text: str) -> None:
    """What the page begins with passes the check, with its recipe and without one."""
    adapter = load(text)
    check_transport(adapter)
    assert not [one for one in adapter.losses if one.is_fault]


def test_the_codes_are_a_table() -> None:
    """The table of the page is read in both directions as its comments say."""
    table = load(f"{FIRST}\n{CODES}").rules.tables["kind"]
    assert (table.meanings, table.spellings) == ({"1": "a", "2": "a", "3": "b"}, {"a": "2", "b": "3"})


def test_the_rules_are_read(tmp_path: Path) -> None:
    """The rules of the page are those of a site with its systems."""
    (tmp_path / "sources.toml").write_text(SOURCES, "utf-8")
    faults: list[Fault] = []
    rules = load_sources(tmp_path, systems={"guangdong", "national"}, faults=faults).rules
    assert (faults, [one.system for one in rules]) == ([], ["store", "guangdong", "national"])


async def test_the_recipe_is_answered() -> None:
    """The stand-in of the whole mapping takes its signature, whose fields are not all in the request, and answers."""
    adapter = load(WHOLE)
    stand_in, clock, recipe = reflect(adapter), Clock(), load_recipe(adapter)
    desk = stand_in.open_desk(adapter, clock.read)
    async with TestServer(stand_in.make(desk)) as server, open_session(recipe.deadlines) as session:
        access = stand_in.access_at(str(server.make_url("/")).rstrip("/"))
        client = AdapterClient(adapter, recipe, access, session, clock.read)
        answer = await client.ask(ask(Question.NUMBER, number=FOOD.number, type_code=FOOD.type_code))
        unknown = await client.ask(ask(Question.NUMBER, number="0", type_code=FOOD.type_code))
        await client.close()
    assert answer.outcome is AnswerOutcome.FOUND
    assert [(one.number, one.valid_to, one.surface) for one in answer.records] == [
        (FOOD.number, FOOD.valid_to, FOOD.surface)
    ]
    assert unknown.outcome is AnswerOutcome.NOT_FOUND
