"""The second opinion of a gateway: unknown and an alarm when stacks disagree, and a case on disk that repeats it."""

import json
import logging
import shutil
import stat
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.document import DocumentSignature, SignatureKind, SignedPart, Standard
from gateway import second_opinion
from gateway.checks.timestamp import check_timestamp
from gateway.pipeline import verify_document
from gateway.reason import Reason
from gateway.second_opinion import (
    CASE_DROPPED,
    Alarm,
    CaseFolder,
    SecondOpinionSettings,
    case_id,
    encode_case,
    open_second_opinion,
    parse_second_opinion,
)
from gateway.toml_table import TomlTable
from gateway.trust.folder import read_trust_folder
from gateway.verdict import CheckName, Outcome
from keys.errors import LibraryUnusableError, SignatureVerificationError
from keys.second_opinion import Disagreement, Opinion
from keys.signature import SM2_WITH_SM3
from keys.sm2 import DEFAULT_USER_ID, Sm2PrivateKey, Sm2PublicKey
from tests.support import demo, sm2_arithmetic
from tests.support.sealed import NOW, SIGNED_AT
from tests.support.sm2_stacks import openssl_says_of_digest, product_says
from tests.support.timestamps import StampRecipe, trusting_stamps

AT = datetime(2026, 8, 31, 1, 23, 45, tzinfo=UTC)
KEY = Sm2PrivateKey.from_scalar(4711)
MESSAGE = "张三 370102199001011234".encode()


class Liar:
    """A second stack that knows its known answers and then says the contrary of the truth, or fails."""

    name = "a liar"

    def __init__(self):
        self.lies = False

    def is_signed(self, point, message, signature):
        """Answer with the truth, or its contrary."""
        truth = product_says(Sm2PublicKey.from_point(point).spki, message, signature, DEFAULT_USER_ID)
        return truth is not self.lies


def make_case(message=MESSAGE):
    point = KEY.public_key.point
    key = (int.from_bytes(point[1:33]), int.from_bytes(point[33:]))
    return Disagreement(
        spki=KEY.public_key.spki,
        user_id=DEFAULT_USER_ID,
        z=sm2_arithmetic.z_value(key),
        digest=sm2_arithmetic.digest(key, message).to_bytes(32),
        signature=KEY.sign(message),
        first=True,
        second=False,
        first_stack="one",
        second_stack="two",
    )


def lying(watch, *, per_million=1_000_000):
    """Return an opinion whose second stack lies, once it has passed its known answers."""
    liar = Liar()
    settings = SecondOpinionSettings(per_million=per_million)
    opinion = open_second_opinion(settings, alarm=watch, load=lambda: liar)
    liar.lies = True
    return opinion


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory):
    """Return what the demo trusts."""
    folder = tmp_path_factory.mktemp("trust")
    demo.demo_stock().authority.write_trust_folder(folder, demo.NOW)
    return read_trust_folder(folder).store


def alarm(tmp_path, counted, **knobs):
    return Alarm(CaseFolder(tmp_path / "cases", **({"max_cases": 10} | knobs)), count=counted.append, clock=lambda: AT)


def test_a_disagreement_makes_every_signature_check_unknown(store):
    """A valid licence becomes unknown, in each check that rests on SM2, with the reason and never as invalid."""
    stock = demo.demo_stock()
    licence = stock.licences[0]
    assert verify_document(licence.document, store=store, at=demo.NOW).outcome is Outcome.VALID
    verdict = verify_document(licence.document, store=store, at=demo.NOW, opinion=lying(lambda *_: None))
    assert verdict.outcome is Outcome.UNKNOWN
    disputed = {check.check: check.reason for check in verdict.all_checks() if check.outcome is not Outcome.VALID}
    assert disputed == {
        CheckName.SIGNATURE: Reason.SIGNATURE_DISPUTED,
        CheckName.SIGNER_CHAIN: Reason.SIGNER_CHAIN_DISPUTED,
        CheckName.SEAL_SIGNATURE: Reason.SEAL_SIGNATURE_DISPUTED,
        CheckName.MAKER_CHAIN: Reason.MAKER_CHAIN_DISPUTED,
    }


@pytest.mark.parametrize(("truths", "detail"), [(0, "signature disputed"), (1, "authority: disputed")])
def test_a_disputed_time_stamp_proves_nothing(truths, detail):
    """A disagreement about a time stamp's signature, or about its authority's chain, is unknown and proves no time."""
    liar = Liar()
    settings = SecondOpinionSettings(per_million=1_000_000)
    asked = []

    def watch(word, _):
        asked.append(word)
        liar.lies = len(asked) >= truths

    opinion = open_second_opinion(settings, alarm=watch, load=lambda: liar)
    liar.lies = truths == 0
    stamped = DocumentSignature(
        id="1",
        kind=SignatureKind.SIGN,
        standard=Standard.GBT_35275_2017,
        signed=SignedPart(message=b"", signature=b"a signature value", algorithm="", certificate=None),
        signed_at=SIGNED_AT,
        data=None,
        data_hash=None,
        timestamp=StampRecipe()(b"a signature value"),
    )
    check, proven = check_timestamp(stamped, store=trusting_stamps().store(), at=NOW, opinion=opinion)
    assert (check.outcome, check.reason, check.detail) == (Outcome.UNKNOWN, Reason.TIMESTAMP_UNUSABLE, detail)
    assert proven.signature is None


def test_every_licence_of_the_demo_is_judged_alike_by_two_stacks(store):
    """With a truthful second stack and the full share, every licence has the verdict that it has without."""
    stock = demo.demo_stock()
    words = []
    liar = Liar()
    settings = SecondOpinionSettings(per_million=1_000_000)
    opinion = open_second_opinion(settings, alarm=lambda word, _: words.append(word), load=lambda: liar)
    for licence in stock.licences:
        alone = verify_document(licence.document, store=store, at=demo.NOW)
        assert verify_document(licence.document, store=store, at=demo.NOW, opinion=opinion) == alone
    assert set(words) == {Opinion.AGREED}


def test_a_disagreement_leaves_a_case_that_repeats_it(tmp_path, caplog):
    """The case on disk holds all that OpenSSL and the standard's text need to decide, and nothing of the message."""
    counted = []
    watch = alarm(tmp_path, counted)
    watch.start()
    opinion = lying(watch)
    with caplog.at_level(logging.ERROR, "tongban.second_opinion"), pytest.raises(SignatureVerificationError):
        opinion.verify_signature(
            message=MESSAGE, signature=KEY.sign(MESSAGE), algorithm=SM2_WITH_SM3, spki=KEY.public_key.spki
        )
    watch.close()
    (path,) = (tmp_path / "cases").iterdir()
    text = path.read_text(encoding="utf-8")
    case = json.loads(text)
    spki, digest, signature = (bytes.fromhex(case[name]) for name in ("public_key_der", "digest", "signature_der"))
    assert openssl_says_of_digest(spki, digest, signature) is case["answers"][0]["signed"] is True
    assert case["answers"][1] == {"stack": "a liar", "signed": False}
    assert case["case"] == path.stem
    assert case["seen_at"] == "2026-08-31T01:23:45Z"
    assert MESSAGE.hex() not in text
    assert "张三" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert counted == ["disagreed"]
    (record,) = caplog.records
    line = json.loads(record.getMessage())
    assert line["alarm"] == "sm2-second-opinion-disagrees"
    assert line["case"] == case["case"]
    assert line["stored"] is True
    assert not {spki.hex(), digest.hex(), signature.hex()} & set(str(line))


def test_the_commands_in_a_case_work(tmp_path):
    """The commands that a case names give OpenSSL's answer when they are pasted into a shell."""
    if not shutil.which("openssl") or not shutil.which("xxd"):
        pytest.skip("openssl or xxd is not installed")
    case = json.loads(encode_case(make_case(), at=AT))
    script = "\n".join(case["reproduce"])
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603, S607 - our own commands
    assert "Successfully" in done.stdout, done.stderr


def test_the_same_case_is_written_once(tmp_path):
    """A verification that is met again leaves no second file; another one does."""
    folder = CaseFolder(tmp_path / "cases", max_cases=10)
    case = make_case()
    assert folder.store(case, at=AT) is not None
    assert folder.store(case, at=AT.replace(year=2027)) is None
    assert folder.store(make_case(b"other"), at=AT) is not None
    assert len(list((tmp_path / "cases").iterdir())) == 2


def test_cases_are_bounded(tmp_path):
    """A full folder takes no more cases, so that a broken library cannot fill the disk."""
    folder = CaseFolder(tmp_path / "cases", max_cases=3)
    stored = [folder.store(make_case(bytes((number,))), at=AT) for number in range(6)]
    assert [one is not None for one in stored] == [True] * 3 + [False] * 3
    assert len(list((tmp_path / "cases").iterdir())) == 3


def test_a_disk_that_says_no_is_counted_and_still_logged(tmp_path, caplog):
    """When a case cannot be written the alarm is raised all the same, and the loss is counted."""
    (tmp_path / "cases").write_text("a file in the way")
    counted = []
    watch = alarm(tmp_path, counted)
    watch.start()
    with caplog.at_level(logging.ERROR, "tongban.second_opinion"):
        watch(Opinion.DISAGREED, make_case())
        watch.close()
    assert counted == ["disagreed", CASE_DROPPED]
    assert json.loads(caplog.records[0].getMessage())["stored"] is False


def test_the_request_never_waits_for_the_disk(tmp_path):
    """With nobody writing, more cases than may wait are dropped and counted, and the call returns."""
    counted = []
    watch = alarm(tmp_path, counted)  # not started
    for number in range(second_opinion._MAX_WAITING + 5):
        watch(Opinion.DISAGREED, make_case(bytes((number,))))
    assert counted.count("disagreed") == second_opinion._MAX_WAITING + 5
    assert counted.count(CASE_DROPPED) == 5


def test_agreement_costs_a_counter(tmp_path):
    """Agreement, failure and what was not asked are counted by their words and leave nothing on disk."""
    counted = []
    watch = alarm(tmp_path, counted)
    watch.start()
    for word in (Opinion.AGREED, Opinion.FAILED, Opinion.NOT_ASKED):
        watch(word, None)
    watch.close()
    watch.close()  # a second time is no mistake
    assert counted == ["agreed", "failed", "not-asked"]
    assert not (tmp_path / "cases").exists()


def test_nothing_is_loaded_when_nothing_is_wanted():
    """A share of nothing needs no second stack."""

    def load():
        raise LibraryUnusableError("not installed")

    assert open_second_opinion(SecondOpinionSettings(), alarm=None, load=load) is None
    with pytest.raises(LibraryUnusableError):
        open_second_opinion(SecondOpinionSettings(per_million=1), alarm=None, load=load)


def test_a_stack_that_lies_from_the_start_stops_the_start():
    """A configured second stack that fails its known answers lets the gateway not start."""
    liar = Liar()
    liar.lies = True
    with pytest.raises(LibraryUnusableError, match="a liar"):
        open_second_opinion(SecondOpinionSettings(per_million=1), alarm=lambda *_: None, load=lambda: liar)


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ({}, 0),
        ({"per_million": 10_000, "max_cases": 5}, 0),
        ({"per_million": -1}, 1),
        ({"per_million": 1_000_001, "max_cases": 0}, 2),
        ({"share": 0.5}, 1),
    ],
)
def test_settings(values, faults):
    """The settings are read with their bounds; whatever is unknown or beyond them is a fault."""
    found = []
    settings = parse_second_opinion(TomlTable(values, file="tongban.toml", faults=found, prefix="second_opinion."))
    assert len(found) == faults
    if not faults:
        assert settings.share == values.get("per_million", 0) / 1_000_000


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_cases_have_a_name_each(one, other):
    """Different verifications have different names, and a name says nothing of the content."""
    first, second = make_case(one), make_case(other)
    assert case_id(first) == case_id(first)
    assert (case_id(first) == case_id(second)) is (
        first.digest == second.digest and first.signature == second.signature
    )
