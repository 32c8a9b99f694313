"""SM2 vectors whose matter is how r and s are written."""

from tests.support.pki import integer, sequence, tlv
from tests.support.sm2_arithmetic import octets
from tests.vectors.sm2_form import MAIN, MESSAGE, Group, der


def encodings() -> Group:
    """Return one valid signature in many spellings."""
    group = MAIN.group()
    nonce = next(k for k in range(1, 999) if min(MAIN.numbers(MESSAGE, nonce=k)) >> 255)  # both need their zero
    r, s = MAIN.numbers(MESSAGE, nonce=nonce)
    one, two, good = integer(r), integer(s), der(r, s)
    content, raw = one + two, octets(r) + octets(s)
    group.valid("minimal DER", MESSAGE, good)
    group.acceptable("r‖s of 64 bytes", MESSAGE, raw, "RawSignature")
    for comment, value in (
        ("r with a needless zero", sequence(_padded(r), two)),
        ("s with a needless zero", sequence(one, _padded(s))),
        ("both with a needless zero", sequence(_padded(r), _padded(s))),
    ):
        group.acceptable(comment, MESSAGE, value, "NeedlessZero")
    group.invalid("r without its zero", MESSAGE, sequence(tlv(2, octets(r)), two), "MissingZero")
    group.invalid("s without its zero", MESSAGE, sequence(one, tlv(2, octets(s))), "MissingZero")
    group.invalid("both without their zero", MESSAGE, sequence(tlv(2, octets(r)), tlv(2, octets(s))), "MissingZero")
    size = len(content)
    ber = {
        "length of the sequence in two octets": b"\x30\x81" + bytes((size,)) + content,
        "length of the sequence in three octets": b"\x30\x82\x00" + bytes((size,)) + content,
        "length of the sequence in five octets": b"\x30\x84\x00\x00\x00" + bytes((size,)) + content,
        "length of the sequence in nine octets": b"\x30\x88" + bytes(7) + bytes((size,)) + content,
        "indefinite length": b"\x30\x80" + content + b"\x00\x00",
        "indefinite length without its end": b"\x30\x80" + content,
        "length of r in two octets": sequence(b"\x02\x81" + one[1:], two),
        "length of s in two octets": sequence(one, b"\x02\x81" + two[1:]),
        "length of s in three octets": sequence(one, b"\x02\x82\x00" + two[1:]),
        "indefinite length of r": sequence(b"\x02\x80" + one[2:] + b"\x00\x00", two),
        "the sequence's tag in two octets": b"\x3f\x10" + good[1:],
    }
    for comment, value in ber.items():
        group.invalid(comment, MESSAGE, value, "BerEncoding")
    wrong = {
        "nothing": b"",
        "one byte": b"\x30",
        "an empty sequence": b"\x30\x00",
        "NULL": b"\x05\x00",
        "r alone": sequence(one),
        "r twice and s": sequence(one, one, two),
        "a third number": sequence(one, two, integer(0)),
        "NULL behind s": sequence(one, two, b"\x05\x00"),
        "a byte behind the sequence": good + b"\x00",
        "two bytes behind the sequence": good + b"\x05\x00",
        "the signature twice": good + good,
        "a zero byte before the sequence": b"\x00" + good,
        "the last byte missing": good[:-1],
        "the last byte missing, the length put right": b"\x30" + bytes((size - 1,)) + content[:-1],
        "the sequence's length too large by one": b"\x30" + bytes((size + 1,)) + content,
        "the sequence's length too small by one": b"\x30" + bytes((size - 1,)) + content,
        "a length of 2^32-1": b"\x30\x84\xff\xff\xff\xff" + content,
        "a length of 2^64-1": b"\x30\x88" + b"\xff" * 8 + content,
        "a SET in place of the sequence": b"\x31" + good[1:],
        "a primitive sequence": b"\x10" + good[1:],
        "an OCTET STRING around": tlv(4, good),
        "a BIT STRING around": tlv(3, b"\x00", good),
        "a sequence around": sequence(good),
        "a context tag around": tlv(0xA0, good),
        "r as ENUMERATED": sequence(b"\x0a" + one[1:], two),
        "r as OCTET STRING": sequence(b"\x04" + one[1:], two),
        "s as BOOLEAN": sequence(one, b"\x01" + two[1:]),
        "s as a real number": sequence(one, b"\x09" + two[1:]),
        "r empty": sequence(b"\x02\x00", two),
        "s empty": sequence(one, b"\x02\x00"),
        "both empty": sequence(b"\x02\x00", b"\x02\x00"),
        "s in a sequence": sequence(one, sequence(two)),
        "r's length too large by one": sequence(b"\x02" + bytes((one[1] + 1,)) + one[2:], two),
        "s's length too large by one": sequence(one, b"\x02" + bytes((two[1] + 1,)) + two[2:]),
        "r and s as text": sequence(tlv(0x0C, f"{r}".encode()), tlv(0x0C, f"{s}".encode())),
        "63 bytes r‖s": raw[:-1],
        "65 bytes r‖s": raw + b"\x00",
        "65 bytes with a leading zero": b"\x00" + raw,
        "66 bytes, each number with its zero": b"\x00" + octets(r) + b"\x00" + octets(s),
        "r‖s exchanged": octets(s) + octets(r),
        "r‖s with their bytes reversed": octets(r)[::-1] + octets(s)[::-1],
        "64 zero bytes": bytes(64),
        "64 bytes of FF": b"\xff" * 64,
        "hexadecimal text of r‖s": raw.hex().encode(),
        "hexadecimal text of the DER": good.hex().encode(),
        "4096 zeros before r": sequence(tlv(2, bytes(4096) + octets(r)), two),
    }
    for comment, value in wrong.items():
        group.invalid(comment, MESSAGE, value, "InvalidEncoding")
    for place in range(0, len(good), 5):
        changed = good[:place] + bytes((good[place] ^ 0x20,)) + good[place + 1 :]
        group.invalid(f"bit 5 of byte {place} changed", MESSAGE, changed, "InvalidEncoding")
    return group


def _padded(value: int) -> bytes:
    content = integer(value)[2:]
    return tlv(2, b"\x00" + content)
