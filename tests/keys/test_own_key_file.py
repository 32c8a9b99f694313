"""The file of a key: opened with the passphrase alone, in one spelling, with bounded work."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.file import (
    MAX_FILE_BYTES,
    KeyFile,
    TokenObject,
    encode_key_file,
    encode_key_state,
    parse_key_file,
    parse_key_state,
    seal_key,
    unseal_key,
)
from keys.own.protection import KeyCipher, seal, unseal
from keys.own.record import KeyAlgorithm, KeyPurpose, KeyState
from keys.own.signer import SoftwareSigner
from tests.support.own_keys import CHEAP, DAY, NOW, PASSPHRASE, make_key_file, make_record

SIGNER, FILE = make_key_file()
ENCODED = encode_key_file(FILE)
TOKEN = replace(FILE, place=TokenObject(token="tongban", object_id=b"\x01\x02"), sealed=b"")  # noqa: S106 - a label
STATE = KeyState(signs_until=NOW, verifies_until=NOW + DAY, replaced_by=FILE.record.id)


def changed(change: dict[str, Any], *, part: tuple[str, ...] = ()) -> bytes:
    """Return the key file with something else in one of its objects, spelled canonically."""
    content = json.loads(ENCODED)
    inner = content
    for name in part:
        inner = inner[name]
    inner.update(change)
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def fault_of(encoded: bytes) -> OwnKeyFault:
    """Return why a key file is refused."""
    with pytest.raises(OwnKeyError) as caught:
        parse_key_file(encoded)
    return caught.value.fault


@pytest.mark.parametrize("cipher", KeyCipher)
@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_what_is_sealed_is_opened(algorithm: KeyAlgorithm, cipher: KeyCipher) -> None:
    """Every algorithm under every cipher comes back from its file."""
    signer, file = make_key_file(algorithm, cipher=cipher)
    read = parse_key_file(encode_key_file(file))
    assert read == file
    assert unseal_key(read, PASSPHRASE).encode_pkcs8() == signer.encode_pkcs8()


def test_a_key_in_a_device_has_a_file_without_a_secret() -> None:
    """The file of a device's key names it, and cannot be opened with a passphrase."""
    read = parse_key_file(encode_key_file(TOKEN))
    assert read == TOKEN
    with pytest.raises(OwnKeyError) as caught:
        unseal_key(read, PASSPHRASE)
    assert caught.value.fault is OwnKeyFault.ON_A_TOKEN


def test_the_file_does_not_show_the_key() -> None:
    """Neither the PKCS#8 bytes nor the passphrase appear in the file."""
    secret = SIGNER.encode_pkcs8()[-32:]
    assert secret not in FILE.sealed
    assert PASSPHRASE not in ENCODED


@pytest.mark.parametrize("passphrase", [b"", b"wrong", PASSPHRASE + b"\n", PASSPHRASE.upper(), b"x" * 5000])
def test_a_wrong_passphrase_is_said_to_be_wrong(passphrase: bytes) -> None:
    """Another passphrase opens nothing, and is not repeated in the error."""
    with pytest.raises(OwnKeyError) as caught:
        unseal_key(FILE, passphrase)
    assert caught.value.fault is OwnKeyFault.WRONG_PASSPHRASE
    assert str(caught.value) == "wrong-passphrase"


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": KeyPurpose.PARTNER},
        {"retires_at": FILE.record.retires_at + DAY},
        {"verifies_until": FILE.record.verifies_until + DAY},
        {"active_from": NOW - DAY},
        {"created": NOW - DAY},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_header_is_bound(change: dict[str, Any]) -> None:
    """A header that was changed no longer opens the key, whatever was changed."""
    with pytest.raises(OwnKeyError) as caught:
        unseal_key(replace(FILE, record=replace(FILE.record, **change)), PASSPHRASE)
    assert caught.value.fault is OwnKeyFault.WRONG_PASSPHRASE


def test_another_key_under_this_name_is_found_out() -> None:
    """A header that names one key does not open to another, though its maker knew the passphrase."""
    other = SoftwareSigner.generate(KeyAlgorithm.ED25519)
    with pytest.raises(OwnKeyError) as caught:
        seal_key(other, FILE.record, passphrase=PASSPHRASE, scrypt=CHEAP)
    assert caught.value.fault is OwnKeyFault.KEY_MISMATCH


@settings(max_examples=60)
@given(st.integers(0, len(ENCODED) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(position: int, difference: int) -> None:
    """Whichever byte of a key file changes, it is not opened."""
    broken = bytearray(ENCODED)
    broken[position] ^= difference
    with pytest.raises(OwnKeyError):
        unseal_key(parse_key_file(bytes(broken)), PASSPHRASE)


@given(st.integers(0, len(ENCODED) - 1))
def test_a_truncated_file_is_refused(size: int) -> None:
    """A file that is cut off anywhere is malformed."""
    assert fault_of(ENCODED[:size]) is OwnKeyFault.MALFORMED


@given(st.binary(max_size=300))
def test_garbage_is_refused(garbage: bytes) -> None:
    """Whatever bytes are given as a key file or a state, only our error comes out."""
    with pytest.raises(OwnKeyError):
        parse_key_file(garbage)
    with pytest.raises(OwnKeyError):
        parse_key_state(garbage, FILE.record.id)


def test_there_is_one_spelling() -> None:
    """The same content with a space, another order, a key twice or no line end is refused."""
    content = json.loads(ENCODED)
    assert changed({}) == ENCODED
    for spelling in (
        json.dumps(content, sort_keys=True).encode() + b"\n",
        json.dumps(dict(reversed(content.items())), separators=(",", ":")).encode() + b"\n",
        ENCODED.replace(b'{"ciphertext"', b'{"ciphertext":"","ciphertext"', 1),
        ENCODED[:-1],
        ENCODED + b"\n",
        ENCODED.replace(b"04:00:00Z", b"04:00:00+00:00"),
    ):
        assert spelling != ENCODED
        assert fault_of(spelling) is OwnKeyFault.MALFORMED


@pytest.mark.parametrize("part", [(), ("header",), ("header", "protection"), ("header", "protection", "scrypt")])
def test_unknown_fields_are_refused(part: tuple[str, ...]) -> None:
    """A field that we do not know might restrict the key, so it is never ignored."""
    assert fault_of(changed({"zeal": True}, part=part)) is OwnKeyFault.UNKNOWN_FIELD


@pytest.mark.parametrize(
    "change",
    [
        {"n": 1 << 30},
        {"n": 1 << 19},
        {"n": 1 << 13},
        {"n": (1 << 17) - 1},
        {"n": 0},
        {"n": -(1 << 17)},
        {"r": 4096},
        {"r": 1},
        {"p": 1_000_000},
        {"p": 0},
        {"n": 1 << 18, "r": 16},
    ],
    ids=str,
)
def test_absurd_scrypt_parameters_are_refused_before_any_work(change: dict[str, int]) -> None:
    """Parameters that protect nothing, or would exhaust the memory, are refused while the file is read."""
    assert fault_of(changed(change, part=("header", "protection", "scrypt"))) is OwnKeyFault.KDF_OUT_OF_BOUNDS


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"format": "tongban-own-key/2"}, ("header",)),
        ({"algorithm": "rsa"}, ("header",)),
        ({"purpose": "everything"}, ("header",)),
        ({"id": "0" * 64}, ("header",)),
        ({"created": "2026-13-01T00:00:00Z"}, ("header",)),
        ({"created": "2026-03-01T04:00:00"}, ("header",)),
        ({"cipher": "rot13"}, ("header", "protection")),
        ({"nonce": ""}, ("header", "protection")),
        ({"kind": "magic"}, ("header", "protection")),
        ({"salt": "AAAA"}, ("header", "protection", "scrypt")),
        ({"ciphertext": ""}, ()),
    ],
    ids=str,
)
def test_each_field_has_its_form(change: dict[str, Any], part: tuple[str, ...]) -> None:
    """A value that is not of its field's form is malformed."""
    assert fault_of(changed(change, part=part)) is OwnKeyFault.MALFORMED


def test_a_ciphertext_for_a_device_is_refused() -> None:
    """A file that names a device and also holds a ciphertext contradicts itself."""
    assert fault_of(encode_key_file(replace(TOKEN, sealed=b"x" * 40))) is OwnKeyFault.MALFORMED
    with pytest.raises(ValueError, match="label"):
        TokenObject(token="", object_id=b"\x01")


def test_a_short_ciphertext_is_malformed() -> None:
    """A ciphertext with no room for anything but the tag is malformed."""
    with pytest.raises(OwnKeyError) as caught:
        unseal_key(parse_key_file(encode_key_file(replace(FILE, sealed=b"x" * 16))), PASSPHRASE)
    assert caught.value.fault is OwnKeyFault.MALFORMED


def test_a_huge_file_is_not_read() -> None:
    """More bytes than any key file has are refused before they are parsed."""
    assert fault_of(b"[" * (MAX_FILE_BYTES + 1)) is OwnKeyFault.TOO_LARGE


@pytest.mark.parametrize(
    ("passphrase", "fault"),
    [(b"short", OwnKeyFault.WEAK_PASSPHRASE), (b"x" * 1025, OwnKeyFault.TOO_LARGE)],
)
def test_a_new_key_wants_a_passphrase_of_some_length(passphrase: bytes, fault: OwnKeyFault) -> None:
    """A passphrase that a list of words would find is refused for new keys."""
    with pytest.raises(OwnKeyError) as caught:
        seal_key(SIGNER, make_record(SIGNER), passphrase=passphrase, scrypt=CHEAP)
    assert caught.value.fault is fault


def test_memory_that_is_not_there_is_said() -> None:
    """A machine that cannot give scrypt its memory says so, and shows no traceback."""
    place = FILE.place
    assert not isinstance(place, TokenObject)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keys.own.protection.Scrypt.derive_into", _fail, raising=True)
        with pytest.raises(OwnKeyError) as caught:
            unseal(FILE.sealed, passphrase=PASSPHRASE, protection=place, header=b"")
        assert caught.value.fault is OwnKeyFault.NO_MEMORY
        with pytest.raises(OwnKeyError):
            seal(b"x", passphrase=PASSPHRASE, protection=place, header=b"")


def _fail(*_: object) -> None:
    raise MemoryError


STATES = [KeyState(), STATE, replace(STATE, compromised_since=NOW - DAY)]


@pytest.mark.parametrize("state", STATES, ids=["fresh", "rotated", "compromised"])
def test_a_state_is_read_as_it_was_written(state: KeyState) -> None:
    """What happened to a key survives its file, and belongs to that key only."""
    encoded = encode_key_state(FILE.record.id, state)
    assert parse_key_state(encoded, FILE.record.id) == state
    with pytest.raises(OwnKeyError) as caught:
        parse_key_state(encoded, make_key_file()[1].record.id)
    assert caught.value.fault is OwnKeyFault.KEY_MISMATCH


def test_a_state_with_fractions_of_seconds_is_refused() -> None:
    """A moment in a state has one spelling too."""
    encoded = encode_key_state(FILE.record.id, STATE)
    with pytest.raises(OwnKeyError) as caught:
        parse_key_state(encoded.replace(b":00Z", b":00.500000Z"), FILE.record.id)
    assert caught.value.fault is OwnKeyFault.MALFORMED


def test_two_files_of_one_key_share_nothing() -> None:
    """Salt and nonce are fresh for each file."""
    files: list[KeyFile] = [seal_key(SIGNER, FILE.record, passphrase=PASSPHRASE, scrypt=CHEAP) for _ in range(2)]
    assert files[0].sealed != files[1].sealed
    assert files[0].place != files[1].place
