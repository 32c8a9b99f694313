"""``tongban bench trust``: a path of SM2 certificates, a national revocation list, a trust list of 5,000 anchors."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any, Final

from benchmarks.report import Reach, report, spread
from benchmarks.trust_material import GOAL_MIB, GOAL_SECONDS, NATIONAL_ENTRIES, measure_revocation_lists
from gateway.demo.authority import DemoAuthority
from gateway.demo.certificates import CertificateContent, Subject, Usage, encode_certificate
from keys.certificate import Certificate, parse_certificate
from keys.chain import build_chain
from keys.sm2 import Sm2PrivateKey
from keys.trust import Anchor, Purpose, TrustStore
from keys.trust_list import (
    ListAlgorithm,
    ListKey,
    ListKeys,
    ListSignature,
    TrustList,
    encode_trust_list,
    trust_store,
)
from keys.trust_list_parse import parse_trust_list
from keys.trust_list_verify import verify_trust_list

WARM_GOAL_US: Final = 5.0
COLD_GOAL_MS: Final = 3.0
LIST_GOAL_MS: Final = 300.0
LIST_ANCHORS: Final = 5_000
MAX_COLD_ROUNDS: Final = 50  # a new authority for each, which is slow to make
MAX_LIST_ROUNDS: Final = 5  # a new list for each
MAX_REVOCATION_ROUNDS: Final = 3  # a new process for each and for each library
_WARM_CALLS: Final = 2_000
_YEAR: Final = timedelta(days=365)
_NAME_DIGITS: Final = 6
_SERIAL_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A leaf, the CA that issued it, and a store that trusts the root above that one."""

    leaf: Certificate
    issuer: Certificate
    store: TrustStore


def run(*, rounds: int, entries: int = NATIONAL_ENTRIES, anchors: int = LIST_ANCHORS) -> dict[str, Any]:
    """Measure and return the report; every answer is checked.

    Raises:
        RuntimeError: an answer was wrong.

    """
    now = datetime.now(UTC).replace(microsecond=0)
    cold = [milliseconds for milliseconds, _ in measure_cold(min(rounds, MAX_COLD_ROUNDS), now)]
    warm = measure_warm(rounds, now)
    lists = [measure_list(anchors, number, now) for number in range(min(rounds, MAX_LIST_ROUNDS))]
    revocation_rounds = min(rounds, MAX_REVOCATION_ROUNDS)
    revocation = measure_revocation_lists(entries, rounds=revocation_rounds)
    ours = revocation["tongban"]
    return report(
        "trust",
        rounds=rounds,
        reach=[
            Reach(measure="path of three SM2 certificates, warm", value=median(warm), unit="µs", goal=WARM_GOAL_US,
                  better="lower"),
            Reach(measure="path of three SM2 certificates, cold", value=median(cold), unit="ms", goal=COLD_GOAL_MS,
                  better="lower"),
            Reach(measure=f"revocation list of {entries} entries, load", value=ours["seconds"], unit="s",
                  goal=GOAL_SECONDS, better="lower"),
            Reach(measure=f"revocation list of {entries} entries, memory", value=ours["mib"], unit="MiB",
                  goal=GOAL_MIB, better="lower"),
            Reach(measure=f"trust list of {anchors} anchors, read, verified and indexed", value=median(lists),
                  unit="ms", goal=LIST_GOAL_MS, better="lower"),
        ],
        detail={
            "warm_us": spread(warm),
            "cold_ms": spread(cold),
            "cold_rounds": len(cold),
            "trust_list_ms": spread(lists),
            "trust_list_rounds": len(lists),
            "revocation_list": revocation,
            "revocation_list_rounds": revocation_rounds,
            "times_as_fast_to_load_as": compare(revocation, "seconds"),
            "times_less_memory_than": compare(revocation, "mib"),
            "times_as_fast_to_look_up_as": compare(revocation, "microseconds"),
            "how": "wall-clock time throughout; libraries take "
            "turns, each time in a fresh process, and the best of each is shown; a look-up is timed with half of the "
            "serial numbers on the list; the certificates of a cold path were never seen before",
        },
    )  # fmt: skip


def compare(measured: dict[str, dict[str, float]], figure: str) -> dict[str, float | None]:
    """Return how many times our figure each other library needs; None where ours is too small to tell."""
    ours = measured["tongban"][figure]
    return {
        library: round(found[figure] / ours, 2) if ours else None
        for library, found in measured.items()
        if library != "tongban"
    }


def measure_warm(rounds: int, now: datetime) -> list[float]:
    """Ask for a path that was found before; microseconds for one call, for each round."""
    path = make_path(now)
    found = []
    require_path(path, now)
    for _ in range(rounds):
        begun = perf_counter()
        for _ in range(_WARM_CALLS):
            build_chain(path.leaf, store=path.store, purpose=Purpose.SIGNER, at=now, extra=(path.issuer,))
        found.append((perf_counter() - begun) / _WARM_CALLS * 1_000_000)
    return found


def measure_cold(rounds: int, now: datetime) -> Iterator[tuple[float, Path]]:
    """Ask for a path below an authority that nobody has seen; milliseconds, for each round."""
    for _ in range(rounds):
        path = make_path(now)
        begun = perf_counter()
        require_path(path, now)
        yield (perf_counter() - begun) * 1000, path


def require_path(path: Path, now: datetime) -> None:
    """Build the chain, and refuse to go on measuring when it is not the one of three."""
    chain = build_chain(path.leaf, store=path.store, purpose=Purpose.SIGNER, at=now, extra=(path.issuer,))
    if len(chain.certificates) != 3:  # noqa: PLR2004 - what is measured
        raise RuntimeError(f"a chain of three was expected, got {len(chain.certificates)}")


def make_path(now: datetime) -> Path:
    """Make a new authority with a signer, and trust its root."""
    authority = DemoAuthority.create(now)
    signer = authority.issue_certificate(
        subject=Subject(common_name="Benchmark signer", organisation="Benchmark"),
        usage=Usage.SIGNING,
        not_before=now - _YEAR,
        not_after=now + _YEAR,
        ca=authority.signer_issuer,
    )
    root = Anchor(certificate=parse_certificate(authority.root.certificate), purposes=frozenset({Purpose.SIGNER}))
    store = TrustStore(anchors=(root,))
    _ = store.version, store.anchors_by_name  # a store is indexed when it is loaded, not when it is asked
    return Path(
        leaf=parse_certificate(signer.certificate),
        issuer=parse_certificate(authority.signer_issuer.certificate),
        store=store,
    )


def measure_list(anchors: int, number: int, now: datetime) -> float:
    """Read, verify and index a list that was never seen; milliseconds.

    Raises:
        RuntimeError: not everybody on it is in the store.

    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # so that this process has seen none of its certificates
        data, keys = pool.apply(make_list, (anchors, number, now))
    begun = perf_counter()
    found = parse_trust_list(data)
    verify_trust_list(found, previous=None, root_keys=keys, at=now)
    store = trust_store([found])
    _ = store.version, store.anchors_by_name
    milliseconds = (perf_counter() - begun) * 1000
    if len(store.select(Purpose.SEAL_MAKER, now)) != anchors:
        raise RuntimeError(f"{anchors} makers were expected")
    return milliseconds


def make_list(anchors: int, number: int, now: datetime) -> tuple[bytes, ListKeys]:
    """Make a list with so many makers, each with a certificate of its own, and another list for each ``number``."""
    keeper = Sm2PrivateKey.generate()
    key = ListKey(id="keeper", algorithm=ListAlgorithm.SM2, public_key=keeper.public_key.spki)
    keys = ListKeys(keys=(key,), threshold=1)
    makers = tuple(
        Anchor(certificate=parse_certificate(der), purposes=frozenset({Purpose.SEAL_MAKER}), is_exhaustive=True)
        for der in make_certificates(anchors, now)
    )
    unsigned = TrustList(
        name=f"benchmark-{number}",
        version=1,
        issued=now,
        expires=now + timedelta(days=90),
        previous=None,
        signers=keys,
        anchors=makers,
    )
    signature = ListSignature(key=key.id, value=keeper.sign(unsigned.signed_bytes))
    return encode_trust_list(unsigned.with_signature(signature)), keys


def make_certificates(count: int, now: datetime) -> Iterator[bytes]:
    """Make certificates that differ in name and serial number; the rest, and the signature, is of one mould.

    Nobody verifies them here: a maker that a list names is trusted as it stands.
    """
    key = Sm2PrivateKey.generate()
    name, serial = "0" * _NAME_DIGITS, int.from_bytes(b"\x01" * _SERIAL_BYTES)
    issuer = Subject(common_name="Benchmark CA", organisation="Benchmark")
    mould = encode_certificate(
        CertificateContent(
            serial=serial,
            subject=Subject(common_name=f"Maker {name}", organisation="Benchmark"),
            spki=key.public_key.spki,
            issuer=issuer,
            issuer_spki=key.public_key.spki,
            usage=Usage.SIGNING,
            not_before=now - _YEAR,
            not_after=now + _YEAR,
        ),
        key.sign,
    )
    old_name, old_serial = f"Maker {name}".encode(), serial.to_bytes(_SERIAL_BYTES)
    for place in range(count):
        new_serial = (serial + place + 1).to_bytes(_SERIAL_BYTES)
        der = mould.replace(old_serial, new_serial, 1)
        yield der.replace(old_name, f"Maker {place:0{_NAME_DIGITS}}".encode(), 1)
