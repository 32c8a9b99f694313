"""The named functions: what a recipe may say, and that everything else is a fault."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.payload import registry
from keys.payload.encryption import Encrypted, KeySpelling
from keys.payload.errors import MalformedRecipeError, PayloadError, PayloadFault, RecipeFlaw
from keys.payload.registry import (
    ENCRYPTIONS,
    REQUEST_SIGNATURES,
    SECRET_WRAPPINGS,
    parse_encryption,
    parse_request_signature,
    parse_secret_wrapping,
)
from keys.payload.secret import Secret
from keys.payload.symmetric import BlockCipher, Mode, SymmetricEncryption
from keys.payload.template import parse_template

HMAC = {"name": "hmac-sha256", "template": "{a}{time}", "time_field": "time", "time_form": "epoch-s"}
SM2_SIGNATURE = {**HMAC, "name": "sm2-signature", "key_spelling": "hex"}
GOOD = [
    (parse_encryption, {"name": "sm4-ecb", "charset": "gbk", "key_spelling": "text"}),
    (parse_encryption, {"name": "sm4-cbc", "iv_place": "front", "key_spelling": "hex"}),
    (parse_encryption, {"name": "sm4-cbc", "iv_place": "fixed", "fixed_iv": "00" * 16, "key_spelling": "hex"}),
    (parse_encryption, {"name": "sm4-gcm", "iv_place": "beside", "associated": "app", "key_spelling": "base64"}),
    (parse_encryption, {"name": "sm2", "form": "c1c3c2-bare", "spelling": "hex-upper", "key_spelling": "hex"}),
    (parse_request_signature, HMAC),
    (parse_request_signature, {"name": "sha256-gateway", "tolerance_seconds": 60}),
    (parse_request_signature, {"name": "md5-gateway"}),
    (parse_request_signature, SM2_SIGNATURE),
    (parse_secret_wrapping, {"name": "aes-ecb", "key_spelling": "text"}),
]


def faults_of(parse, recipe) -> list[tuple[str, RecipeFlaw]]:
    with pytest.raises(MalformedRecipeError) as caught:
        parse(recipe)
    return [(fault.key, fault.flaw) for fault in caught.value.faults]


@pytest.mark.parametrize(("parse", "recipe"), GOOD)
def test_recipes(parse, recipe):
    """A recipe names a function with its parameters, and is left as it was."""
    before = json.dumps(recipe)
    assert parse(recipe) == parse(dict(recipe))
    assert json.dumps(recipe) == before


@pytest.mark.parametrize(("parse", "recipe"), GOOD)
@given(data=st.data())
def test_anything_else_is_a_fault(parse, recipe, data):
    """Whatever stands in the place of one value, the recipe is read or is a typed fault."""
    key = data.draw(st.sampled_from(sorted(recipe)))
    anything = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.integers(), max_size=2)
    try:
        parse({**recipe, key: data.draw(anything)})
    except MalformedRecipeError:
        return


@pytest.mark.parametrize(("parse", "recipe"), GOOD)
def test_a_misspelt_parameter(parse, recipe):
    """A parameter that is not known is a fault, and never the default."""
    assert faults_of(parse, {**recipe, "charsett": "gbk"}) == [("charsett", RecipeFlaw.UNKNOWN_PARAMETER)]


@pytest.mark.parametrize("parse", [parse_encryption, parse_request_signature, parse_secret_wrapping])
@pytest.mark.parametrize(
    ("recipe", "flaw"),
    [
        ({}, RecipeFlaw.MISSING),
        ({"name": "sm4-ctr"}, RecipeFlaw.UNKNOWN_FUNCTION),
        ({"name": "SM4-ECB"}, RecipeFlaw.UNKNOWN_FUNCTION),
        ({"name": ["sm2"]}, RecipeFlaw.UNKNOWN_FUNCTION),
    ],
)
def test_unknown_functions(parse, recipe, flaw):
    """A name that is not known is a fault that lists the names that are."""
    assert faults_of(parse, recipe) == [("name", flaw)]


def test_a_function_of_another_kind():
    """An encryption is no signature, and a weak digest is no encryption."""
    assert faults_of(parse_request_signature, {"name": "sm4-ecb"}) == [("name", RecipeFlaw.UNKNOWN_FUNCTION)]
    assert faults_of(parse_encryption, {"name": "md5-gateway"}) == [("name", RecipeFlaw.UNKNOWN_FUNCTION)]


def test_all_faults_at_once():
    """All that is wrong with a recipe is said at once."""
    recipe = {"name": "sm4-cbc", "charset": "big5", "iv": "00"}
    assert faults_of(parse_encryption, recipe) == [
        ("iv", RecipeFlaw.UNKNOWN_PARAMETER),
        ("charset", RecipeFlaw.VALUE),
        ("key_spelling", RecipeFlaw.MISSING),
        ("iv_place", RecipeFlaw.MISSING),
    ]


@pytest.mark.parametrize(
    ("parse", "recipe", "fault"),
    [
        (
            parse_encryption,
            {"name": "sm4-gcm", "iv_place": "fixed", "key_spelling": "hex"},
            ("iv_place", RecipeFlaw.VALUE),
        ),
        (
            parse_encryption,
            {"name": "sm4-cbc", "iv_place": "fixed", "key_spelling": "hex"},
            ("name", RecipeFlaw.CONTRADICTION),
        ),
        (
            parse_encryption,
            {"name": "sm4-cbc", "iv_place": "fixed", "fixed_iv": "zz", "key_spelling": "hex"},
            ("fixed_iv", RecipeFlaw.VALUE),
        ),
        (parse_encryption, {"name": "sm2", "form": "der", "key_spelling": "text"}, ("key_spelling", RecipeFlaw.VALUE)),
        (parse_request_signature, {**HMAC, "template": "{secret}{time}"}, ("template", RecipeFlaw.VALUE)),
        (parse_request_signature, {**SM2_SIGNATURE, "template": "{secret}{time}"}, ("template", RecipeFlaw.VALUE)),
        (parse_request_signature, {**HMAC, "template": "{a}"}, ("name", RecipeFlaw.CONTRADICTION)),
        (parse_request_signature, {**HMAC, "nonce_field": "n"}, ("name", RecipeFlaw.CONTRADICTION)),
        (parse_request_signature, {**HMAC, "tolerance_seconds": True}, ("tolerance_seconds", RecipeFlaw.VALUE)),
        (parse_request_signature, {**HMAC, "tolerance_seconds": 901}, ("tolerance_seconds", RecipeFlaw.VALUE)),
        (parse_request_signature, {**HMAC, "tolerance_seconds": 0}, ("tolerance_seconds", RecipeFlaw.VALUE)),
    ],
)
def test_values(parse, recipe, fault):
    """A value out of its range, or against another one, is named."""
    assert faults_of(parse, recipe) == [fault]


def test_weak_digests_are_for_signatures_of_others():
    """MD5 stands in one module, which only the table of named functions imports."""
    assert list(REQUEST_SIGNATURES) == ["hmac-sha256", "sha256-gateway", "md5-gateway", "sm2-signature"]
    assert registry.compute_weak_md5.__module__ == "keys.payload.weak_md5"
    assert not [name for name in (*ENCRYPTIONS, *SECRET_WRAPPINGS) if "md5" in name]


@pytest.mark.parametrize("mode", Mode)
def test_secrets_arrive_encrypted(mode):
    """A secret that was encrypted with AES under the application's key is unwrapped, and is the same secret."""
    place = {} if mode is Mode.ECB else {"iv_place": "front"}
    wrapping = parse_secret_wrapping({"name": f"aes-{mode}", "key_spelling": "text", **place})
    assert wrapping.cipher.cipher is BlockCipher.AES
    app_key = Secret(b"0123456789abcdef")
    wrapped = wrapping.cipher.make_encryptor(app_key).encrypt_text("the signing secret")
    assert wrapping.unwrap(wrapped, app_key) == Secret(b"the signing secret")
    with pytest.raises(PayloadError) as caught:
        wrapping.unwrap(wrapped, Secret(b"0123456789abcdeF"))
    assert caught.value.fault in {PayloadFault.NOT_DECRYPTED, PayloadFault.KEY}


def test_secrets_in_other_spellings():
    """A secret that is hexadecimal inside is the bytes that it spells; an empty and an endless one are refused."""
    wrapping = parse_secret_wrapping({"name": "aes-ecb", "key_spelling": "text", "secret_spelling": "hex"})
    app_key = Secret(b"0123456789abcdef")
    encryptor = SymmetricEncryption(
        cipher=BlockCipher.AES, mode=Mode.ECB, key_spelling=KeySpelling.TEXT
    ).make_encryptor(app_key)
    assert wrapping.unwrap(encryptor.encrypt_text("00ff"), app_key) == Secret(b"\x00\xff")
    for wrapped, fault in (
        (encryptor.encrypt_text(""), PayloadFault.KEY),
        (encryptor.encrypt_text("zz"), PayloadFault.SPELLING),
        (Encrypted(text="A" * 5000), PayloadFault.TOO_LARGE),
    ):
        with pytest.raises(PayloadError) as caught:
            wrapping.unwrap(wrapped, app_key)
        assert caught.value.fault is fault


@pytest.mark.parametrize("text", ["", "{", "}", "{A}", "{a", "a}", "{{a}}", "{}", "text", "{secret}", "{a}" * 200])
def test_templates_that_are_none(text):
    """A stray brace, no field of the request, and too many characters are refused."""
    with pytest.raises(ValueError, match="expected"):
        parse_template(text)


def test_templates():
    """A template joins fields and fixed text as they stand, a field as often as it is named."""
    template = parse_template("{a}&é={b}{a}")
    assert template.fields == {"a", "b"}
    assert template.fill({"a": "1", "b": "二", "c": "3"}) == "1&é=二1".encode()
