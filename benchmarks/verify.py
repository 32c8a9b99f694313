"""``tongban bench verify``: a 100 kB OFD with one seal, never seen before; where its time goes, step by step."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

from adapters.document import Document
from adapters.ofd.sealing import SignaturePlan, Stamp, add_signatures
from adapters.ofd.writer import encode_members, encode_package, page_id
from adapters.registry import parse_document
from adapters.ses.signature import parse_seal_signature
from adapters.strict.xml import parse_xml
from adapters.strict.zip import read_package
from benchmarks.report import Reach, report, spread
from gateway.checks.document import check_document
from gateway.demo.authority import DemoAuthority
from gateway.demo.catalogue import drafts
from gateway.demo.issuer import compose
from gateway.demo.png import encode_png
from gateway.demo.seals import open_office, sealer
from gateway.pipeline import verify_document
from gateway.verdict import Outcome
from keys.certificate import parse_certificate
from keys.digest import sm3
from keys.revocation_list import parse_revocation_list
from keys.signature import verify_signature
from keys.trust import Anchor, Purpose, TrustStore

T = TypeVar("T")

DOCUMENT_BYTES = 100_000
OVERHEAD_GOAL_MS = 1.0  # everything but the arithmetic of SM2 and SM3, at the median
FIRST_SIGHT_ROUNDS = 10  # an authority of its own for each, which is slow to make
DIFFERENT_DOCUMENTS = 16
SIGNED_AGO = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Documents of one authority, and the trust store with which each of them verifies as valid."""

    documents: tuple[bytes, ...]
    store: TrustStore


def run(*, rounds: int) -> dict[str, Any]:
    """Measure and return the report; every verdict is checked, so a fast wrong answer is an error, not a figure.

    Nothing about a document is remembered between rounds; certificates and paths of its issuer are, as in a gateway
    that has seen this issuer before. ``first_sight_ms`` is the same for an issuer that was never seen.

    Raises:
        RuntimeError: a verdict was not valid.

    """
    now = datetime.now(UTC).replace(microsecond=0)
    setting = build_setting(now, count=DIFFERENT_DOCUMENTS)
    samples: dict[str, list[float]] = {}
    measure_round(setting.documents[0], setting.store, now)  # warm-up, not counted
    for number in range(rounds):
        document = setting.documents[number % len(setting.documents)]
        for step, milliseconds in measure_round(document, setting.store, now).items():
            samples.setdefault(step, []).append(milliseconds)
    first_sight = [measure_first_sight(now) for _ in range(FIRST_SIGHT_ROUNDS)]
    return report(
        "verify",
        rounds=rounds,
        reach=[
            Reach(
                measure="everything but SM2 and SM3 arithmetic, 100 kB OFD with one seal, median",
                value=median(samples["all_but_arithmetic"]),
                unit="ms",
                goal=OVERHEAD_GOAL_MS,
                better="lower",
            )
        ],
        detail={
            "document_bytes": len(setting.documents[0]),
            "documents": len(setting.documents),
            "steps_ms": {step: spread(values) for step, values in samples.items()},
            "verifications_per_second_and_core": round(1000 / median(samples["total"])),
            "first_sight_ms": spread(first_sight),
            "steps": "unzip, xml, der, checks and digest, sm2 are timed by themselves; reading is what parsing takes "
            "beyond unzip, xml and der; checks is what judging takes beyond digest and sm2",
        },
    )


def measure_round(data: bytes, store: TrustStore, now: datetime) -> dict[str, float]:
    """Verify one document as a whole and then again step by step; milliseconds for each step."""
    total, _ = timed(lambda: require_valid(data, store, now))
    parse, document = timed(lambda: parse_document(data))
    judge, _ = timed(lambda: check_document(document, store=store, at=now))
    unzip, members = timed(lambda: read_package(data))
    markup = [content for path, content in members.items() if path.endswith(".xml") and "/Pages/" not in path]
    xml, _ = timed(lambda: [parse_xml(content, root=None) for content in markup])
    value = next(content for path, content in members.items() if path.endswith("SignedValue.dat"))
    der, _ = timed(lambda: parse_seal_signature(value))
    digest, _ = timed(lambda: digest_all(document))
    sm2, _ = timed(lambda: verify_all(document))
    return {
        "total": total,
        "unzip": unzip,
        "xml": xml,
        "der": der,
        "reading": parse - unzip - xml - der,
        "digest": digest,
        "sm2": sm2,
        "checks": judge - digest - sm2,
        "all_but_arithmetic": total - digest - sm2,
    }


def measure_first_sight(now: datetime) -> float:
    """Verify one document of an authority that nobody has seen; milliseconds."""
    setting = build_setting(now, count=1)
    return timed(lambda: require_valid(setting.documents[0], setting.store, now))[0]


def digest_all(document: Document) -> None:
    """Compute every SM3 digest that a verdict of this document needs, and nothing else."""
    for signature in document.signatures:
        for entry in signature.references.entries if signature.references else ():
            sm3(entry.content or b"")
        sm3(signature.data or b"")


def verify_all(document: Document) -> None:
    """Compute every SM2 verification that a verdict of this document needs once its paths are known."""
    for signature in document.signatures:
        for part in (signature.signed, signature.seal.maker if signature.seal else None):
            if part is not None and part.certificate is not None:
                verify_signature(
                    message=part.message,
                    signature=part.signature,
                    algorithm=part.algorithm,
                    spki=parse_certificate(part.certificate).spki,
                )


def require_valid(data: bytes, store: TrustStore, now: datetime) -> None:
    """Verify, and refuse to go on measuring when the answer is wrong."""
    verdict = verify_document(data, store=store, at=now)
    if verdict.outcome is not Outcome.VALID:
        raise RuntimeError(f"a valid verdict was expected, got {verdict.outcome}: {verdict.reasons}")


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Return milliseconds and the result."""
    start = perf_counter()
    result = call()
    return (perf_counter() - start) * 1000, result


def build_setting(now: datetime, *, count: int) -> Setting:
    """Issue ``count`` different documents of about 100 kB under a new test authority."""
    authority = DemoAuthority.create(now)
    draft = drafts(now)[0]
    seal = open_office(authority, draft.office, now)
    anchors = {Purpose.SEAL_MAKER: authority.maker_issuer, Purpose.SIGNER: authority.signer_issuer}
    signed_at = now - SIGNED_AGO
    plan = SignaturePlan(
        seal=seal.encoded,
        signed_at=signed_at,
        stamps=(Stamp(page_id=page_id(0), x=150, y=230, width=40, height=40),),
        digest=sm3,
        sealer=sealer(seal=seal.encoded, signer=seal.signer, signed_at=signed_at),
        provider="TongbanBench",
        provider_version="1.0",
    )
    content = compose(draft, created=signed_at.date())
    documents = []
    for number in range(count):
        pictures = {**content.pictures, "scan.png": noise(number, DOCUMENT_BYTES - 32_000)}
        members = encode_members(replace(content, pictures=pictures), signed=True)
        documents.append(encode_package(add_signatures(members, [plan])))
    return Setting(
        documents=tuple(documents),
        store=TrustStore(
            anchors=tuple(
                Anchor(certificate=parse_certificate(issuer.certificate), purposes=frozenset({purpose}))
                for purpose, issuer in anchors.items()
            ),
            revocation_lists=tuple(parse_revocation_list(encoded) for encoded in authority.crls(now)),
        ),
    )


def noise(number: int, size: int) -> bytes:
    """Return a picture of about ``size`` bytes that does not compress, as a scan does not."""
    width = 100
    height = size // (4 * width)
    seed = int.from_bytes(hashlib.sha256(number.to_bytes(4)).digest())
    return encode_png(width, height, random.Random(seed).randbytes(4 * width * height))
