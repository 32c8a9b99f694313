"""SM2 from the text of GB/T 32918, in plain integers: slow, without any library, and able to do what none would.

It makes the vectors in tests/vectors/sm2: it signs with chosen nonces, leaves Z out, works with points off the curve.
It is no third implementation to rely on: nothing in it is constant in time, and `verify` exists to check the generator.
"""

import hashlib
from dataclasses import dataclass

Point = tuple[int, int] | None  # None: the point at infinity


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """y² = x³ + ax + b over p, with a generator of prime order n."""

    p: int
    a: int
    b: int
    n: int
    generator: tuple[int, int]

    def has(self, point: Point) -> bool:
        """Return whether a point other than infinity is on the curve, with reduced coordinates."""
        if point is None:
            return False
        x, y = point
        return max(x, y) < self.p and (y * y - (x * x * x + self.a * x + self.b)) % self.p == 0

    def add(self, one: Point, other: Point) -> Point:
        """Add two points; b does not occur, so points of other curves of the family are added without complaint."""
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2) = one, other
        if (x1 - x2) % self.p == 0:
            if (y1 + y2) % self.p == 0:
                return None
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def multiply(self, scalar: int, point: Point) -> Point:
        """Multiply by double and add; ``scalar`` is not reduced."""
        total: Point = None
        while scalar:
            if scalar & 1:
                total = self.add(total, point)
            point = self.add(point, point)
            scalar >>= 1
        return total

    def negate(self, point: Point) -> Point:
        """Return the inverse of a point."""
        return None if point is None else (point[0], -point[1] % self.p)

    def lift(self, x: int) -> Point:
        """Return the point with this x and an even y, or None where the curve has none (p ≡ 3 mod 4)."""
        square = (x * x * x + self.a * x + self.b) % self.p
        y = pow(square, (self.p + 1) // 4, self.p)
        if y * y % self.p != square:
            return None
        return x, y if y % 2 == 0 else self.p - y


SM2 = Curve(
    p=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF,
    a=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC,
    b=0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    n=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    generator=(
        0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
        0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
    ),
)
P256 = Curve(
    p=0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    a=0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    generator=(
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
)
DEFAULT_USER_ID = b"1234567812345678"


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest."""
    return hashlib.new("sm3", data).digest()


def octets(number: int) -> bytes:
    """Write a number as 32 bytes."""
    return number.to_bytes(32)


def z_value(key: tuple[int, int], user_id: bytes = DEFAULT_USER_ID, *, curve: Curve = SM2) -> bytes:
    """Return Z = SM3(ENTL‖ID‖a‖b‖xG‖yG‖xA‖yA); ENTL is the length of the id in bits (GB/T 32918.2 section 5.5)."""
    parts = (curve.a, curve.b, *curve.generator, *key)
    entl = (len(user_id) * 8 % 65536).to_bytes(2)
    return sm3(entl + user_id + b"".join(octets(part) for part in parts))


def digest(key: tuple[int, int], message: bytes, user_id: bytes = DEFAULT_USER_ID) -> int:
    """Return e = SM3(Z‖M) as a number (GB/T 32918.2 section 6.1, A1 and A2)."""
    return int.from_bytes(sm3(z_value(key, user_id) + message))


def sign(private: int, e: int, nonce: int, *, curve: Curve = SM2) -> tuple[int, int]:
    """Sign the digest with a chosen nonce (GB/T 32918.2 section 6.1); raises ValueError when the nonce will not do."""
    point = curve.multiply(nonce, curve.generator)
    if point is None:
        raise ValueError("another nonce is needed")
    r = (e + point[0]) % curve.n
    s = pow(1 + private, -1, curve.n) * (nonce - r * private) % curve.n
    if r == 0 or s == 0 or (r + nonce) % curve.n == 0:
        raise ValueError("another nonce is needed")
    return r, s


def verify(key: Point, e: int, r: int, s: int, *, curve: Curve = SM2) -> bool:
    """Verify a digest's signature, each step of GB/T 32918.2 section 7.1 in its order."""
    if not (curve.has(key) and 1 <= r < curve.n and 1 <= s < curve.n):
        return False
    t = (r + s) % curve.n
    if t == 0:
        return False
    point = curve.add(curve.multiply(s, curve.generator), curve.multiply(t, key))
    return point is not None and (e + point[0]) % curve.n == r
