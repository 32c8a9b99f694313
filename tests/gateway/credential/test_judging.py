"""What a credential is worth, whoever issued it; and that what is shown is what was chosen."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.credential import map_claims
from adapters.record.record import LicenceRecord, RecordHolder
from adapters.record.status import RecordStatus
from gateway.credential.issuers import CredentialIssuer, IssuerRegistry
from gateway.credential.issuing import CredentialOrder, issue_credential
from gateway.credential.judging import CredentialVerdict, judge_credential
from gateway.credential.pointers import list_pointers, select_paths, spell_pointer
from gateway.verdict import Outcome
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from keys.sd_jwt.compact_form import parse_sd_jwt
from keys.sd_jwt.errors import SdJwtError
from keys.sd_jwt.issuance import CredentialTerms, issue_sd_jwt
from keys.sd_jwt.presentation import present_sd_jwt
from keys.sd_jwt.public_key import read_public_key
from keys.sd_jwt.unfolding import unfold
from keys.sd_jwt.verification import IssuerKey
from tests.support.credentials import ISSUER, RECORD, TYPE

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNER = SoftwareSigner.generate(KeyAlgorithm.P256)
KEY = read_public_key(SIGNER.public_key)
KNOWN = IssuerRegistry(
    [
        CredentialIssuer(
            issuer=ISSUER,
            key_id=SIGNER.key_id,
            name="",
            name_zh="",
            types=frozenset({TYPE}),
            key=IssuerKey(key=KEY, valid_from=NOW - DAY, valid_until=NOW + DAY),
        )
    ]
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4).filter(
    lambda name: name not in {"_sd", "...", "_sd_alg"}
)


def issue(record: LicenceRecord, **changes: Any) -> str:
    """Issue a credential of a record."""
    order = CredentialOrder(issuer=ISSUER, type_name=TYPE, claims=map_claims(record), holder_key=KEY, at=NOW)
    return issue_credential(replace(order, **changes), SIGNER)


def judge(text: str, **changes: Any) -> CredentialVerdict:
    """Return its verdict."""
    return judge_credential(text, **{"issuers": KNOWN, "at": NOW, "question": None, **changes})


@pytest.mark.parametrize(
    ("fields", "status", "outcome", "reasons"),
    [
        ({"licence_status": "active"}, None, Outcome.VALID, ()),
        ({"licence_status": "revoked"}, None, Outcome.INVALID, ("credential.licence-status",)),
        ({"licence_status": ["active"]}, None, Outcome.INVALID, ("credential.licence-status",)),
        ({}, None, Outcome.UNKNOWN, ("credential.status-not-stated",)),
        (
            {"licence_status": "active"},
            {"status_list": {"idx": 1, "uri": "https://x"}},
            Outcome.UNKNOWN,
            ("credential.status-not-asked",),
        ),
        (
            {"licence_status": "revoked"},
            {"status_list": {"idx": 1, "uri": "https://x"}},
            Outcome.INVALID,
            ("credential.licence-status", "credential.status-not-asked"),
        ),
    ],
)
def test_credentials_of_others(
    fields: Any, status: Mapping[str, Any] | None, outcome: Outcome, reasons: tuple[str, ...]
) -> None:
    """A credential that says nothing of its licence, or where to ask, is unknown; one that says "no" is invalid."""
    terms = CredentialTerms(issuer=ISSUER, type_name=TYPE, issued_at=NOW, expires=NOW + DAY, status=status)
    found = judge(issue_sd_jwt(terms, fields, signer=SIGNER, visible=frozenset(fields)))
    assert (found.outcome, found.reasons) == (outcome, reasons)


def test_the_tolerance() -> None:
    """Knowledge counts for as long as is tolerated, and no longer."""
    text = issue(RECORD)
    assert judge(text, at=NOW + timedelta(hours=1), tolerance=timedelta(hours=1)).outcome is Outcome.VALID
    late = judge(text, at=NOW + timedelta(hours=1, seconds=1), tolerance=timedelta(hours=1))
    assert (late.outcome, late.reasons) == (Outcome.UNKNOWN, ("credential.status-old",))


def test_an_objection_is_noted() -> None:
    """An objection decides nothing, and is said."""
    found = judge(issue(replace(RECORD, under_objection=True)))
    assert (found.outcome, found.notes) == (Outcome.VALID, ("possession-not-proven", "under-objection"))


@given(st.text() | st.from_regex(r"\A[A-Za-z0-9_-]{1,9}\.[A-Za-z0-9_-]{1,9}\.[A-Za-z0-9_-]{1,9}~([a-z]{1,4}~)?\Z"))
def test_garbage(text: str) -> None:
    """Whatever arrives has a verdict, and garbage is never valid."""
    found = judge(text)
    assert found.outcome is Outcome.INVALID
    assert found.verified is None


@settings(max_examples=50)
@given(st.data())
def test_what_is_shown_is_what_was_chosen(data: st.DataObject) -> None:
    """A presentation shows exactly the paths that were chosen, whatever the fields are called."""
    surface = data.draw(st.dictionaries(NAMES, NAMES | st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=4))
    holders = tuple(RecordHolder(name=name) for name in data.draw(st.lists(NAMES, max_size=3)))
    record = LicenceRecord(number="N", status=RecordStatus.ACTIVE, surface=surface, holders=holders)
    text = issue(record)
    whole = parse(text)
    chosen = data.draw(st.sets(st.sampled_from(sorted(list_pointers(whole)))))
    shown = present_sd_jwt(text, disclose=select_paths(whole, chosen))
    assert set(list_pointers(parse(shown))) == chosen
    assert judge(shown).outcome is Outcome.VALID


def test_paths_are_not_confused() -> None:
    """A path is no beginning of a name, and a slash in a name is none between two."""
    record = replace(RECORD, surface={"a": "1", "ab": "2", "a/b": "3", "a~b": "4"})
    whole = parse(issue(record))
    assert [spell_pointer(path) for path in select_paths(whole, ["/surface/a"]) if len(path) == 2] == ["/surface/a"]
    assert select_paths(whole, ["/surface/a~1b"]) == [("surface", "a/b")]
    assert select_paths(whole, ["/surface/a~0b"]) == [("surface", "a~b")]
    for absent in ("", "/", "surface", "/surface/", "/surface/b", "/holders/00"):
        with pytest.raises(SdJwtError):
            select_paths(whole, [absent])


def parse(text: str) -> Any:
    """Return what a credential holds."""
    sd_jwt = parse_sd_jwt(text)
    return unfold(sd_jwt.issued.payload, sd_jwt.disclosures)
