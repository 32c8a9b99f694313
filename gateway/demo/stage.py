"""What the demo asks and what must come out: a site folder with a test authority, licences, forgeries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.demo.authority import DemoAuthority
from gateway.demo.forgeries import forge
from gateway.demo.issuer import issue_licences
from gateway.reason import Reason
from gateway.site_template import write_site
from gateway.verdict import Outcome

CALLER_ID = "demo-window"
KEY_ID = "demo-1"
AUDIENCE = "https://tongban.example.gov.cn"  # what the template of a site says


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One file to ask about: what it claims, what was done to it ("" for a genuine one), and the right answer."""

    name: str
    claim: str
    done_zh: str
    done_en: str
    document: bytes
    outcome: Outcome
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that a run of the demo needs; the private key is the demo caller's and lives in memory only."""

    authority: DemoAuthority
    questions: tuple[Question, ...]
    caller_key: Ed25519PrivateKey


def set_stage(now: datetime) -> Stage:
    """Create the authority, issue every licence and forge ten more files, all as of ``now``."""
    authority = DemoAuthority.create(now)
    licences = issue_licences(authority, now)
    genuine = tuple(
        Question(
            name=licence.name,
            claim=licence.claim,
            done_zh="",
            done_en="",
            document=licence.document,
            outcome=licence.outcome,
            reason=licence.reason,
        )
        for licence in licences
    )
    forged = tuple(
        Question(
            name=forgery.name,
            claim=forgery.claim,
            done_zh=forgery.done_zh,
            done_en=forgery.done_en,
            document=forgery.document,
            outcome=forgery.outcome,
            reason=forgery.reason,
        )
        for forgery in forge(authority, licences, now)
    )
    return Stage(authority=authority, questions=genuine + forged, caller_key=Ed25519PrivateKey.generate())


def write_stage(stage: Stage, folder: Path, now: datetime) -> Mapping[str, Path]:
    """Write ``site/`` (a complete site that trusts the test authority) and ``documents/``; returns both places."""
    site, documents = folder / "site", folder / "documents"
    write_site(site)
    stage.authority.write_trust_folder(site / "trust", now)
    (site / "callers" / "demo.toml").write_text(_caller(stage.caller_key), encoding="utf-8")
    documents.mkdir(parents=True)
    for question in stage.questions:
        (documents / question.name).write_bytes(question.document)
    return {"site": site, "documents": documents}


def _caller(key: Ed25519PrivateKey) -> str:
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"""\
# 演示窗口；私钥只存在于演示进程的内存中。
# The demo's window; its private key lives in the memory of the demo only.
id = "{CALLER_ID}"
name = "Demo window"
name_zh = "演示窗口"
organisation = "11370000000000000X"
region = "370000"
algorithm = "EdDSA"
kid = "{KEY_ID}"
key = \"\"\"
{pem.decode("ascii")}\"\"\"
"""
