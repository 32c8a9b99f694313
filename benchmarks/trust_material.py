"""Material for the trust benchmarks: a revocation list of any length, and how it is loaded, beside other libraries."""

import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from asn1crypto import core, crl, x509
from cryptography import x509 as pyca

from keys.der import BIT_STRING, INTEGER, SEQUENCE, UTC_TIME, encode_header
from keys.revocation_list import parse_revocation_list
from keys.signature import SM2_WITH_SM3
from keys.sm2 import Sm2PrivateKey

NATIONAL_ENTRIES: Final = 1_000_000  # the length that a national list reaches
GOAL_SECONDS: Final = 1.0
GOAL_MIB: Final = 100.0

_SERIAL_BITS: Final = 127  # 16 bytes or a few less, as most CAs write
_REASONS: Final = (b"", *(bytes.fromhex(f"300c300a0603551d1504030a01{number:02x}") for number in (1, 3, 4, 5)))
_MOMENTS: Final = 5_000  # different moments of revocation, over four years
_LOOKUPS: Final = 2_000
_LOOKUP_SECONDS: Final = 2.0
_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_EXTENSIONS: Final = 0xA0
_KIB_IN_MIB: Final = 1024

# asn1crypto carries no types; it is used to write a name and an algorithm, and as a peer.
_Name: Any = x509.Name
_ObjectIdentifier: Any = core.ObjectIdentifier
_CertificateList: Any = crl.CertificateList


def make_revocation_list(entries: int, *, now: datetime, seed: int = 7) -> tuple[bytes, tuple[int, ...]]:
    """Make a list of ``entries`` random serial numbers, signed with SM2; return it and the serial numbers.

    Four of five entries give a reason, the moments are spread over all days of four years.
    """
    generator = random.Random(seed)
    moments = [
        _element(UTC_TIME, (now - timedelta(hours=7 * number, seconds=number)).strftime("%y%m%d%H%M%SZ").encode())
        for number in range(_MOMENTS)
    ]
    serials = tuple(generator.getrandbits(_SERIAL_BITS) | 1 for _ in range(entries))
    revoked = b"".join(
        _element(SEQUENCE, _integer(serial) + moments[place % _MOMENTS] + _REASONS[place % len(_REASONS)])
        for place, serial in enumerate(serials)
    )
    key = Sm2PrivateKey.generate()
    algorithm = _element(SEQUENCE, _ObjectIdentifier(SM2_WITH_SM3).dump())
    number = _element(SEQUENCE, _ObjectIdentifier("2.5.29.20").dump() + _element(0x04, _integer(7)))
    tbs = _element(
        SEQUENCE,
        _integer(1)
        + algorithm
        + bytes(_Name.build({"country_name": "CN", "common_name": "Benchmark CA"}).dump())
        + _element(UTC_TIME, now.strftime("%y%m%d%H%M%SZ").encode())
        + _element(UTC_TIME, (now + timedelta(days=7)).strftime("%y%m%d%H%M%SZ").encode())
        + _element(SEQUENCE, revoked)
        + _element(_EXTENSIONS, _element(SEQUENCE, number)),
    )
    return _element(SEQUENCE, tbs + algorithm + _element(BIT_STRING, b"\x00" + key.sign(tbs))), serials


def _element(tag: int, content: bytes) -> bytes:
    return encode_header(tag, len(content)) + content


def _integer(number: int) -> bytes:
    return _element(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def _load_ours(blob: bytes) -> Callable[[int], object]:
    return parse_revocation_list(blob).find


def _load_pyca(blob: bytes) -> Callable[[int], object]:
    loaded = pyca.load_der_x509_crl(blob)
    len(loaded)  # the entries are read on first use
    return loaded.get_revoked_certificate_by_serial_number


def _load_asn1crypto(blob: bytes) -> Callable[[int], object]:
    loaded = _CertificateList.load(blob)
    found = {
        entry["user_certificate"].native: entry for entry in loaded["tbs_cert_list"]["revoked_certificates"]
    }  # what its users do, for want of a search
    return found.get


LOADERS: Final[Mapping[str, Callable[[bytes], Callable[[int], object]]]] = MappingProxyType(
    {"tongban": _load_ours, "cryptography": _load_pyca, "asn1crypto": _load_asn1crypto}
)


def measure_revocation_lists(
    entries: int = NATIONAL_ENTRIES, *, rounds: int = 3, libraries: tuple[str, ...] = tuple(LOADERS)
) -> dict[str, dict[str, float]]:
    """Load one list with each library in turn, ``rounds`` times, each time in a fresh process.

    Returns for each library the best of: ``seconds`` to load, ``mib`` of memory beyond the process before (the list
    itself included), and ``microseconds`` for one look-up (half of them hits).
    """
    found: dict[str, dict[str, float]] = {}
    context = multiprocessing.get_context("spawn")
    blob, serials = make_revocation_list(entries, now=_MOMENT)
    asked = list(serials[:: max(1, entries // _LOOKUPS)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.crl"
        path.write_bytes(blob)
        for _ in range(rounds):
            for library in libraries:
                with context.Pool(1) as pool:
                    measured = pool.apply(_measure, (library, path, asked))
                best = found.setdefault(library, measured)
                found[library] = {name: min(best[name], value) for name, value in measured.items()}
    return found


def _measure(library: str, path: Path, asked: list[int]) -> dict[str, float]:
    LOADERS[library](make_revocation_list(10, now=_MOMENT)[0])  # imports and tables are not the list's
    before = _peak_kib()
    blob = path.read_bytes()
    begin = time.perf_counter()
    find = LOADERS[library](blob)
    loaded = time.perf_counter()
    searches = 0
    for serial in asked:
        if find(serial) is None or find(serial + 2**_SERIAL_BITS) is not None:
            raise RuntimeError("a wrong answer")
        searches += 2
        if time.perf_counter() - loaded > _LOOKUP_SECONDS:  # a library that walks the list takes seconds for each
            break
    searched = time.perf_counter()
    after = _peak_kib()
    return {
        "seconds": round(loaded - begin, 4),
        "mib": round((after - before) / _KIB_IN_MIB, 1),
        "microseconds": round((searched - loaded) / searches * 1e6, 3),
    }


def _peak_kib() -> int:
    """Return the peak memory of this process; getrusage would also count that of the process that started it."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("a system with /proc is needed to measure memory")
