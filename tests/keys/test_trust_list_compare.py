"""Differences between lists, what shrinks, and what ends when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keys.scope import Scope
from keys.trust import KeyAnchor, Purpose
from keys.trust_forecast import Turn, forecast
from keys.trust_list import trust_store
from keys.trust_list_compare import Aspect, Effect, compare_trust_lists, growth, shrinkage
from tests.support import pki
from tests.support.trust_lists import (
    AUTHORITY,
    DAY,
    ENTRIES,
    KEEPERS,
    MAKER_CA,
    OTHER_AUTHORITY,
    OTHER_TYPE,
    TYPE,
    keeper,
    keys_of,
    make_list,
    next_list,
)

OLD = make_list()
SIGNERS, MAKER, NAMED = ENTRIES


def differences(entry, **changes):
    """Compare the list with one in which this entry is another."""
    new = next_list(OLD, anchors=tuple(replace(one, **changes) if one is entry else one for one in ENTRIES))
    return [(one.effect, one.aspect, one.values, one.before) for one in compare_trust_lists(OLD, new)]


def test_equal_lists_have_no_differences():
    """Order, version and dates are no difference."""
    new = next_list(OLD, anchors=ENTRIES[::-1], expires=OLD.expires + DAY)
    assert compare_trust_lists(OLD, new) == ()
    assert shrinkage(OLD, new) == growth(OLD, new) == 0


@pytest.mark.parametrize(
    ("entry", "changes", "expected"),
    [
        (SIGNERS, {"purposes": frozenset({Purpose.SIGNER, Purpose.TIMESTAMP})},
         [(Effect.GAINS, Aspect.PURPOSES, ("timestamp",), ())]),
        (MAKER, {"scope": Scope(licence_types=frozenset({OTHER_TYPE}), authorities=frozenset({AUTHORITY}))},
         [(Effect.GAINS, Aspect.LICENCE_TYPES, (OTHER_TYPE,), ()), (Effect.LOSES, Aspect.LICENCE_TYPES, (TYPE,), ()),
          (Effect.LOSES, Aspect.AUTHORITIES, (OTHER_AUTHORITY,), ())]),
        (SIGNERS, {"scope": Scope(licence_types=frozenset({TYPE}))},
         [(Effect.LOSES, Aspect.LICENCE_TYPES, (TYPE,), ("*",))]),
        (MAKER, {"scope": Scope(licence_types=frozenset({TYPE}))},
         [(Effect.GAINS, Aspect.AUTHORITIES, ("*",), tuple(sorted((AUTHORITY, OTHER_AUTHORITY))))]),
        (MAKER, {"start": None}, [(Effect.GAINS, Aspect.START, ("-",), ("2024-01-01T00:00:00Z",))]),
        (MAKER, {"start": pki.NOW},
         [(Effect.LOSES, Aspect.START, ("2026-03-01T12:00:00Z",), ("2024-01-01T00:00:00Z",))]),
        (MAKER, {"sunset": pki.NOW},
         [(Effect.LOSES, Aspect.SUNSET, ("2026-03-01T12:00:00Z",), ("2034-01-01T00:00:00Z",))]),
        (MAKER, {"sunset": None}, [(Effect.GAINS, Aspect.SUNSET, ("-",), ("2034-01-01T00:00:00Z",))]),
        (MAKER, {"region": "110000"}, [(Effect.CHANGES, Aspect.REGION, ("110000",), ("370000",))]),
        (SIGNERS, {"source": ""}, [(Effect.CHANGES, Aspect.SOURCE, ("",), ("CA 公告",))]),
    ],
)  # fmt: skip
def test_who_gains_and_who_loses_what(entry, changes, expected):
    """Each change of an entry is a gain or a loss of just that."""
    assert differences(entry, **changes) == expected


def test_entries_and_keys_that_come_and_go():
    """Somebody new gains everything that is granted, somebody gone loses it; keys and threshold are said too."""
    caller = KeyAnchor(public_key=pki.ed25519_key().spki, purposes=frozenset({Purpose.CALLER}))
    new = next_list(
        OLD, anchors=(SIGNERS, NAMED), keys=(caller,), signers=keys_of(*KEEPERS[:2], keeper("d"), threshold=1)
    )
    found = {(one.effect, one.aspect, one.title): one for one in compare_trust_lists(OLD, new)}
    assert {key[:2] for key in found} == {
        (Effect.GAINS, Aspect.TRUST),
        (Effect.LOSES, Aspect.TRUST),
        (Effect.GAINS, Aspect.LIST_KEY),
        (Effect.LOSES, Aspect.LIST_KEY),
        (Effect.CHANGES, Aspect.THRESHOLD),
    }
    lost = found[Effect.LOSES, Aspect.TRUST, MAKER.certificate.subject_text]
    assert lost.grant == MAKER
    assert lost.sentence == (
        f"CN=Seal Centre,O=Tongban tests,C=CN is no longer trusted: seal-maker; licence types: {TYPE}; authorities: "
        f"{AUTHORITY}, {OTHER_AUTHORITY}; from 2024-01-01T00:00:00Z until 2034-01-01T00:00:00Z."
    )
    assert "移出信任名单" in lost.sentence_zh
    assert shrinkage(OLD, new) == pytest.approx(1 / 3)
    assert growth(OLD, new) == pytest.approx(1 / 3)


def test_sentences_are_in_both_languages():
    """Every kind of difference is a sentence in Chinese and in English."""
    narrow = replace(SIGNERS, scope=Scope(licence_types=frozenset(f"T{n}" for n in range(9))), sunset=pki.NOW)
    new = next_list(OLD, anchors=(narrow, MAKER), signers=keys_of(*KEEPERS, threshold=1))
    found = compare_trust_lists(OLD, new)
    assert len(found) == 4
    for one in found:
        assert one.sentence.endswith(".")
        assert one.sentence_zh.endswith("。")
    assert any(
        "is now limited to licence types: T0, T1, T2, T3, T4 (+4), instead of every one" in f.sentence for f in found
    )
    assert any("证照类型限定为：T0, T1, T2, T3, T4 (+4)（原为 全部）" in f.sentence_zh for f in found)


def test_shrinkage_is_a_share():
    """Changed entries count like removed ones, new ones do not, and source and region decide nothing."""
    assert shrinkage(OLD, next_list(OLD, anchors=())) == 1
    assert shrinkage(next_list(OLD, anchors=()), OLD) == 0
    assert growth(next_list(OLD, anchors=()), OLD) == 3
    changed = replace(MAKER, sunset=pki.NOW)
    assert shrinkage(OLD, next_list(OLD, anchors=(SIGNERS, changed, NAMED))) == pytest.approx(1 / 3)
    renamed = replace(MAKER, source="other", region="")
    assert shrinkage(OLD, next_list(OLD, anchors=(SIGNERS, renamed, NAMED))) == 0


def test_what_ends_when():
    """Sunsets, starts, ends of certificates and of the list come in order, within the horizon and not at its end."""
    soon = replace(MAKER, start=pki.NOW, sunset=pki.NOW + 10 * DAY)
    trust = replace(OLD, anchors=(soon,))
    found = forecast(trust, pki.NOW, timedelta(days=91))
    assert [(one.turn, one.at) for one in found] == [
        (Turn.START, pki.NOW),
        (Turn.SUNSET, pki.NOW + 10 * DAY),
        (Turn.LIST_EXPIRY, OLD.expires),
    ]
    assert all(one.sentence.endswith(".") and one.sentence_zh.endswith("。") for one in found)
    assert found[1].grant == soon
    assert len(forecast(trust, pki.NOW, 10 * DAY)) == 1
    store = trust_store([trust])
    assert [one.turn for one in forecast(store, pki.NOW, 4000 * DAY)] == [
        Turn.START,
        Turn.SUNSET,
        Turn.CERTIFICATE_END,
    ]


def test_a_certificate_without_end_is_no_event():
    """The last moment that there is, which CAs write for "never", ends nothing."""
    never = MAKER_CA.issue("for ever", not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)).certificate
    trust = replace(OLD, anchors=(replace(MAKER, certificate=never, sunset=None),))
    assert [one.turn for one in forecast(trust, pki.NOW, 3000 * DAY)] == [Turn.LIST_EXPIRY]


def test_a_swapped_key_is_seen_as_two():
    """The same id with another key is a loss and a gain of different fingerprints."""
    a, b, _ = KEEPERS
    new = next_list(OLD, signers=keys_of(a, b, keeper("c")))
    lost, gained = (one.title for one in compare_trust_lists(OLD, new))
    assert lost.startswith("key c (SHA-256 ")
    assert gained.startswith("key c (SHA-256 ")
    assert lost != gained
