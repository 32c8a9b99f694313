"""SM2 vectors of a chosen digest e, which reach numbers that no message reaches."""

from collections.abc import Iterator

from tests.support.sm2_arithmetic import SM2, octets
from tests.vectors.sm2_form import MAIN, Group, N, P, der, number, public, sure, uncompressed


def digest_groups() -> Iterator[Group]:
    """Yield groups in which the digest is chosen: the key follows from R, s and t, or e from r."""
    reported = Group(
        "Sm2DigestVerify",
        bytes.fromhex(
            "04ef4de57af00ae424c00c4caadff7193f804a19dd73a7e2954db9d0d15ab4cbba"
            "67728c3f4572878b7a674735da9fde1682fe2d9e0799c4a5cde57e3d473039a2"
        ),
        user_id=None,
    )
    reported_sig = der(
        0xBE0EA64E1EC06F0D247093F3CCBBADCFB6260224272F86DDB78326E7CD6C7560,
        0xE9F6AB2FCC48A2CEF94838E66B5C7E21FD8E4DE25990DD98CA5243F4966F2853,
    )
    reported.valid("a zero digest, as reported", bytes(32), reported_sig, "FieldMultiplication", "EdgeCaseDigest")
    reported.invalid("the same signature of the digest 1", octets(1), reported_sig, "ModifiedMessage")
    reported.invalid("the same signature of the digest n-1", octets(N - 1), reported_sig, "ModifiedMessage")
    yield reported

    group = MAIN.group("Sm2DigestVerify")
    group.user_id = None
    for comment, e in (
        ("0", 0),
        ("1", 1),
        ("n-1", N - 1),
        ("n", N),
        ("n+1", N + 1),
        ("p", P),
        ("2^256-1", 2**256 - 1),
        ("2^255", 2**255),
        ("2^128", 2**128),
    ):
        group.valid(f"digest {comment}", octets(e), MAIN.sign(b"", e=e), "EdgeCaseDigest")
    group.valid("a digest and its signature", octets(5), MAIN.sign(b"", e=5))
    group.invalid("another digest", octets(6), MAIN.sign(b"", e=5), "ModifiedMessage")
    # t = 0: R = sG whatever the key; e is chosen to fit
    s = number("t is zero")
    group.invalid("t = 0, and R = sG fits", octets((N - s - public(s)[0]) % N), der(N - s, s), "ZeroT")
    # sG + tP = infinity: s = -td; without x1 some take 0, so r = e
    t = number("infinity")
    s = -t * MAIN.private % N
    group.invalid("sG + tP at infinity, r = e", octets((t - s) % N), der((t - s) % N, s), "PointAtInfinity")
    # sG = tP: the sum is a doubling, which an addition formula without that case gets wrong
    s = t * MAIN.private % N
    r = (t - s) % N
    e = (r - sure(SM2.multiply(2 * s % N, SM2.generator))[0]) % N
    group.valid("sG = tP: the sum is a doubling", octets(e), der(r, s), "EdgeCasePoint")
    for comment, s, t in (
        ("s = 1", 1, number("t1")),
        ("s = n-1", N - 1, number("t2")),
        ("s = 2", 2, number("t3")),
        ("t = 1", number("s1"), 1),
        ("t = n-1", number("s2"), N - 1),
        ("s = t - 1, r = 1", number("s3"), number("s3") + 1),
        ("r = n-1", number("s4"), (number("s4") - 1) % N),
        ("s = 2^128", 1 << 128, number("t5")),
    ):
        r = (t - s) % N
        point = sure(SM2.multiply((s + t * MAIN.private) % N, SM2.generator))
        group.valid(comment, octets((r - point[0]) % N), der(r, s), "EdgeCasePoint")
    yield group

    # x1 chosen: the key is (R - sG) / t, of which nobody knows the private number
    for comment, low in (
        ("x1 is not below n", N),
        ("x1 is the largest there is", None),
        ("x1 is zero or the smallest there is", 0),
    ):
        candidates = range(P - 1, N, -1) if low is None else range(low, P)
        target = sure(next(found for found in map(SM2.lift, candidates) if found is not None))
        s, t = number(f"s of {comment}"), number(f"t of {comment}")
        rest = SM2.add(target, SM2.negate(SM2.multiply(s, SM2.generator)))
        key = sure(SM2.multiply(pow(t, -1, N), rest))
        r = (t - s) % N
        group = Group("Sm2DigestVerify", uncompressed(key), user_id=None)
        group.valid(comment, octets((r - target[0]) % N), der(r, s), "EdgeCasePoint")
        yield group
    # the point with x = 0 as the key, and -G as the key
    zero = SM2.lift(0)
    if zero is not None:
        s, t = number("x zero s"), number("x zero t")
        total = sure(SM2.add(SM2.multiply(s, SM2.generator), SM2.multiply(t, zero)))
        group = Group("Sm2DigestVerify", uncompressed(zero), user_id=None)
        group.valid("the key with x = 0", octets((t - s - total[0]) % N), der((t - s) % N, s), "EdgeCaseKey")
        yield group
    group = Group("Sm2DigestVerify", uncompressed(public(N - 1)), user_id=None)
    r = number("minus G")
    e = octets((r - public(r)[0]) % N)
    for s in (1, number("any s"), N - 2):
        group.acceptable("the key -G, with which every s fits", e, der(r, s), "WeakKey")
    yield group
