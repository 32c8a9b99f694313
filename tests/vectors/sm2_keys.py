"""SM2 vectors whose matter is the key: points off the curve, infinity, other curves, and how keys are written."""

from collections.abc import Callable, Iterator

from tests.support import sm2_arithmetic as sm2
from tests.support.pki import integer, oid, sequence, tlv
from tests.support.sm2_arithmetic import P256, SM2, digest, octets, sign, z_value
from tests.vectors.sm2_form import (
    EC_PUBLIC_KEY,
    MAIN,
    MESSAGE,
    SM2_CURVE,
    Group,
    N,
    P,
    der,
    number,
    public,
    spki,
    sure,
    uncompressed,
)


def key_groups() -> Iterator[Group]:
    """Yield groups in which the key is the matter; each signature verifies where the key is taken as it comes."""
    signature = MAIN.sign(MESSAGE)
    x, y = MAIN.key
    point = uncompressed(MAIN.key)

    def one(
        comment: str, encoded: bytes, result: str, *flags: str, sig: bytes = signature, raw: bytes = point
    ) -> Group:
        group = Group("Sm2KeyVerify", raw, encoded=encoded)
        group.add(comment, MESSAGE, sig, result, *flags)
        return group

    yield one("the usual key", spki(point), "valid", "ValidSignature")
    # points
    for comment, key in (
        ("y changed by one", (x, y + 1)),
        ("x changed by one", (x + 1, y)),
        ("x and y exchanged", (y, x)),
        ("(0, 0)", (0, 0)),
        ("(1, 1)", (1, 1)),
        ("the key of P-256 under the curve of SM2", sure(P256.multiply(MAIN.private, P256.generator))),
    ):
        yield one(f"off the curve: {comment}", spki(uncompressed(key)), "invalid", "OffCurve", raw=uncompressed(key))
    yield from _off_curve_forgeries(one)
    no_root = next(number for number in range(1, 99) if SM2.lift(number) is None)
    for sign_byte in (2, 3):
        squeezed = bytes((sign_byte,)) + octets(no_root)
        yield one(f"compressed, on the twist: {squeezed[0]}", spki(squeezed), "invalid", "OffCurve", raw=squeezed)
    small = next(number for number in range(1, 99) if SM2.lift(number) is not None)
    for comment, key in (
        ("x = p + a small x", (small + P, sure(SM2.lift(small))[1])),
        ("x = p", (P, y)),
        ("y = p", (x, P)),
        ("x = 2^256-1", (2**256 - 1, y)),
        ("both 2^256-1", (2**256 - 1, 2**256 - 1)),
    ):
        yield one(f"not reduced: {comment}", spki(uncompressed(key)), "invalid", "NotReduced", raw=uncompressed(key))
    forged = _forge_at_infinity()
    for comment, raw in (("one zero byte", b"\x00"), ("65 zero bytes", bytes(65)), ("33 zero bytes", bytes(33))):
        yield one(f"infinity as {comment}", spki(raw), "invalid", "KeyIsInfinity", raw=raw, sig=forged)
    yield from _key_encodings(one, point)


OneGroup = Callable[..., Group]


def _off_curve_forgeries(one: OneGroup) -> Iterator[Group]:
    """Yield keys (x, 0) of order 2 on another curve: with an even t, sG + tP = sG, and anyone can sign."""
    for label in ("first", "second"):
        key = (number(f"order two {label}"), 0)
        e = digest(key, MESSAGE)
        for place in range(1, 99):
            s = number(f"order two {label} {place}")
            r = (e + public(s)[0]) % N
            if (r + s) % N % 2 == 0:
                raw = uncompressed(key)
                comment = f"off the curve: a point of order 2, {label} forgery"
                yield one(comment, spki(raw), "invalid", "OffCurve", raw=raw, sig=der(r, s))
                break


def _forge_at_infinity() -> bytes:
    """Sign for the key at infinity: tP vanishes; Z is taken over two coordinates of zero."""
    s = number("infinity")
    return der((digest((0, 0), MESSAGE) + public(s)[0]) % N, s)


def _key_encodings(one: OneGroup, point: bytes) -> Iterator[Group]:
    x, y = MAIN.key
    even = bytes((2 + y % 2,)) + octets(x)
    yield one("compressed", spki(even), "acceptable", "CompressedKey", raw=even)
    odd = bytes((3 - y % 2,)) + octets(x)
    yield one("compressed with the other parity", spki(odd), "invalid", "CompressedKey", raw=odd)
    hybrid = bytes((6 + y % 2,)) + point[1:]
    yield one("hybrid", spki(hybrid), "acceptable", "CompressedKey", raw=hybrid)
    wrong_hybrid = bytes((7 - y % 2,)) + point[1:]
    yield one("hybrid with the other parity", spki(wrong_hybrid), "invalid", "CompressedKey", raw=wrong_hybrid)
    for comment, raw in (
        ("no point", b""),
        ("x‖y without 04", point[1:]),
        ("the last byte missing", point[:-1]),
        ("a byte too many", point + b"\x00"),
        ("05 in place of 04", b"\x05" + point[1:]),
        ("x alone under 04", point[:33]),
        ("the point in an OCTET STRING", tlv(4, point)),
    ):
        yield one(f"the point: {comment}", spki(raw), "invalid", "KeyEncoding", raw=raw)
    ec, curve = oid(EC_PUBLIC_KEY), oid(SM2_CURVE)
    good = spki(point)
    inner = good[2:]
    for comment, encoded in (
        ("no parameters", spki(point, algorithm=sequence(ec))),
        ("NULL in place of the curve", spki(point, algorithm=sequence(ec, b"\x05\x00"))),
        ("a second parameter", spki(point, algorithm=sequence(ec, curve, b"\x05\x00"))),
        ("the curve secp256k1", spki(point, algorithm=sequence(ec, oid("1.3.132.0.10")))),
        ("an unknown curve", spki(point, algorithm=sequence(ec, oid("1.2.156.10197.1.302")))),
        ("the algorithm RSA", spki(point, algorithm=sequence(oid("1.2.840.113549.1.1.1"), b"\x05\x00"))),
        ("unused bits", sequence(sequence(ec, curve), tlv(3, b"\x01", point))),
        ("an OCTET STRING for the point", sequence(sequence(ec, curve), tlv(4, b"\x00" + point))),
        ("length not minimal", b"\x30\x81" + good[1:2] + inner),
        ("indefinite length", b"\x30\x80" + inner + b"\x00\x00"),
        ("a byte behind the sequence", good + b"\x00"),
        ("a NULL inside the sequence", sequence(inner, b"\x05\x00")),
        ("truncated", good[:-1]),
        ("nothing", b""),
    ):
        yield one(f"SubjectPublicKeyInfo: {comment}", encoded, "invalid", "KeyEncoding")
    old = spki(point, algorithm=sequence(curve, curve))
    yield one("the curve's OID as the algorithm", old, "acceptable", "OldAlgorithm")
    yield from _other_curves(one, point)


def _other_curves(one: OneGroup, point: bytes) -> Iterator[Group]:
    p256_key = sure(P256.multiply(MAIN.private, P256.generator))
    raw = uncompressed(p256_key)
    encoded = spki(raw, algorithm=sequence(oid(EC_PUBLIC_KEY), oid("1.2.840.10045.3.1.7")))
    for comment, curve in (("SM2", SM2), ("P-256", P256)):
        e = int.from_bytes(sm2.sm3(z_value(p256_key, curve=curve) + MESSAGE))
        forged = der(*sign(MAIN.private, e, number("p-256"), curve=P256))
        yield one(
            f"a key of P-256 that signed as SM2 does, Z with the curve {comment}",
            encoded,
            "invalid",
            "WrongCurve",
            raw=raw,
            sig=forged,
        )
    honest = sequence(oid(EC_PUBLIC_KEY), _explicit(uncompressed(SM2.generator)))
    yield one("the curve of SM2 written out", spki(point, algorithm=honest), "acceptable", "ExplicitParameters")
    forged_curve = sequence(oid(EC_PUBLIC_KEY), _explicit(point))
    # With the victim's key as generator the private key is 1; Z is over the true curve, as a verifier takes it.
    nonce = number("generator")
    e = digest(MAIN.key, MESSAGE)
    r = (e + sure(SM2.multiply(nonce, MAIN.key))[0]) % N
    forged = der(r, pow(2, -1, N) * (nonce - r) % N)
    encoded = spki(point, algorithm=forged_curve)
    yield one("the curve written out with the key as generator", encoded, "invalid", "ModifiedGenerator", sig=forged)


def _explicit(generator: bytes) -> bytes:
    """Encode SpecifiedECDomain parameters of the SM2 curve (SEC 1 annex C.2) with any generator."""
    field = sequence(oid("1.2.840.10045.1.1"), integer(P))
    curve = sequence(tlv(4, octets(SM2.a)), tlv(4, octets(SM2.b)))
    return sequence(integer(1), field, curve, tlv(4, generator), integer(N), integer(1))
