"""Kept answers: what comes back is what was said, to the same question, and no later news are hidden by it."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.identifier import parse_identifier
from adapters.licence import AnnotatedCopy
from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord, RecordDocument
from adapters.record.status import RecordStatus
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.inquiry import Answer
from gateway.cache.local import LocalCache
from gateway.sources.errand import Errand
from gateway.sources.kept import GONE, KeptAnswers
from gateway.sources.source import (
    LicenceIndex,
    LicenceKey,
    NoDocument,
    Registered,
    StatedLicence,
    SystemUnavailableError,
    by_identifier,
    by_number,
)
from gateway.sources.system import SystemSource
from policies.dimension import LicenceStatus
from tests.gateway.sources.systems import make_source
from tests.support.sharing import make_licence
from tests.support.stand_ins import FOOD, NOW

HOLDER = FOOD.holders[0].code
SECOND = timedelta(seconds=1)
EVER = datetime.min.replace(tzinfo=UTC)
STATED = StatedLicence(
    document=b"sealed",
    absence=None,
    stated=make_licence(),
    index=LicenceIndex(identifier="1.2", number="N", type_code="T", name="某证", holders=("A", "B")),
    status=LicenceStatus.ACTIVE,
    is_unseen=False,
    is_under_objection=True,
    source="system:x",
    as_of=NOW,
)
REGISTERED = Registered(status=LicenceStatus.SUSPENDED, is_under_objection=False, source="system:x", as_of=NOW)


def make_kept(secret: bytes = b"a secret") -> tuple[KeptAnswers, LocalCache]:
    cache = LocalCache()
    return KeptAnswers(cache, secret), cache


async def keep(kept: KeptAnswers, answer: StatedLicence | Registered, *, as_of: datetime = NOW) -> bytes:
    """Keep an answer about one licence, and return its name."""
    name, mark = kept.name("asked"), kept.name("mark")
    marks = await kept.mark({mark: "active"}, as_of=as_of)
    await kept.keep(name, answer, marks=marks, as_of=as_of)
    return name


COPY = AnnotatedCopy(made_at="2020", made_by="某局", reason="办理", valid_until=NOW)
LICENCES = st.builds(
    make_licence,
    name=st.text(max_size=5),
    identifier=st.sampled_from([None, parse_identifier(FOOD.identifier), parse_identifier("odd")]),
    issued_on=st.none() | st.dates(),
    copy=st.sampled_from([None, COPY]),
    elements=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
)
ANSWERS = st.builds(
    replace,
    st.just(STATED),
    document=st.binary(max_size=20),
    absence=st.sampled_from([None, *NoDocument]),
    stated=LICENCES,
    status=st.sampled_from(LicenceStatus),
    is_unseen=st.booleans(),
    detail=st.text(max_size=5),
) | st.builds(replace, st.just(REGISTERED), status=st.sampled_from(LicenceStatus), is_unseen=st.booleans())


@given(ANSWERS)
def test_what_comes_back_is_what_was_kept(answer: StatedLicence | Registered) -> None:
    """Every part of an answer comes back as it was."""

    async def there_and_back() -> object:
        kept, _ = make_kept()
        return await kept.recall(await keep(kept, answer), oldest=NOW, now=NOW)

    assert asyncio.run(there_and_back()) == answer


async def test_how_old_it_may_be() -> None:
    """An answer counts from its moment on, as long as whoever asks says."""
    kept, _ = make_kept()
    name = await keep(kept, STATED)
    assert await kept.recall(name, oldest=NOW, now=NOW + 5 * SECOND) == STATED
    assert await kept.recall(name, oldest=NOW + SECOND, now=NOW + 5 * SECOND) is None
    assert await kept.recall(name, oldest=EVER, now=NOW - SECOND) is None  # a clock was set back
    await kept.forget(name)
    assert await kept.recall(name, oldest=EVER, now=NOW) is None


@pytest.mark.parametrize("says", ["revoked", GONE])
async def test_later_news_by_another_question(says: str) -> None:
    """What the system said otherwise of the licence since, to whatever question, ends what is kept."""
    kept, _ = make_kept()
    name, mark = await keep(kept, STATED), kept.name("mark")
    await kept.mark({mark: "active"}, as_of=NOW - SECOND)
    await kept.mark({mark: "active"}, as_of=NOW + SECOND)
    assert await kept.recall(name, oldest=EVER, now=NOW) == STATED
    for news in (says, "active"):  # which is no word about what it said before
        await kept.mark({mark: news}, as_of=NOW + 2 * SECOND)
        assert await kept.recall(name, oldest=EVER, now=NOW) is None


async def test_news_by_a_clock_that_was_set_back() -> None:
    """News that seem older than what is kept, and say otherwise, end it: nobody can tell what came last."""
    kept, _ = make_kept()
    name, mark = await keep(kept, STATED), kept.name("mark")
    assert list(await kept.mark({mark: "revoked"}, as_of=NOW - SECOND)) == [mark]
    assert await kept.recall(name, oldest=EVER, now=NOW) is None


async def test_a_cache_that_loses_or_spoils() -> None:
    """Without its mark, without a name, and with bytes that are none of ours, nothing comes back."""
    kept, cache = make_kept()
    name = await keep(kept, STATED)
    cache.forget_now(kept.name("mark"))
    assert await kept.recall(name, oldest=EVER, now=NOW) is None
    for spoiled in (b"", b"\xc1", b"\x90", b"spoiled", cache.get_now(name) or b""):
        await keep(kept, STATED)
        cache.put_now(kept.name("mark") if spoiled.startswith(b"\x94") else name, spoiled, seconds=9)
        assert await kept.recall(name, oldest=EVER, now=NOW) is None
    await kept.keep(name, STATED, marks={}, as_of=NOW)
    assert await kept.recall(name, oldest=EVER, now=NOW) is None


def test_names_are_told_apart() -> None:
    """Another secret, and other texts however they are cut, are other names."""
    kept, _ = make_kept()
    other, _ = make_kept(b"another")
    texts = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", "")]
    assert len({kept.name(*one) for one in texts} | {other.name("abc")}) == 5


# --- by a system ------------------------------------------------------------------------------------------------------

KEY = by_number(FOOD.number, FOOD.type_code, HOLDER)
INDEX = LicenceIndex(
    identifier=FOOD.identifier, number=FOOD.number, type_code=FOOD.type_code, name=FOOD.name, holders=(HOLDER,)
)
ACTIVE = replace(FOOD, document=RecordDocument(content=b"sealed"))
REVOKED = replace(ACTIVE, status=RecordStatus.REVOKED)
AWAY = AskError(AskFault.UNREACHABLE)
NOTHING = Answer(outcome=AnswerOutcome.NOT_FOUND)


def found(*records: LicenceRecord) -> Answer:
    return Answer(outcome=AnswerOutcome.FOUND, records=records)


def errand(**words: str) -> Errand:
    return Errand(until=asyncio.get_running_loop().time() + 60, **words)


async def recall(system: SystemSource, key: LicenceKey = KEY, **words: str) -> StatedLicence | None:
    return await system.recall(key, errand(**words), oldest=NOW, now=NOW)


async def test_the_same_question_alone() -> None:
    """Only whoever asks just the same, for the same holder, case and type, is given what is kept."""
    system, _ = make_source("shanghai", found(ACTIVE))
    live = await system.find(KEY, errand(case="c-1", question_id="one"))
    assert await recall(system, case="c-1", question_id="another") == live
    told = system._line._told
    assert any("case" in names for names in told.values())
    assert await recall(system, case="c-2") is None
    assert await recall(system, by_number(FOOD.number, FOOD.type_code, "91349901MADEM3415U"), case="c-1") is None
    assert await recall(system, by_number("2", FOOD.type_code, HOLDER), case="c-1") is None
    assert await recall(system, case="c-1", type_code=FOOD.type_code) is None
    assert await recall(system, by_identifier("no call for it")) is None


@pytest.mark.parametrize(
    ("answer", "is_kept"),
    [
        (AWAY, True),
        (AskError(AskFault.TIMEOUT), True),
        (Answer(outcome=AnswerOutcome.RETRY), True),
        (NOTHING, False),
        (Answer(outcome=AnswerOutcome.DENIED), False),
        (AskError(AskFault.MALFORMED), False),
        (found(replace(FOOD, number="another")), False),
    ],
)
async def test_what_the_system_says_next(answer: Answer | AskError, is_kept: bool) -> None:  # noqa: FBT001 -- of a table
    """That it does not answer says nothing; whatever else it says takes the place of what is kept."""
    system, _ = make_source("police-package", found(ACTIVE), answer)
    key = by_number(FOOD.number, FOOD.type_code)
    await system.find(key, errand())
    assert await recall(system, key) is not None
    try:
        await system.find(key, errand())
    except SystemUnavailableError:
        pass
    assert (await recall(system, key) is not None) is is_kept


async def test_news_by_another_key() -> None:
    """A licence that was found by its identifier and then revoked by its number is not kept as active."""
    for news in (REVOKED, replace(ACTIVE, issued_on=date(2099, 1, 1))):
        system, _ = make_source("jilin", found(ACTIVE), found(news))
        keys = [key for key in (by_identifier(FOOD.identifier), KEY) if system._inquiry(key, errand()) is not None]
        await system.find(keys[0], errand())
        assert await recall(system, keys[0]) is not None
        await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)
        assert await recall(system, keys[0]) is None


async def test_what_is_not_known_any_more() -> None:
    """A licence that the system does not know any more is kept for no question; a wrong holder ends nothing."""
    system, _ = make_source("shanghai", found(ACTIVE), NOTHING, NOTHING)
    await system.find(KEY, errand(case="c-1"))
    await system.find(by_number(FOOD.number, FOOD.type_code, "91349901MADEM3415U"), errand(case="c-1"))
    assert await recall(system, case="c-1") is not None
    await system.find(KEY, errand(case="c-2"))
    assert await recall(system, case="c-1") is None


async def test_a_file_that_cannot_be_fetched() -> None:
    """While the file is away and the record says the same, the answer with its document stays; else it goes."""
    for record, is_kept in ((FOOD, True), (replace(FOOD, status=RecordStatus.SUSPENDED), False)):
        file = Answer(outcome=AnswerOutcome.FOUND, file=b"sealed")
        system, _ = make_source("national", found(FOOD), file, found(record), AWAY)
        key = by_identifier(FOOD.identifier)
        await system.find(key, errand())
        assert isinstance(again := await system.find(key, errand()), StatedLicence)
        assert again.absence is NoDocument.UNAVAILABLE
        kept = await recall(system, key)
        assert (kept is not None and kept.document == b"sealed") is is_kept


async def test_the_status_of_a_document() -> None:
    """How a document stood is kept for that document alone, until the system says something else of it."""
    system, _ = make_source("shandong", found(ACTIVE), NOTHING, NOTHING)
    live = await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)

    async def again(index: LicenceIndex = INDEX, day: date | None = FOOD.issued_on) -> Registered | None:
        return await system.recall_status(index, errand(), issued_on=day, oldest=NOW, now=NOW)

    assert (await again(), await again(day=None), await again(replace(INDEX, holders=()))) == (live, None, None)
    assert (
        await system.recall_status(
            replace(INDEX, identifier="", number=""), errand(), issued_on=None, oldest=NOW, now=NOW
        )
        is None
    )
    assert await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on) is None
    assert await again() is None


async def test_what_was_said_against_a_licence() -> None:
    """Bad news are there for the document by each name of the licence, until others come; good ones for nobody.

    A record that contradicts the document is there as such.
    """
    system, _ = make_source("jilin", found(REVOKED), found(ACTIVE), found(replace(REVOKED, number="ANOTHER")))

    async def news(index: LicenceIndex = INDEX, day: date | None = FOOD.issued_on) -> tuple[LicenceStatus, bool] | None:
        recalled = await system.recall_news(index, issued_on=day, oldest=NOW, now=NOW)
        return None if recalled is None else (recalled.status, recalled.may_differ)

    wrong = by_number(FOOD.number, FOOD.type_code, "91349901MADEM3415U")
    await system.find(wrong, errand())
    for index in (INDEX, replace(INDEX, identifier=""), replace(INDEX, number="")):
        assert await news(index) == (LicenceStatus.REVOKED, False)
    assert await news(replace(INDEX, holders=("ANOTHER",))) == (LicenceStatus.REVOKED, True)
    for index in (replace(INDEX, identifier="1.2", number="3"), replace(INDEX, identifier="", type_code="9", name="")):
        assert await news(index) is None
    await system.find(KEY, errand())
    assert await news() is None
    assert await news(day=date(2000, 1, 1)) == (LicenceStatus.SUPERSEDED, False)
    await system.find(by_identifier(FOOD.identifier), errand())
    assert await news() == (LicenceStatus.REVOKED, True)
    assert await news(replace(INDEX, identifier="")) is None


async def test_licences_of_one_number() -> None:
    """What is said of a licence is marked by number and type: news of another type neither end nor renew it."""
    other = replace(REVOKED, identifier="", type_code="", name="别的证")
    system, _ = make_source("shanghai", found(ACTIVE), NOTHING, found(other))
    await system.find(KEY, errand())
    wrong = by_number(FOOD.number, "别的证", HOLDER)
    for _ in range(2):
        await system.find(wrong, errand())
        assert await recall(system) is not None


async def test_a_record_of_another_holder() -> None:
    """What is kept for whoever named the wrong holder is ended by news of the licence that come by another question."""
    held_by_another = replace(REVOKED, status=RecordStatus.ACTIVE, identifier="", document=None)
    system, _ = make_source(
        "jilin", found(held_by_another), found(replace(held_by_another, status=RecordStatus.REVOKED))
    )
    wrong = by_number(FOOD.number, FOOD.type_code, "91349901MADEM3415U")
    await system.find(wrong, errand())
    assert await recall(system, wrong) is not None
    await system.find(by_number(FOOD.number, FOOD.type_code), errand())
    assert await recall(system, wrong) is None
