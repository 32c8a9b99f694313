"""The site that is asked over HTTP: real sealed licences, lists of what was revoked, the example policy in force."""

import base64
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from adapters.ofd.writer import encode_package
from benchmarks.http_load import encode_question
from gateway.callers import TokenAlgorithm
from gateway.demo.approving import approve_policy
from gateway.demo.authority import DemoAuthority
from gateway.demo.catalogue import CHINA
from gateway.demo.issuer import IssuedLicence, Use, issue_licences, seal_draft
from gateway.demo.licences import Kind
from gateway.demo.sharing import KEY_ID, DemoCaller, make_callers
from gateway.demo.stage import AUDIENCE, fill_store, select_stock
from gateway.settings import StoreSettings
from gateway.site_template import write_site
from gateway.tokens import encode_token

ITEM: Final = "EX-QT-03"  # a court's inquiry: the policy decides on each of the certificate's twenty fields
PATH: Final = "/v1/verifications"
CASES: Final = 200  # different cases and officials, so that budgets count as they do in practice
_LIMIT: Final = re.compile(r"^limit = \d+$", re.MULTILINE)
_PLENTY: Final = 10_000_000  # of every budget: it is counted, and never reached
_LIMITS: Final = "[limits]\nrate_per_second = 1000000\nburst = 1000000\nconcurrency = 10000\n"  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A site on disk, who asks, and about which of its licences."""

    site: Path
    authority: DemoAuthority
    caller: DemoCaller
    licences: Sequence[IssuedLicence]

    def encode_warm(self, host: str) -> list[bytes]:
        """Return requests about licences of the store, by identifier; their token is good for some minutes."""
        token = self.make_token()
        return [
            encode_question(PATH, host, token, self.encode_body(number, {"identifier": licence.draft.identifier}))
            for number, licence in zip(range(CASES), _again(self.licences), strict=False)
        ]

    def encode_cold(self, host: str, documents: Iterable[bytes]) -> Iterator[bytes]:
        """Yield requests that bring a document each."""
        token = self.make_token()
        for number, document in enumerate(documents):
            licence = {"document": base64.b64encode(document).decode("ascii")}
            yield encode_question(PATH, host, token, self.encode_body(number, licence))

    def encode_body(self, number: int, licence: dict[str, Any]) -> bytes:
        """Return the question of one of the cases."""
        case = number % CASES
        question = {
            "licence": licence,
            "purpose": {"item": ITEM, "case": f"FY2026-{case:06d}", "use": "办案协助查询"},
            "operator": {"id": f"judge-{case % 40}"},
        }
        return json.dumps(question, ensure_ascii=False).encode()

    def make_token(self) -> str:
        """Return a token of the caller."""
        return encode_token(
            caller_id=self.caller.id,
            key_id=KEY_ID,
            algorithm=TokenAlgorithm.EDDSA,
            private_key=self.caller.key,
            audience=AUDIENCE,
            issued_at=datetime.now(UTC),
            token_id=str(uuid.uuid4()),
        )

    def seal_new(self, count: int) -> Iterator[bytes]:
        """Issue so many certificates that nobody has seen before."""
        pattern = self.licences[0]
        signed_at = datetime.combine(pattern.draft.issued_on, datetime.min.time(), CHINA).replace(hour=10)
        use = Use(seal=pattern.seal.encoded, signer=pattern.seal.signer, signed_at=signed_at)
        for number in range(count):
            draft = replace(pattern.draft, number=f"{pattern.draft.number}-{number}", serial=f"{number:08d}")
            yield encode_package(seal_draft(draft, [use]))


def write_material(folder: Path, now: datetime) -> Asked:
    """Write a complete site into the folder."""
    authority = DemoAuthority.create(now)
    stock = select_stock(issue_licences(authority, now))
    caller = make_callers()["court"]
    site = folder / "site"
    write_site(site)
    authority.write_trust_folder(site / "trust", now)
    (site / "callers" / f"{caller.id}.toml").write_text(f"{caller.encode()}{_LIMITS}", encoding="utf-8")
    budgets = site / "policies" / "budgets.toml"
    budgets.write_text(_LIMIT.sub(f"limit = {_PLENTY}", budgets.read_text(encoding="utf-8")), encoding="utf-8")
    fill_store(site / StoreSettings().file, stock, now)
    approve_policy(site, now)
    asked = [one for one in stock[:-1] if one.draft.kind is Kind.PROPERTY]  # the last one is suspended
    return Asked(site=site, authority=authority, caller=caller, licences=asked)


def _again(licences: Sequence[IssuedLicence]) -> Iterator[IssuedLicence]:
    while True:
        yield from licences
