"""Signed requests: what the gateways document, freshness, replay, and every way to be wrong."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.encoding import encode_signature
from keys.payload.encryption import KeySpelling
from keys.payload.errors import RequestFault, RequestSignatureError
from keys.payload.registry import parse_request_signature
from keys.payload.secret import Secret
from keys.payload.sm2_request import Sm2Scheme
from keys.payload.time_form import TimeForm, encode_time
from keys.sm2 import Sm2PrivateKey

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
MILLISECONDS = encode_time(NOW, TimeForm.EPOCH_MILLISECONDS)
SECONDS = encode_time(NOW, TimeForm.EPOCH_SECONDS)
SECRET = Secret(b"a shared secret")
SM2 = Sm2PrivateKey.generate()
SM2_PRIVATE = Secret(base64.b64encode(SM2.encode_pkcs8()))
SM2_PUBLIC = Secret(base64.b64encode(SM2.public_key.spki))

EXCHANGE = {
    "name": "hmac-sha256",
    "template": "{sid}{rid}{rtime}",
    "time_field": "rtime",
    "time_form": "epoch-ms",
    "nonce_field": "rid",
    "spelling": "base64",
}
SM2_RECIPE = {
    "name": "sm2-signature",
    "template": "app={app}&nonce={nonce}&time={time}",
    "time_field": "time",
    "time_form": "epoch-s",
    "nonce_field": "nonce",
    "key_spelling": "base64",
}
# recipe, fields, key that signs, key that verifies
SYSTEMS = {
    "exchange": (EXCHANGE, {"sid": "s1", "rid": "r1", "rtime": MILLISECONDS}, SECRET, SECRET),
    "x-tif": ({"name": "sha256-gateway"}, {"timestamp": SECONDS, "nonce": "n1"}, SECRET, SECRET),
    "zhejiang": ({"name": "md5-gateway"}, {"app_key": "k1", "request_time": "20260301120000"}, SECRET, SECRET),
    "sm2": (SM2_RECIPE, {"app": "a1", "nonce": "n1", "time": SECONDS}, SM2_PRIVATE, SM2_PUBLIC),
}
EVERY_SYSTEM = pytest.mark.parametrize("system", SYSTEMS)


def sides(system: str, **changed: object):
    recipe, fields, signing, verifying = SYSTEMS[system]
    plan = parse_request_signature({**recipe, **changed})
    return plan.make_signer(signing), plan.make_verifier(verifying), dict(fields)


def fault_of(verifier, fields, signature, at=NOW) -> RequestFault:
    with pytest.raises(RequestSignatureError) as caught:
        verifier.verify(fields, signature, at=at)
    return caught.value.fault


def test_exchange_platform():
    """The exchange platform's signature is Base64(HMAC-SHA256(secret, sid + rid + rtime))."""
    signer, _, fields = sides("exchange")
    expected = hmac.digest(b"a shared secret", f"s1r1{MILLISECONDS}".encode(), hashlib.sha256)
    assert signer.sign(fields) == base64.b64encode(expected).decode()


def test_x_tif():
    """The Guangdong gateway's signature is hex SHA-256(timestamp + token + nonce + timestamp)."""
    signer, _, fields = sides("x-tif")
    expected = hashlib.sha256(f"{SECONDS}a shared secretn1{SECONDS}".encode()).hexdigest()
    assert signer.sign(fields) == expected


def test_zhejiang():
    """The Zhejiang gateway's sign is hex MD5(appKey + appSecret + requestTime), the time in China."""
    signer, _, fields = sides("zhejiang")
    assert signer.sign(fields) == hashlib.md5(b"k1a shared secret20260301120000").hexdigest()  # noqa: S324 - theirs
    assert encode_time(NOW, TimeForm.COMPACT) == fields["request_time"]


def test_sm2_signs_the_text():
    """The SM2 signature is raw r‖s over the filled template, and verifies as any SM2 signature does."""
    signer, _, fields = sides("sm2")
    signature = bytes.fromhex(signer.sign(fields))
    assert len(signature) == 64
    SM2.public_key.verify(f"app=a1&nonce=n1&time={SECONDS}".encode(), signature)


@EVERY_SYSTEM
def test_round_trip(system):
    """What one side signs the other side lets in, and a mark is left where something in it is fresh."""
    signer, verifier, fields = sides(system)
    mark = verifier.verify(fields, signer.sign(fields), at=NOW)
    assert (mark is None) is (system == "zhejiang")
    if mark is not None:
        assert mark.until == NOW + timedelta(minutes=5)


@EVERY_SYSTEM
@given(data=st.data())
def test_a_changed_field(system, data):
    """Whatever field is changed, the request is not let in."""
    signer, verifier, fields = sides(system)
    signature = signer.sign(fields)
    name = data.draw(st.sampled_from(sorted(fields)))
    changed = data.draw(st.text(min_size=1, max_size=20).filter(lambda value: value != fields[name]))
    assert fault_of(verifier, {**fields, name: changed}, signature) in {
        RequestFault.BAD,
        RequestFault.TIME_FORM,
        RequestFault.TOO_OLD,
        RequestFault.IN_FUTURE,
        RequestFault.FIELD_FORM,
    }


@EVERY_SYSTEM
def test_a_missing_field(system):
    """Every field that is covered must be there; what is not covered plays no part."""
    signer, verifier, fields = sides(system)
    signature = signer.sign(fields)
    verifier.verify({**fields, "more": "and more"}, signature, at=NOW)
    for name in fields:
        less = {key: value for key, value in fields.items() if key != name}
        assert fault_of(verifier, less, signature) is RequestFault.FIELD_MISSING


@EVERY_SYSTEM
@given(garbage=st.text(max_size=600))
def test_garbage_as_signature(system, garbage):
    """Garbage in the place of the signature raises the one error of requests."""
    _, verifier, fields = sides(system)
    assert fault_of(verifier, fields, garbage) in {RequestFault.MALFORMED, RequestFault.BAD}


@EVERY_SYSTEM
def test_another_key(system):
    """What was signed with another key is not let in."""
    recipe, fields, _, verifying = SYSTEMS[system]
    other = Secret(base64.b64encode(Sm2PrivateKey.generate().encode_pkcs8())) if system == "sm2" else Secret(b"other")
    plan = parse_request_signature(recipe)
    assert fault_of(plan.make_verifier(verifying), fields, plan.make_signer(other).sign(fields)) is RequestFault.BAD


@EVERY_SYSTEM
@pytest.mark.parametrize(
    ("offset", "fault"),
    [
        (timedelta(seconds=60), RequestFault.TOO_OLD),
        (timedelta(seconds=59), None),
        (timedelta(seconds=-60), None),
        (timedelta(seconds=-61), RequestFault.IN_FUTURE),
    ],
)
def test_window(system, offset, fault):
    """A request counts while it is less than the tolerance old, and no more than that ahead."""
    signer, verifier, fields = sides(system, tolerance_seconds=60)
    signature = signer.sign(fields)
    if fault is None:
        verifier.verify(fields, signature, at=NOW + offset)
    else:
        assert fault_of(verifier, fields, signature, NOW + offset) is fault


def test_a_replayed_request_has_the_same_mark():
    """The mark is the same for the same request, in whatever case its signature comes, and another for another one."""
    signer, verifier, fields = sides("x-tif")
    signature = signer.sign(fields)
    mark = verifier.verify(fields, signature, at=NOW)
    assert verifier.verify(fields, signature.upper(), at=NOW + timedelta(seconds=9)) == mark
    other = {**fields, "nonce": "n2"}
    assert verifier.verify(other, signer.sign(other), at=NOW) != mark


def test_fields_cut_elsewhere_have_the_same_mark():
    """Fields without a separator can be cut elsewhere under one signature, and are then the same request."""
    signer, verifier, fields = sides("exchange")
    signature = signer.sign(fields)
    cut = {**fields, "sid": "s", "rid": "1r1"}
    assert verifier.verify(cut, signature, at=NOW) == verifier.verify(fields, signature, at=NOW)


def test_sm2_signatures_anew_have_the_same_mark():
    """A request that is signed again with SM2 is the same request, though its signature is another."""
    signer, verifier, fields = sides("sm2")
    first, second = signer.sign(fields), signer.sign(fields)
    assert first != second
    assert verifier.verify(fields, first, at=NOW) == verifier.verify(fields, second, at=NOW)


def test_sm2_in_the_form_that_was_agreed():
    """A signature in another form than was agreed is malformed, though its numbers are right."""
    signer, verifier, fields = sides("sm2")
    raw = bytes.fromhex(signer.sign(fields))
    der = encode_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    assert fault_of(verifier, fields, der.hex()) is RequestFault.MALFORMED
    der_signer, der_verifier, _ = sides("sm2", form="der")
    der_verifier.verify(fields, der.hex(), at=NOW)
    der_verifier.verify(fields, der_signer.sign(fields), at=NOW)
    assert fault_of(sides("sm2", form="der")[1], fields, raw.hex()) is RequestFault.MALFORMED


def test_parameters_that_are_none():
    """A window of nothing, a user id of nothing and an SM2 key as text make no function."""
    plan = parse_request_signature(EXCHANGE)
    for broken in (
        lambda: replace(plan, tolerance_seconds=0),
        lambda: Sm2Scheme(user_id=b""),
        lambda: Sm2Scheme(key_spelling=KeySpelling.TEXT),
    ):
        with pytest.raises(ValueError, match="expected"):
            broken()


def test_sm2_user_ids_are_agreed():
    """A signature under another user id is not let in, and no other is tried."""
    signer, _, fields = sides("sm2", user_id="ALICE123@YAHOO.COM")
    assert fault_of(sides("sm2")[1], fields, signer.sign(fields)) is RequestFault.BAD
    sides("sm2", user_id="ALICE123@YAHOO.COM")[1].verify(fields, signer.sign(fields), at=NOW)


@pytest.mark.parametrize("value", ["", "x" * 5000, "\ud800"])
def test_fields_that_no_request_carries(value):
    """An empty, an endless and a broken field are refused by name, without their value."""
    signer, _, fields = sides("exchange")
    with pytest.raises(RequestSignatureError) as caught:
        signer.sign({**fields, "sid": value})
    assert caught.value.fault is RequestFault.FIELD_FORM
    assert caught.value.detail.startswith("sid:")


@EVERY_SYSTEM
def test_nothing_is_shown(system):
    """No repr of either side shows a secret."""
    signer, verifier, _ = sides(system)
    shown = repr(signer) + repr(verifier)
    assert "shared secret" not in shown
    assert SM2_PRIVATE.reveal().decode() not in shown
