"""OCSP answers that come in a document, beside it, or on the command line: as good as fetched ones, and no better."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.pipeline import verify_document
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome, Verdict
from keys.ocsp_stapled import MAX_STAPLED, read_stapled
from tests.support import ocsp
from tests.support.cli import tongban, write_trust
from tests.support.pki import Entity, sm2_key
from tests.support.sealed import CREATED, NOW, Recipe, Trust, cast, revocation_list, signed, signed_data
from tests.support.timestamps import AFTER, StampRecipe, trusting_stamps

HOUR = timedelta(hours=1)


def answer(
    of: Entity, by: Entity, status: bytes = ocsp.GOOD, *, signer: Entity | None = None, ends: timedelta
) -> bytes:
    single = ocsp.single(ocsp.certificate_id(of, by), status, this_update=NOW - HOUR, next_update=NOW + ends)
    return ocsp.answer(single, signer=signer or by)


ROLES = cast()
OF_SIGNER = answer(ROLES.signer, ROLES.signer_ca, ends=HOUR)
OF_MAKER = answer(ROLES.maker, ROLES.maker_ca, ends=2 * HOUR)
REVOKED = answer(ROLES.signer, ROLES.signer_ca, ocsp.revoked(CREATED), ends=HOUR)
FORGED = answer(ROLES.signer, ROLES.signer_ca, signer=replace(ROLES.signer_ca, key=sm2_key()), ends=HOUR)
STALE = answer(ROLES.signer, ROLES.signer_ca, ocsp.revoked(CREATED), ends=timedelta())
SILENT = Trust(lists=())
LISTED = Trust(lists=tuple(revocation_list(ca) for ca in (ROLES.root, ROLES.maker_ca, ROLES.signer_ca)))
DOCUMENT = Recipe().document()


def verify(*blobs: bytes, trust: Trust = SILENT, document: bytes = DOCUMENT, at: datetime = NOW) -> Verdict:
    return verify_document(document, store=trust.store(), at=at, stapled=read_stapled(blobs))


def detail(verdict: Verdict) -> str:
    (found,) = [check.detail for check in verdict.all_checks() if check.check is CheckName.REVOCATION]
    return found or ""


def test_answers_beside_a_document() -> None:
    """Without lists, answers about signer and maker make a licence valid, and either one alone does not."""
    assert verify().reasons == (Reason.REVOCATION_UNAVAILABLE,)
    assert verify(OF_SIGNER).reasons == (Reason.REVOCATION_UNAVAILABLE,)
    assert verify(OF_MAKER).reasons == (Reason.REVOCATION_UNAVAILABLE,)
    assert verify(OF_SIGNER, OF_MAKER).outcome is Outcome.VALID


def test_a_genuine_revocation_counts() -> None:
    """An answer that says revoked makes it invalid, also where a list says nothing."""
    for trust in (SILENT, LISTED):
        assert verify(OF_MAKER, REVOKED, trust=trust).reasons == (Reason.REVOCATION_REVOKED,)


@pytest.mark.parametrize(
    ("bad", "why"), [(FORGED, "bad-signature"), (STALE, "stale"), (b"x", "unreadable")], ids=["forged", "stale", "none"]
)
@pytest.mark.parametrize("trust", [SILENT, LISTED], ids=["silent", "listed"])
def test_a_bad_answer_is_as_none_and_is_named(bad: bytes, why: str, trust: Trust) -> None:
    """An answer that cannot be relied on changes nothing but the detail, which says so."""
    without, found = verify(trust=trust), verify(bad, trust=trust)
    assert (found.outcome, found.reasons, found.ends_at) == (without.outcome, without.reasons, without.ends_at)
    assert detail(found) == f"{detail(without)}; stapled answers not relied on: {why}"


def test_answers_inside_a_document() -> None:
    """A SignedData may bring its answers along; they are judged like all others."""
    trust = replace(SILENT, signers=(ROLES.signer_ca.certificate,))
    reasons = []
    for answers in ((), (OF_SIGNER,), (REVOKED,), (FORGED,)):
        found = verify(trust=trust, document=signed_data(b"data", content=b"data", answers=answers))
        reasons.append({reason for reason in found.reasons if reason.value.startswith("revocation.")})
    missing, revoked = {Reason.REVOCATION_UNAVAILABLE}, {Reason.REVOCATION_REVOKED}
    assert reasons == [missing, set(), revoked, missing]


def test_a_verdict_ends_with_the_first_thing_that_ends() -> None:
    """A valid verdict stays valid until its end, and says when that is."""
    for blobs, trust in (((OF_SIGNER, OF_MAKER), SILENT), ((), LISTED), ((OF_MAKER,), LISTED)):
        verdict = verify(*blobs, trust=trust)
        assert verdict.outcome is Outcome.VALID
        assert verdict.ends_at is not None
        moments = [NOW + share * (verdict.ends_at - NOW) for share in (0.25, 0.5, 0.75)]
        for at in (*moments, verdict.ends_at - timedelta(microseconds=1)):
            later = verify(*blobs, trust=trust, at=at)
            assert (later.outcome, later.ends_at) == (Outcome.VALID, verdict.ends_at)
    assert verify(OF_SIGNER, OF_MAKER).ends_at == NOW + HOUR
    assert verify(OF_SIGNER, OF_MAKER, at=NOW + HOUR).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("recipe", [Recipe(), signed(stamp=StampRecipe(at=AFTER))], ids=["plain", "stamped"])
def test_a_verdict_ends_with_the_list_that_it_rests_on(recipe: Recipe) -> None:
    """The end of a signed trust list is one of the ends that a valid verdict names."""
    end = NOW + timedelta(minutes=10)
    verdict = verify_document(recipe.document(), store=replace(trusting_stamps().store(), until=end), at=NOW)
    assert (verdict.outcome, verdict.ends_at) == (Outcome.VALID, end)
    assert all(check.ends_at == end for check in verdict.all_checks() if check.check is CheckName.REVOCATION)


def test_on_the_command_line(tmp_path: Path) -> None:
    """``--ocsp`` may be repeated; too many or too large ones, and missing files, are told apart from bad answers."""
    document, trust = tmp_path / "a.ofd", write_trust(tmp_path / "trust", SILENT)
    document.write_bytes(DOCUMENT)
    for name, content in (("signer", OF_SIGNER), ("maker", OF_MAKER), ("bad", b"x"), ("large", bytes(200_000))):
        (tmp_path / name).write_bytes(content)
    usual = ("verify", "--json", "--trust", trust, "--at", NOW.isoformat(), document)
    ended = tongban(*usual, "--ocsp", tmp_path / "signer", "--ocsp", tmp_path / "maker")
    assert (ended.code, ended.object["outcome"]) == (0, "valid")
    assert tongban(*usual, "--ocsp", tmp_path / "bad").code == 3
    for wrong in (["--ocsp", tmp_path / "absent"], ["--ocsp", tmp_path / "large"]):
        assert tongban(*usual, *wrong).code == 2
    assert tongban(*usual, *(["--ocsp", tmp_path / "bad"] * (MAX_STAPLED + 1))).code == 2
