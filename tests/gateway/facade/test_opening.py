"""Decrypting before it is known who asks: nothing is told of it, and there is not much of it."""

import pytest

from adapters.mapping.error import AdapterError, AdapterFault
from gateway.facade.opening import MAX_TEXTS, Opening
from keys.payload.encryption import Encrypted
from keys.payload.registry import parse_encryption
from keys.payload.secret import Secret

FUNCTION = parse_encryption({"name": "sm4-cbc", "iv_place": "front", "spelling": "hex", "key_spelling": "hex"})
KEY = Secret(b"0123456789abcdef" * 2)
GOOD = FUNCTION.make_encryptor(KEY).encrypt_text("11010519491231002X")


def opening() -> Opening:
    """Return one with a single function."""
    return Opening([(None, FUNCTION.make_decryptor(KEY))])


@pytest.mark.parametrize(
    ("text", "read", "failed"),
    [(GOOD.text, "11010519491231002X", False), ("00" * 32, "", True), ("g", "", True)],
    ids=["good", "of another key", "no text"],
)
def test_what_is_read(text: str, read: str, failed: bool) -> None:  # noqa: FBT001 -- a case
    """What cannot be decrypted reads as nothing, which is noted."""
    one = opening()
    ((_, decryptor),) = one.decryptors
    assert decryptor.decrypt_text(Encrypted(text=text)) == read
    assert one.has_failed is failed


def test_how_much_is_read() -> None:
    """No more texts are decrypted than a question has."""
    one = opening()
    ((_, decryptor),) = one.decryptors
    for _ in range(MAX_TEXTS):
        decryptor.decrypt_text(GOOD)
    with pytest.raises(AdapterError) as caught:
        decryptor.decrypt_text(GOOD)
    assert caught.value.fault is AdapterFault.TOO_LARGE
