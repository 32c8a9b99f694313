"""What the demo asks and what must come out: a site with a test authority, licences, forgeries, a store, a policy."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.demo.approving import approve_policy
from gateway.demo.authority import DemoAuthority
from gateway.demo.forgeries import forge
from gateway.demo.issuer import IssuedLicence, issue_licences
from gateway.demo.licences import TYPE_CODES
from gateway.demo.neighbours import SystemQuestion, ask_neighbours
from gateway.demo.sharing import DemoCaller, SharingQuestion, ask_about, make_callers
from gateway.reason import Reason
from gateway.secret_file import read_or_make_secret
from gateway.settings import StoreSettings
from gateway.site import SETTINGS_FILE
from gateway.site_template import write_site
from gateway.sources.intake import read_new_licence
from gateway.sources.licence_store import LicenceStore
from gateway.sources.store import SqliteLicenceStore
from gateway.verdict import Outcome
from policies.dimension import LicenceStatus

CALLER_ID = "demo-window"
KEY_ID = "demo-1"
AUDIENCE = "https://tongban.example.gov.cn"  # what the template of a site says


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask about: what it claims, what was done to it ("" for a genuine one), and the right answer.

    ``key`` names a licence of the store in place of the document.
    """

    name: str
    claim: str
    done_zh: str
    done_en: str
    document: bytes
    outcome: Outcome
    reason: Reason | None
    key: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that a run of the demo needs; the private key is the demo caller's and lives in memory only.

    ``stock`` is what the gateway's own store keeps. ``callers`` ask the questions of ``sharing``, about what they see.
    ``systems`` are questions about licences for which the word of another system counts.
    """

    authority: DemoAuthority
    questions: tuple[Question, ...]
    caller_key: Ed25519PrivateKey
    stock: tuple[IssuedLicence, ...] = ()
    callers: tuple[DemoCaller, ...] = ()
    sharing: tuple[SharingQuestion, ...] = ()
    systems: tuple[SystemQuestion, ...] = ()


def set_stage(now: datetime) -> Stage:
    """Create the authority, issue every licence and forge ten more files, all as of ``now``."""
    authority = DemoAuthority.create(now)
    licences = issue_licences(authority, now)
    stock, callers = select_stock(licences), make_callers()
    genuine = tuple(_submit(licence, is_suspended=licence is stock[-1]) for licence in licences)
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
    return Stage(
        authority=authority,
        questions=genuine + forged + ask_store(stock),
        caller_key=Ed25519PrivateKey.generate(),
        stock=stock,
        callers=tuple(callers.values()),
        sharing=ask_about(stock, callers),
        systems=ask_neighbours(stock),
    )


def write_stage(stage: Stage, folder: Path, now: datetime) -> Mapping[str, Path]:
    """Write ``site/`` (a complete site that trusts the test authority) and ``documents/``; returns both places.

    The store of the site keeps the genuine licences, and its policy is approved and in force.
    """
    site, documents = folder / "site", folder / "documents"
    write_site(site)
    stage.authority.write_trust_folder(site / "trust", now)
    (site / "callers" / "demo.toml").write_text(_caller(stage.caller_key), encoding="utf-8")
    for caller in stage.callers:
        (site / "callers" / f"{caller.id}.toml").write_text(caller.encode(), encoding="utf-8")
    documents.mkdir(parents=True)
    for question in stage.questions:
        if question.key is None:
            (documents / question.name).write_bytes(question.document)
    if stage.stock:
        fill_store(site / StoreSettings().file, stage.stock, now)
    approve_policy(site, now)
    _configure_pseudonyms(site)
    return {"site": site, "documents": documents}


def _configure_pseudonyms(site: Path) -> None:
    """Give the site a key for pseudonyms where the settings propose one, and name it there."""
    place = "state/pseudonym.key"
    read_or_make_secret(site / place)
    settings = site / SETTINGS_FILE
    named = settings.read_text(encoding="utf-8").replace(f'# pseudonym_key = "{place}"', f'pseudonym_key = "{place}"')
    settings.write_text(named, encoding="utf-8")


def select_stock(licences: Iterable[IssuedLicence]) -> tuple[IssuedLicence, ...]:
    """Return the licences that a store keeps: all but annotated copies, which are no licences of record."""
    return tuple(licence for licence in licences if licence.draft.annotation is None)


def fill_store(path: Path, stock: Sequence[IssuedLicence], now: datetime) -> None:
    """Put the licences into a new store, and suspend the last one."""
    with closing(SqliteLicenceStore(path, create=True)) as store:
        store_licences(store, stock, now)


def store_licences(store: LicenceStore, stock: Sequence[IssuedLicence], now: datetime) -> None:
    """Put the licences into an empty store of any kind, and suspend the last one."""
    store.add([read_new_licence(licence.document) for licence in stock], at=now)
    store.set_status(
        stock[-1].draft.identifier,
        LicenceStatus.SUSPENDED,
        is_under_objection=False,
        reason="演示：暂扣 Demo: suspended",
        at=now,
    )


def ask_store(stock: Sequence[IssuedLicence]) -> tuple[Question, ...]:
    """Ask for licences of the store that `fill_store` fills: found, of another holder, not there, suspended."""
    first, second, suspended = stock[0], stock[1], stock[-1]
    parts = {"number": second.draft.number, "type": TYPE_CODES[second.draft.kind]}
    holder, other = second.draft.holders[0].code, first.draft.holders[0].code
    return (
        _ask("by-identifier", first, {"identifier": first.draft.identifier}),
        _ask("by-number-and-holder", second, parts | {"holder": holder}),
        *(
            _ask(name, second, parts | wrong, zh, en, outcome=Outcome.UNKNOWN, reason=Reason.STATUS_NOT_FOUND)
            for name, wrong, zh, en in (
                ("another-holder", {"holder": other}, "所填持证主体有误", "the holder is another one"),
                ("no-such-number", {"number": "0", "holder": holder}, "所填编号有误", "there is no such number"),
            )
        ),
        _ask(
            "suspended",
            suspended,
            {"identifier": suspended.draft.identifier},
            "证照库登记为暂扣",
            "suspended in the register",
            outcome=Outcome.INVALID,
            reason=Reason.STATUS_SUSPENDED,
        ),
    )


def _submit(licence: IssuedLicence, *, is_suspended: bool) -> Question:
    """Send a genuine document; that of the licence which `fill_store` suspends is not in force all the same."""
    return Question(
        name=licence.name,
        claim=licence.claim,
        done_zh="证照库登记为暂扣" if is_suspended else "",
        done_en="suspended in the register" if is_suspended else "",
        document=licence.document,
        outcome=Outcome.INVALID if is_suspended else licence.outcome,
        reason=Reason.STATUS_SUSPENDED if is_suspended else licence.reason,
    )


def _ask(
    name: str,
    licence: IssuedLicence,
    key: Mapping[str, str],
    done_zh: str = "",
    done_en: str = "",
    *,
    outcome: Outcome = Outcome.VALID,
    reason: Reason | None = None,
) -> Question:
    return Question(
        name=f"store: {name}",
        claim=licence.claim,
        done_zh=done_zh,
        done_en=done_en,
        document=b"",
        outcome=outcome,
        reason=reason,
        key=key,
    )


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
kind = "counter"
key = \"\"\"
{pem.decode("ascii")}\"\"\"
"""
