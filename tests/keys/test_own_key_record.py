"""The life of a key: planned once, only ever shortened."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.own.record import (
    KeyAlgorithm,
    KeyPhase,
    KeyPurpose,
    KeyState,
    OwnKey,
    condemn,
    fingerprint_key,
    plan_record,
    retire,
    select_signing_key,
)
from keys.own.signer import SoftwareSigner
from tests.support.own_keys import DAY, NOW, make_record

RECORD = make_record(SoftwareSigner.generate(KeyAlgorithm.ED25519))
OTHER = make_record(SoftwareSigner.generate(KeyAlgorithm.SM2), at=NOW + DAY)
KEY = OwnKey(record=RECORD)
MOMENTS = st.integers(-400, 8000).map(lambda days: NOW + days * DAY)


def test_the_id_is_the_fingerprint_of_the_public_key() -> None:
    """The same public key has the same id everywhere, and a record with another id is refused."""
    assert RECORD.id == fingerprint_key(RECORD.public_key)
    with pytest.raises(ValueError, match="fingerprint"):
        replace(RECORD, id=OTHER.id)


def test_a_key_of_another_algorithm_is_refused() -> None:
    """A record names the algorithm that its public key has."""
    with pytest.raises(ValueError, match="sm2 was expected"):
        replace(RECORD, algorithm=KeyAlgorithm.SM2)


def test_times_in_disorder_are_refused() -> None:
    """Signing starts before it ends, and counting does not end before signing."""
    for change in ({"retires_at": NOW}, {"verifies_until": NOW + DAY}, {"active_from": NOW + 400 * DAY}):
        with pytest.raises(ValueError, match="was expected"):
            replace(RECORD, **change)


def test_a_moment_has_one_spelling() -> None:
    """Fractions of seconds and other zones than UTC are refused."""
    china = NOW.astimezone(timezone(timedelta(hours=8)))
    for moment in (NOW.replace(microsecond=1), china, NOW.replace(tzinfo=None)):
        with pytest.raises(ValueError, match="UTC and whole seconds"):
            replace(RECORD, created=moment)
        with pytest.raises(ValueError, match="UTC and whole seconds"):
            KeyState(signs_until=moment)


def test_a_plan_beyond_the_calendar_is_refused() -> None:
    """A life of ten thousand years is a typing error."""
    with pytest.raises(ValueError, match="10000"):
        plan_record(
            algorithm=RECORD.algorithm,
            purpose=KeyPurpose.LOG,
            public_key=RECORD.public_key,
            at=NOW,
            signs_for=3_000_000 * DAY,
            verifies_for=DAY,
        )


def test_intervals_are_half_open() -> None:
    """A key signs from its first moment on and not at its last."""
    assert KEY.may_sign(RECORD.active_from)
    assert not KEY.may_sign(RECORD.active_from - timedelta(seconds=1))
    assert not KEY.may_sign(RECORD.retires_at)
    assert KEY.may_verify(RECORD.retires_at)
    assert not KEY.may_verify(RECORD.verifies_until)


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        (NOW - DAY, KeyPhase.PENDING),
        (NOW, KeyPhase.ACTIVE),
        (RECORD.retires_at, KeyPhase.VERIFY_ONLY),
        (RECORD.verifies_until, KeyPhase.ENDED),
    ],
)
def test_a_key_goes_through_its_phases(at: datetime, phase: KeyPhase) -> None:
    """Pending, active, verify only, ended: each from its moment on."""
    assert KEY.phase(at) is phase


def test_a_retired_key_counts_on_as_long_as_was_planned() -> None:
    """After a rotation the old key signs until the overlap ends, and counts for its planned time after that."""
    end = NOW + 7 * DAY
    old = replace(KEY, state=retire(KEY, replaced_by=OTHER.id, signs_until=end))
    assert (old.signs_until, old.verifies_until) == (end, end + 3650 * DAY)
    assert old.state.replaced_by == OTHER.id


def test_a_condemned_key_neither_signs_nor_counts() -> None:
    """From the moment at which a compromise is declared, nothing of that key counts."""
    bad = replace(KEY, state=condemn(KEY, replaced_by=OTHER.id, since=NOW, at=NOW + DAY))
    assert not bad.may_sign(NOW)
    assert not bad.may_verify(NOW + DAY)
    assert bad.phase(NOW) is KeyPhase.COMPROMISED
    again = condemn(bad, replaced_by=OTHER.id, since=NOW - DAY, at=NOW + 2 * DAY)
    assert again.compromised_since == NOW - DAY
    assert again.verifies_until == NOW + DAY


@given(MOMENTS, MOMENTS, MOMENTS)
def test_a_state_only_shortens(signs: datetime, verifies: datetime, at: datetime) -> None:
    """Whatever a state says, a key never signs or counts when its plan did not have it."""
    changed = OwnKey(record=RECORD, state=KeyState(signs_until=signs, verifies_until=verifies))
    assert KEY.may_sign(at) or not changed.may_sign(at)
    assert KEY.may_verify(at) or not changed.may_verify(at)
    assert changed.may_verify(at) or not changed.may_sign(at)


@given(st.permutations([KEY, OwnKey(record=OTHER)]), MOMENTS)
def test_the_key_that_became_active_last_signs(keys: list[OwnKey], at: datetime) -> None:
    """During an overlap the new key signs, in whatever order the keys are listed."""
    chosen = select_signing_key(keys, KeyPurpose.LOG, at)
    able = [key for key in keys if key.may_sign(at)]
    assert (chosen is None) is (not able)
    if chosen is not None:
        assert chosen.record.active_from == max(key.record.active_from for key in able)
    assert select_signing_key(keys, KeyPurpose.PARTNER, at) is None


def test_a_key_that_was_replaced_at_once_does_not_sign() -> None:
    """When both keys are of the same second, the one that nobody replaced signs."""
    for _ in range(4):
        new = OwnKey(record=make_record(SoftwareSigner.generate(KeyAlgorithm.ED25519)))
        state = retire(KEY, replaced_by=new.record.id, signs_until=NOW + DAY)
        assert select_signing_key([new, replace(KEY, state=state)], KeyPurpose.LOG, NOW) is new
