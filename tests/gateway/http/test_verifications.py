"""Asking over HTTP: what is answered, and how wrong questions are refused."""

import base64
import json
import re
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.app import create_app
from gateway.callers import TokenAlgorithm
from gateway.decision import DECISION_ID_PATTERN
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.problems import PROBLEMS, ProblemKind
from gateway.pipeline import Verified
from gateway.reason import SENTENCES, Reason
from gateway.verdict import Check, CheckName, Outcome, Verdict
from keys.ocsp import parse_ocsp_response
from keys.ocsp_stapled import StapledAnswers
from keys.trust import TrustStore
from tests.support import ocsp
from tests.support.callers import NOW, make_party, make_site
from tests.support.http import GENUINE, URL, StartClient, bearer, question, start, verify_by_first_byte
from tests.support.pki import make_root

CA = make_root("CA of answers")
ANSWER = ocsp.answer(ocsp.single(ocsp.certificate_id(CA.issue("asked"), CA)), signer=CA)
PARTY = make_party()
SITE = make_site([PARTY], max_document_bytes=1024 * 1024)
TOKEN = PARTY.token()


async def ask(aiohttp_client: StartClient, body: object, **http: Any) -> tuple[int, dict[str, Any]]:
    """Ask a gateway and return status and content; bytes are sent as they are."""
    site = make_site([PARTY], **http) if http else SITE
    client = await start(aiohttp_client, site)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await client.post(URL, data=data, headers=bearer(TOKEN) | {"Content-Type": "application/json"})
    content = await response.json(content_type=response.content_type)
    if response.status != 200:
        assert response.content_type == "application/problem+json"
        msgspec.convert(content, ProblemDocument)
        assert content["status"] == response.status
        assert content["type"] == f"urn:tongban:problem:{content['reason']}"
    return response.status, content


async def test_genuine(aiohttp_client: StartClient) -> None:
    """A genuine document is answered with its verdict, exactly in the documented shape."""
    status, content = await ask(aiohttp_client, question())
    assert status == 200
    msgspec.convert(content, VerificationAnswer)
    assert re.fullmatch(DECISION_ID_PATTERN, content.pop("decision"))
    assert content.pop("receipt")["seq"] == 1
    assert content == {
        "outcome": "valid",
        "status": "unknown",
        "format": "ofd",
        "reasons": [],
        "explanations": [],
        "checks": [{"check": "format", "outcome": "valid", "reason": None, "detail": None}],
        "signatures": [
            {
                "id": "1",
                "kind": "seal",
                "standard": "GB/T 38540-2020",
                "signed_at": "2026-03-01T04:00:00Z",
                "signer": "CN=signer",
                "seal": {"id": "37000000000001", "name": "示例市场监督管理局", "maker": "CN=maker"},
                "outcome": "valid",
                "checks": [{"check": "signature", "outcome": "valid", "reason": None, "detail": None}],
                "notes": [],
            }
        ],
        "notes": [],
        "fields": {},
        "match": None,
        "obligations": None,
        "freshness": {
            "register": None,
            "mapping": None,
            "source": "document",
            "as_of": None,
            "status_as_of": None,
            "revocation_seq": None,
            "stale": False,
            "fresh_until": None,
        },
        "policy": None,
    }


async def test_forged(aiohttp_client: StartClient) -> None:
    """A forged document is an answer, not an error, and says in both languages what is wrong and what to do."""
    status, content = await ask(aiohttp_client, question(b"Forged"))
    assert status == 200
    msgspec.convert(content, VerificationAnswer)
    assert content["outcome"] == "invalid"
    assert content["reasons"] == ["references.mismatch"]
    words = SENTENCES[Reason.REFERENCES_MISMATCH]
    assert content["explanations"] == [
        {
            "reason": "references.mismatch",
            "zh": words.zh,
            "en": words.en,
            "next_zh": words.next_zh,
            "next_en": words.next_en,
        }
    ]
    assert content["notes"] == ["signature.raw-64-bytes"]


async def test_full_question(aiohttp_client: StartClient) -> None:
    """Purpose, operator, match, fields and tolerance are read, and still nothing of the holder leaves."""
    body = question(
        purpose={"item": "11370000MB28559184", "case": "2026-0001", "use": "注册登记"},
        operator={"id": "clerk-7", "name": "张三"},
        match={"holder_name": "李四", "holder_id": "37010119900101001X"},
        fields=["holder_name", "valid_to"],
        tolerance_seconds=60,
    )
    status, content = await ask(aiohttp_client, body)
    assert status == 200
    withheld = {"form": "withheld", "reason": "no-policy"}
    assert content["fields"] == {"holder_name": withheld, "valid_to": withheld}
    msgspec.convert(content, VerificationAnswer)
    assert content["match"] == {"outcome": None, "reason": "no-policy"}
    assert "李四" not in json.dumps(content, ensure_ascii=False)


def judged(*revocations: Check) -> Verdict:
    """Return the genuine verdict with these checks of revocation, one for each signature."""
    (signature,) = GENUINE.signatures
    return replace(
        GENUINE, signatures=tuple(replace(signature, checks=(*signature.checks, one)) for one in revocations)
    )


OLDER, NEWER = NOW - timedelta(hours=3), NOW - timedelta(hours=1)
GOOD = Check(check=CheckName.REVOCATION, outcome=Outcome.VALID)
MISSING = replace(GOOD, outcome=Outcome.UNKNOWN, reason=Reason.REVOCATION_UNAVAILABLE)


@pytest.mark.parametrize(
    ("verdict", "as_of", "stale"),
    [
        (judged(replace(GOOD, as_of=NEWER), replace(GOOD, as_of=OLDER)), "2026-03-01T01:00:00Z", False),
        (judged(replace(GOOD, as_of=NEWER), MISSING), "2026-03-01T03:00:00Z", True),
        (judged(MISSING), None, True),
        (judged(GOOD), None, False),
        (GENUINE, None, False),
    ],
)
async def test_freshness(aiohttp_client: StartClient, verdict: Verdict, *, as_of: str | None, stale: bool) -> None:
    """The answer says how old the oldest revocation information is that it rests on, and whether some was missing."""
    client = await start(aiohttp_client, SITE, lambda *_, **__: Verified(verdict=verdict))
    content = await (await client.post(URL, json=question(), headers=bearer(TOKEN))).json()
    assert (content["freshness"]["as_of"], content["freshness"]["stale"]) == (as_of, stale)


@pytest.mark.parametrize("algorithm", TokenAlgorithm)
async def test_every_algorithm(aiohttp_client: StartClient, algorithm: TokenAlgorithm) -> None:
    """Callers of all three algorithms are answered."""
    party = make_party(algorithm)
    client = await start(aiohttp_client, make_site([party]))
    response = await client.post(URL, json=question(), headers=bearer(party.token()))
    assert response.status == 200


async def test_stated_format(aiohttp_client: StartClient) -> None:
    """A format that is stated must be the one that is found."""
    document = question()["licence"]["document"]
    status, _ = await ask(aiohttp_client, {"licence": {"document": document, "format": "ofd"}})
    assert status == 200
    status, content = await ask(aiohttp_client, {"licence": {"document": document, "format": "seal"}})
    assert (status, content["reason"]) == (422, "licence.format-differs")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("$.licence", "missing-field")]),
        ([], [("$", "wrong-value")]),
        ({"licence": 7}, [("$.licence", "wrong-value")]),
        ({"licence": {"document": 7}}, [("$.licence.document", "wrong-value")]),
        ({"licence": {"colour": ""}}, [("$.licence.colour", "unknown-field")]),
        (question(operator={}), [("$.operator.id", "missing-field")]),
        (question(fields=["valid_to", 7, "x" * 129]), [("$.fields[1]", "wrong-value"), ("$.fields[2]", "wrong-value")]),
        (question(fields=["x"] * 257), [("$.fields", "wrong-value")]),
        (question(fields="valid_to"), [("$.fields", "wrong-value")]),
        (question(tolerance_seconds=-1), [("$.tolerance_seconds", "wrong-value")]),
        (
            question(purpose={"use": "x\ufffe", "case": "1\t2"}, operator={"id": "c\u0001", "name": "\x85"}),
            [
                ("$.purpose.use", "wrong-value"),
                ("$.purpose.case", "wrong-value"),
                ("$.operator.id", "wrong-value"),
                ("$.operator.name", "wrong-value"),
            ],
        ),
        ({"licence": {"identifier": "1.2\u0000"}}, [("$.licence.identifier", "wrong-value")]),
        ({"licence": {"document": "", "format": "docx"}}, [("$.licence.format", "wrong-value")]),
        (
            question(colour="red", purpose={"item": "", "why": "y"}, operator={"name": 5}, tolerance_seconds="1"),
            [
                ("$.colour", "unknown-field"),
                ("$.purpose.item", "wrong-value"),
                ("$.purpose.why", "unknown-field"),
                ("$.operator.name", "wrong-value"),
                ("$.operator.id", "missing-field"),
                ("$.tolerance_seconds", "wrong-value"),
            ],
        ),
    ],
)
async def test_wrong_fields(aiohttp_client: StartClient, body: object, errors: list[tuple[str, str]]) -> None:
    """Everything that is unknown, missing or wrong is named at once by its path, with what belongs there."""
    status, content = await ask(aiohttp_client, body)
    assert (status, content["reason"]) == (422, "body.invalid")
    assert [(place["path"], place["error"]) for place in content["errors"]] == errors
    for place in content["errors"]:
        assert re.search(r"[\u4e00-\u9fff]", place["expected"])
        assert place["expected_en"].isascii()
        assert not re.search(r"`|int|str\b|null|Expected", place["expected_en"])


async def test_wrong_values_are_not_repeated(aiohttp_client: StartClient) -> None:
    """Places are named, values never; a request with very many faults hears of twenty."""
    _, content = await ask(
        aiohttp_client, question(match={"holder_name": "张三" * 200, "holder_id": 37010119900101001})
    )
    assert "张三" not in json.dumps(content, ensure_ascii=False)
    assert "37010119900101001" not in json.dumps(content)
    _, content = await ask(aiohttp_client, question(fields=[7] * 100))
    assert len(content["errors"]) == 20


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"licence",
        b'{"licence": {}} {}',
        b"\xef\xbb\xbf{}",
        b'{"licence": "\xff"}',
        b'{"licence": {}, "licence": {}}',
        b'{"licence": {"document": "", "document": ""}}',
        b'{"tolerance_seconds": NaN}',
        b'{"tolerance_seconds": ' + b"9" * 5000 + b"}",
        b'{"licence": ' + b"[" * 100_000,
        b'{"licence": "\\ud800"}',
        '{"licence": {}}'.encode("utf-16"),
    ],
)
async def test_no_json(aiohttp_client: StartClient, body: bytes) -> None:
    """What is not JSON in UTF-8, or says the same name twice, is a 400."""
    status, content = await ask(aiohttp_client, body)
    assert (status, content["reason"]) == (400, "body.not-json")


@pytest.mark.parametrize("licence", [{"identifier": "1.2.156"}, {"number": "1", "type": "2", "holder": "3"}])
async def test_other_kinds(aiohttp_client: StartClient, licence: dict[str, str]) -> None:
    """Where there is no source, licences that would have to be found are refused as not offered."""
    status, content = await ask(aiohttp_client, {"licence": licence})
    assert (status, content["reason"]) == (422, "licence.kind-not-offered")


@pytest.mark.parametrize(
    "licence", [{}, {"document": "", "code": "c"}, {"identifier": "1", "number": "2"}, {"format": "ofd"}]
)
async def test_ambiguous(aiohttp_client: StartClient, licence: dict[str, str]) -> None:
    """A licence is named in exactly one way."""
    status, content = await ask(aiohttp_client, {"licence": licence})
    assert (status, content["reason"]) == (422, "licence.ambiguous")


@pytest.mark.parametrize("text", ["QQ", "QQ=", "QR==", "QQ==\n", "Q Q==", "QQ==QQ==", "_-==", "营业", "QQ===="])
async def test_no_base64(aiohttp_client: StartClient, text: str) -> None:
    """Base64 has one spelling: padded, unbroken, with the unused bits zero."""
    status, content = await ask(aiohttp_client, {"licence": {"document": text}})
    assert (status, content["reason"]) == (422, "licence.not-base64")
    assert text not in json.dumps(content, ensure_ascii=False)


async def test_document_too_large(aiohttp_client: StartClient) -> None:
    """A document beyond the bound is a 413 even where the body around it still fits."""
    status, content = await ask(aiohttp_client, question(b"x" * 2000), max_document_bytes=1999)
    assert (status, content["reason"]) == (413, "licence.too-large")
    status, content = await ask(aiohttp_client, question(b"x" * 1999), max_document_bytes=1999)
    assert status == 200


async def test_fresh_until(aiohttp_client: StartClient) -> None:
    """The answer says when the first thing ends that the verdict rests on."""
    ends = [datetime(2026, 3, day, tzinfo=UTC) for day in (4, 3, 5)]
    verdict = judged(*(replace(GOOD, ends_at=end) for end in ends))
    client = await start(aiohttp_client, SITE, lambda *_, **__: Verified(verdict=verdict))
    content = await (await client.post(URL, json=question(), headers=bearer(TOKEN))).json()
    assert content["freshness"]["fresh_until"] == "2026-03-03T00:00:00Z"


async def test_large_documents_leave_the_loop(aiohttp_client: StartClient) -> None:
    """Documents up to the bound are verified inline, larger ones in a thread of the pool."""
    names = []

    def verify(data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers) -> Verified:  # noqa: ARG001
        names.append(threading.current_thread().name)
        return verify_by_first_byte(data, store=store, at=at)

    client = await start(aiohttp_client, make_site([PARTY], inline_document_bytes=100), verify)
    stapled = question(b"x")
    stapled["licence"]["stapled"] = [base64.b64encode(ANSWER).decode()]
    for body in (question(b"x" * 100), question(b"x" * 101), stapled):
        response = await client.post(URL, json=body, headers=bearer(TOKEN))
        assert response.status == 200
    assert names[0] == threading.main_thread().name
    assert all(name.startswith("verify") for name in names[1:])


async def test_stapled_answers_reach_the_pipeline(aiohttp_client: StartClient) -> None:
    """OCSP answers beside the document are read and handed on, and what is none is counted and no fault."""
    seen = []

    def verify(data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers) -> Verified:
        seen.append(stapled)
        return verify_by_first_byte(data, store=store, at=at)

    client = await start(aiohttp_client, make_site([PARTY], inline_document_bytes=70_000), verify)
    for size in (100, 71_000):
        body = question(b"x" * size)
        body["licence"]["stapled"] = [base64.b64encode(one).decode() for one in (ANSWER, b"no answer")]
        assert (await client.post(URL, json=body, headers=bearer(TOKEN))).status == 200
    assert seen == [StapledAnswers(responses=(parse_ocsp_response(ANSWER),), unreadable=1)] * 2


@pytest.mark.parametrize(
    ("stapled", "place"),
    [
        (["AA"], "$.licence.stapled[0]"),
        (["AAAA", "A\n=="], "$.licence.stapled[1]"),
        ([3], "$.licence.stapled[0]"),
        ("AAAA", "$.licence.stapled"),
        (["AAAA"] * 17, "$.licence.stapled"),
        ([base64.b64encode(bytes(11 * 1024)).decode()] * 3, "$.licence.stapled"),
    ],
    ids=range(6),
)
async def test_a_bad_form_of_stapled_answers(aiohttp_client: StartClient, stapled: object, place: str) -> None:
    """Stapled answers that are too many, too long or no base64 are a fault of the question, with its place."""
    body = question()
    body["licence"]["stapled"] = stapled
    status, content = await ask(aiohttp_client, body)
    assert (status, content["reason"]) == (422, "body.invalid")
    assert [one["path"] for one in content["errors"]] == [place]


async def test_busy(aiohttp_client: StartClient) -> None:
    """When the pool and its queue are full, callers are told to come back instead of piling up."""
    release = threading.Event()

    def verify(data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers) -> Verified:  # noqa: ARG001
        release.wait(5)
        return GENUINE

    site = make_site(
        [PARTY],
        inline_document_bytes=100,
        verification_threads=1,
        max_waiting_verifications=0,
        request_timeout_seconds=0.2,
    )
    client = await start(aiohttp_client, site, verify)
    body = question(b"x" * 101)
    response = await client.post(URL, json=body, headers=bearer(TOKEN))
    assert (response.status, (await response.json(content_type=None))["reason"]) == (504, "deadline")
    # The caller has left, the thread is still at work, and counts.
    response = await client.post(URL, json=body, headers=bearer(TOKEN))
    assert (response.status, (await response.json(content_type=None))["reason"]) == (503, "busy")
    assert response.headers["Retry-After"] == "5"
    release.set()


async def test_bug(aiohttp_client: StartClient, caplog: pytest.LogCaptureFixture) -> None:
    """An unforeseen exception is a 500 that says nothing of itself, and its text is in no log either."""

    def verify(data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers) -> Verified:  # noqa: ARG001
        raise RuntimeError("holder 37010119900101001X")

    client = await start(aiohttp_client, SITE, verify)
    with caplog.at_level("INFO"):
        response = await client.post(URL, json=question(), headers=bearer(TOKEN) | {"X-Request-Id": "request-7"})
    text = await response.text()
    assert (response.status, json.loads(text)["reason"], json.loads(text)["request_id"]) == (
        500,
        "internal",
        "request-7",
    )
    assert "37010119900101001X" not in text
    assert "37010119900101001X" not in caplog.text
    assert '"request_id":"request-7"' in caplog.text


async def test_garbage_through_the_product_pipeline(aiohttp_client: StartClient) -> None:
    """The application as it is delivered answers garbage with a verdict."""
    client = await aiohttp_client(create_app(SITE, clock=lambda: NOW))
    response = await client.post(URL, json=question(b"no licence"), headers=bearer(TOKEN))
    content = await response.json()
    assert (response.status, content["outcome"], content["reasons"]) == (200, "invalid", ["format.unrecognised"])
    msgspec.convert(content, VerificationAnswer)


async def test_decisions_differ(aiohttp_client: StartClient) -> None:
    """Every answer has an id of its own, also for the same question at the same moment."""
    client = await start(aiohttp_client, SITE)
    ids = set()
    for _ in range(5):
        response = await client.post(URL, json=question(), headers=bearer(TOKEN))
        ids.add((await response.json())["decision"])
    assert len(ids) == 5


async def test_headers(aiohttp_client: StartClient) -> None:
    """Answers are not cached, their type is not guessed, and the server does not name its version."""
    client = await start(aiohttp_client, SITE)
    response = await client.post(URL, json=question(), headers=bearer(TOKEN))
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Server"] == "tongban"


def test_table_of_problems() -> None:
    """Every kind of problem has a status, and sentences in both languages."""
    assert set(PROBLEMS) == set(ProblemKind)
    for text in PROBLEMS.values():
        assert 400 <= text.status < 600
        assert re.search(r"[\u4e00-\u9fff]", text.title)
        assert re.search(r"[\u4e00-\u9fff]", text.next)
        assert text.title_en.isascii()
        assert text.next_en.isascii()


def test_base64_is_the_standard_one() -> None:
    """The document of a question is what Python's own encoder writes."""
    assert base64.b64decode(question(b"\xff\xfe")["licence"]["document"]) == b"\xff\xfe"


def test_time_is_not_read_inside() -> None:
    """The tests' present is long past or far ahead, so that reading the clock anywhere would show."""
    assert abs(time.time() - NOW.timestamp()) > 3600
