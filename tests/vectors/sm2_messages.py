"""SM2 vectors whose matter is the message, the numbers r and s, Z, or the user id."""

import hashlib
from collections.abc import Callable, Iterator

from tests.support import sm2_arithmetic as sm2
from tests.support.sm2_arithmetic import DEFAULT_USER_ID, P256, SM2, digest, octets, z_value
from tests.vectors.sm2_form import MAIN, MESSAGE, Group, N, P, Signer, der, number, public, sure


def standard() -> Group:
    """Return the vector of GB/T 32918.5 annex A.2."""
    private = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
    signer = Signer(private=private)
    group = signer.group()
    nonce = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
    group.valid("GB/T 32918.5 annex A.2", b"message digest", signer.sign(b"message digest", nonce=nonce))
    return group


def edge_keys() -> Iterator[Group]:
    """Yield groups of keys at the bounds, and of such with short coordinates."""
    for comment, private in (("1", 1), ("2", 2), ("n-2", N - 2), ("(n-1)/2", (N - 1) // 2)):
        signer = Signer(private=private)
        group = signer.group()
        group.valid(f"private key {comment}", MESSAGE, signer.sign(MESSAGE), "EdgeCaseKey")
        yield group
    wanted = {0: "x", 1: "y"}
    private, point = 1, SM2.generator
    while wanted:
        for place in tuple(wanted):
            if point[place] < 1 << 248:
                signer = Signer(private=private)
                group = signer.group()
                name = wanted.pop(place)
                group.valid(f"{name} of the key begins with a zero byte", MESSAGE, signer.sign(MESSAGE), "LeadingZeros")
                yield group
        private, point = private + 1, sure(SM2.add(point, SM2.generator))


def messages() -> Group:
    """Return what must verify, whatever the message."""
    group = MAIN.group()
    for size in (0, 1, 3, 20, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 16384):
        message = bytes((7 * place + size) % 256 for place in range(size))
        group.valid(f"a message of {size} bytes", message, MAIN.sign(message))
    for comment, message in (("zeros", bytes(32)), ("ones", b"\xff" * 32), ("text", "电子证照".encode())):
        group.valid(f"a message of {comment}", message, MAIN.sign(message))
    signature = MAIN.sign(MESSAGE)
    for comment, message in (
        ("one more byte", MESSAGE + b"\0"),
        ("one byte less", MESSAGE[:-1]),
        ("one bit changed", bytes((MESSAGE[0] ^ 1,)) + MESSAGE[1:]),
        ("empty", b""),
        ("Z before the message", z_value(MAIN.key) + MESSAGE),
        ("the digest as the message", octets(digest(MAIN.key, MESSAGE))),
    ):
        group.invalid(f"modified message: {comment}", message, signature, "ModifiedMessage")
    for comment, nonce in (("1", 1), ("2", 2), ("n-1", N - 1), ("n-2", N - 2), ("(n+1)/2", (N + 1) // 2)):
        group.valid(f"nonce {comment}", MESSAGE, MAIN.sign(MESSAGE, nonce=nonce), "EdgeCaseNonce")
    return group


def leading_zeros() -> Group:
    """Return signatures with short numbers, found by counting the nonce up, and short digests, by counting messages."""
    group = MAIN.group()
    e = digest(MAIN.key, MESSAGE)
    limit = 1 << 248
    inverse = pow(1 + MAIN.private, -1, N)
    wanted = {"r", "s", "x1"}
    nonce = number("leading zeros")
    point = SM2.multiply(nonce, SM2.generator)
    while wanted and point is not None:
        r = (e + point[0]) % N
        s = inverse * (nonce - r * MAIN.private) % N
        for name, value in (("r", r), ("s", s), ("x1", point[0])):
            if name in wanted and value < limit:
                wanted.remove(name)
                group.valid(f"{name} begins with a zero byte", MESSAGE, der(r, s), "LeadingZeros")
        nonce, point = nonce + 1, SM2.add(point, SM2.generator)
    for zeros in (1, 2):
        message = _find(lambda one, zeros=zeros: digest(MAIN.key, one) < 1 << 256 - 8 * zeros)  # type: ignore[misc]
        group.valid(f"the digest begins with {zeros} zero bytes", message, MAIN.sign(message), "LeadingZeros")
    message = _find(lambda one: digest(MAIN.key, one) >> 240 == 0xFFFF)
    group.valid("the digest begins with FFFF", message, MAIN.sign(message), "Wraps")
    for wraps in (True, False):
        place = next(k for k in range(3, 99) if _wraps(e, k) is wraps)
        group.valid(f"x1 + e {'beyond' if wraps else 'below'} n", MESSAGE, MAIN.sign(MESSAGE, nonce=place), "Wraps")
    return group


def _find(good: Callable[[bytes], bool]) -> bytes:
    return next(message for message in (counter.to_bytes(4) for counter in range(1 << 24)) if good(message))


def _wraps(e: int, nonce: int) -> bool:
    point = SM2.multiply(nonce, SM2.generator)
    return point is not None and e + point[0] >= N


def bounds() -> Group:
    """Return r and s at and beyond their bounds."""
    group = MAIN.group()
    r, s = MAIN.numbers(MESSAGE)
    special = {
        "0": 0,
        "1": 1,
        "-1": -1,
        "n": N,
        "n-1": N - 1,
        "n+1": N + 1,
        "p": P,
        "p+1": P + 1,
        "2^256-1": 2**256 - 1,
        "2^256": 2**256,
        "2^1024": 2**1024,
    }
    for name_r, value_r in special.items():
        for name_s, value_s in special.items():
            if {name_r, name_s} & {"0", "1", "n", "n-1"}:
                group.invalid(f"r = {name_r}, s = {name_s}", MESSAGE, der(value_r, value_s), "BoundsOfRAndS")
    for name, value in special.items():
        group.invalid(f"r = {name}, s as it was", MESSAGE, der(value, s), "BoundsOfRAndS")
        group.invalid(f"r as it was, s = {name}", MESSAGE, der(r, value), "BoundsOfRAndS")
    for name, change in (
        ("+ n", lambda v: v + N),
        ("- n", lambda v: v - N),
        ("+ 256 n", lambda v: v + 256 * N),
        ("negated", lambda v: -v),
        ("n minus it", lambda v: N - v),
        ("+ 2^256", lambda v: v + 2**256),
        ("+ 2^320", lambda v: v + 2**320),
        ("- 2^256", lambda v: v - 2**256),
    ):
        group.invalid(f"r {name}", MESSAGE, der(change(r), s), "BoundsOfRAndS")
        group.invalid(f"s {name}", MESSAGE, der(r, change(s)), "BoundsOfRAndS")
        group.invalid(f"r and s {name}", MESSAGE, der(change(r), change(s)), "BoundsOfRAndS")
    group.invalid("r + s = n with the right r", MESSAGE, der(r, N - r), "ZeroT")
    group.invalid("r + s = n with the right s", MESSAGE, der(N - s, s), "ZeroT")
    group.invalid("r + s = n with r = 1", MESSAGE, der(1, N - 1), "ZeroT", "BoundsOfRAndS")
    group.invalid("r and s have changed places", MESSAGE, der(s, r), "SwappedNumbers")
    return group


def wrong_z() -> Group:
    """Return signatures over digests that lack Z or have another, each a mistake that somebody could make."""
    group = MAIN.group()
    x, y = (octets(part) for part in MAIN.key)
    fixed = b"".join(octets(part) for part in (SM2.a, SM2.b, *SM2.generator))
    identifier = DEFAULT_USER_ID

    def over(data: bytes) -> bytes:
        return MAIN.sign(MESSAGE, e=int.from_bytes(sm2.sm3(data)))

    group.invalid("no Z: e = SM3(M)", MESSAGE, over(MESSAGE), "NoZ")
    group.invalid("no Z: e = SHA-256(M)", MESSAGE, _over_sha256(MESSAGE), "NoZ")
    group.invalid("no Z: e = M, padded", MESSAGE, MAIN.sign(MESSAGE, e=int.from_bytes(MESSAGE)), "NoZ")
    group.invalid("no Z: M hashed twice", MESSAGE, over(sm2.sm3(MESSAGE)), "NoZ")
    group.invalid("Z of the empty message only", MESSAGE, over(z_value(MAIN.key)), "WrongZ")
    wrong = {
        "the id of annex A, ALICE123@YAHOO.COM": z_value(MAIN.key, b"ALICE123@YAHOO.COM"),
        "the empty id": z_value(MAIN.key, b""),
        "the id with a zero byte behind it": z_value(MAIN.key, identifier + b"\0"),
        "the id with its last digit changed": z_value(MAIN.key, b"1234567812345679"),
        "the id as numbers instead of digits": z_value(MAIN.key, bytes.fromhex("1234567812345678")),
        "the key of another": z_value(public(2)),
        "x and y exchanged": z_value((MAIN.key[1], MAIN.key[0])),
        "the parameters of P-256": z_value(MAIN.key, curve=P256),
        "the negated key": z_value((MAIN.key[0], P - MAIN.key[1])),
        "no ENTL": sm2.sm3(identifier + fixed + x + y),
        "ENTL in bytes instead of bits": sm2.sm3(b"\x00\x10" + identifier + fixed + x + y),
        "ENTL with its bytes exchanged": sm2.sm3(b"\x80\x00" + identifier + fixed + x + y),
        "ENTL of four bytes": sm2.sm3(b"\x00\x00\x00\x80" + identifier + fixed + x + y),
        "no curve": sm2.sm3(b"\x00\x80" + identifier + x + y),
        "no key": sm2.sm3(b"\x00\x80" + identifier + fixed),
        "the key with its 04": sm2.sm3(b"\x00\x80" + identifier + fixed + b"\x04" + x + y),
        "the id alone": sm2.sm3(identifier),
        "all zeros": bytes(32),
        "SHA-256 in place of SM3": hashlib.sha256(b"\x00\x80" + identifier + fixed + x + y).digest(),
    }
    for comment, z in wrong.items():
        group.invalid(f"Z of {comment}", MESSAGE, over(z + MESSAGE), "WrongZ")
    z = z_value(MAIN.key)
    group.invalid("Z behind the message", MESSAGE, over(MESSAGE + z), "WrongZ")
    group.invalid("Z twice", MESSAGE, over(z + z + MESSAGE), "WrongZ")
    group.invalid("Z in hexadecimal", MESSAGE, over(z.hex().encode() + MESSAGE), "WrongZ")
    group.invalid("the message hashed before Z is put to it", MESSAGE, over(z + sm2.sm3(MESSAGE)), "WrongZ")
    group.invalid("e = SHA-256(Z‖M)", MESSAGE, _over_sha256(z + MESSAGE), "WrongZ")
    reversed_digest = int.from_bytes(octets(digest(MAIN.key, MESSAGE))[::-1])
    group.invalid("e with its bytes reversed", MESSAGE, MAIN.sign(MESSAGE, e=reversed_digest), "WrongZ")
    for comment, e in (("SM3(Z‖M)", digest(MAIN.key, MESSAGE)), ("SM3(M)", int.from_bytes(sm2.sm3(MESSAGE)))):
        group.invalid(f"ECDSA over {comment}", MESSAGE, _ecdsa(e), "OtherAlgorithm")
    return group


def _over_sha256(data: bytes) -> bytes:
    return MAIN.sign(MESSAGE, e=int.from_bytes(hashlib.sha256(data).digest()))


def _ecdsa(e: int) -> bytes:
    """Sign as ECDSA does, with the key and the curve of SM2."""
    nonce = number("ecdsa")
    r = public(nonce)[0] % N
    return der(r, pow(nonce, -1, N) * (e + r * MAIN.private) % N)


def user_ids() -> Iterator[Group]:
    """Yield groups under other user ids; the last two have none or one that no signature can have."""
    for user_id, comment in (
        (b"ALICE123@YAHOO.COM", "the id of GB/T 32918 annex A"),
        (b"1", "one byte"),
        (b"\x00", "one zero byte"),
        (bytes(16), "sixteen zero bytes"),
        ("山东省公安厅".encode(), "Chinese text"),
        (b"A" * 31, "31 bytes"),
        (b"A" * 32, "32 bytes"),
        (b"A" * 256, "256 bytes, whose bits need both bytes of ENTL"),
        (b"A" * 4096, "4096 bytes, whose ENTL has its highest bit set"),
        (b"A" * 8191, "8191 bytes, the longest"),
    ):
        signer = Signer(user_id=user_id)
        group = signer.group()
        group.valid(f"user id: {comment}", MESSAGE, signer.sign(MESSAGE), "UserId")
        group.invalid(f"user id: {comment}; signed under the usual one", MESSAGE, MAIN.sign(MESSAGE), "UserId")
        if user_id == b"ALICE123@YAHOO.COM":
            no_z = signer.sign(MESSAGE, e=int.from_bytes(sm2.sm3(MESSAGE)))
            group.invalid("user id of annex A, signed without Z", MESSAGE, no_z, "UserId", "NoZ")
        yield group
    empty = Signer(user_id=b"")
    group = empty.group()
    group.acceptable("the empty user id", MESSAGE, empty.sign(MESSAGE), "EmptyUserId")
    group.invalid("the empty user id, signed under the usual one", MESSAGE, MAIN.sign(MESSAGE), "EmptyUserId")
    yield group
    long = Signer(user_id=b"A" * 8192)
    group = long.group()
    group.invalid("ENTL wrapped around to 0", MESSAGE, long.sign(MESSAGE), "UserIdTooLong")
    yield group
