"""What the demo's callers of two provinces ask about its licences, and what each of them must see of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.demo.issuer import IssuedLicence
from gateway.demo.licences import TYPE_CODES, Kind
from gateway.demo.numbers import credit_code
from gateway.demo.offices import ANHUI, SHANDONG, Province

KEY_ID: Final = "demo-1"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCaller:
    """A calling system of one of the provinces, of one of the kinds of the example policy."""

    id: str
    kind: str
    province: Province
    name: str
    name_zh: str
    organisation: str
    key: Ed25519PrivateKey = field(repr=False)
    may_register_consent: bool = False

    @property
    def region(self) -> str:
        """The region of its province."""
        return f"{self.province.code}0000"

    def encode(self) -> str:
        """Return its file in the site's ``callers/``."""
        pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        lines = {
            "id": self.id,
            "name": self.name,
            "name_zh": self.name_zh,
            "organisation": self.organisation,
            "region": self.region,
            "algorithm": "EdDSA",
            "kid": KEY_ID,
            "kind": self.kind,
        }
        head = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
        flag = str(self.may_register_consent).lower()
        return f'{head}may_register_consent = {flag}\nkey = """\n{pem.decode("ascii")}"""\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingQuestion:
    """One question of a caller for an item, and what must come out.

    ``expected`` are the forms of some fields, or the reasons why they are withheld. ``match`` is what is compared, and
    ``matches`` the answer. ``refused`` is the reason of a refusal. ``consents``: the holder's consent is registered
    before, and named.
    """

    caller: DemoCaller
    claim: str
    licence: Mapping[str, str]
    item: str
    item_zh: str
    item_en: str
    case: str | None
    expected: Mapping[str, str]
    match: Mapping[str, str] | None = None
    matches: bool | None = None
    consents: Mapping[str, Any] | None = None
    refused: str | None = None


_CALLERS: Final = (
    ("counter", SHANDONG, "service counter", "政务服务综合窗口", "CNT"),
    ("court", SHANDONG, "court", "人民法院", "CRT"),
    ("auditor", SHANDONG, "auditor", "审计机关", "AUD"),
    ("bank-kiosk", SHANDONG, "bank kiosk", "银行网点智能柜台", "BNK"),
    ("partner-counter", ANHUI, "service counter", "政务服务通办窗口", "CNT"),
    ("tax", ANHUI, "tax authority", "税务机关", "TAX"),
)


def make_callers() -> dict[str, DemoCaller]:
    """Make the callers of both provinces, each with a new key, by their kinds."""
    return {
        kind: DemoCaller(
            id=f"{province.slug}-{kind}",
            kind=kind,
            province=province,
            name=f"{province.slug.capitalize()} {name}",
            name_zh=f"{province.name}{name_zh}",
            organisation=credit_code("11", province.area, f"DEM{province.code}{letters}"),
            key=Ed25519PrivateKey.generate(),
            may_register_consent=kind == "bank-kiosk",
        )
        for kind, province, name, name_zh, letters in _CALLERS
    }


def ask_about(stock: Sequence[IssuedLicence], callers: Mapping[str, DemoCaller]) -> tuple[SharingQuestion, ...]:
    """Return the questions about licences of the store, and the right answers."""
    house, child, company = (_first(stock, kind) for kind in (Kind.PROPERTY, Kind.BIRTH, Kind.BUSINESS))
    owner = house.draft.holders[0]
    fund = ("EX-GJJ-02", "购房提取住房公积金", "withdrawing housing fund for a purchase", "GJJ2026-000001")
    mortgage = ("EX-ZR-02", "不动产抵押登记", "registration of a mortgage", "ZR2026-000001")
    insurance = ("EX-YB-01", "城乡居民基本医疗保险参保登记", "joining the health insurance", "YB2026-000001")
    tax = ("EX-SW-01", "跨区域涉税事项报告、报验、反馈", "tax matters across regions", "SW2026-000001")
    court = ("EX-QT-03", "人民法院办案协助查询", "a court's inquiry", "FY2026-000001")
    audit = ("EX-QT-04", "审计监督抽查", "an audit's sample", "SJ2026-000001")
    consent = {"holders": [owner.code], "items": [mortgage[0]], "licences": ["property-certificate"]}

    def ask(
        kind: str,
        licence: IssuedLicence,
        item: tuple[str, str, str, str | None],
        **more: Any,  # noqa: ANN401 -- fields of the question
    ) -> SharingQuestion:
        code, zh, en, case = item
        return SharingQuestion(
            caller=callers[kind],
            claim=licence.claim,
            licence={"number": licence.draft.number, "type": TYPE_CODES[licence.draft.kind]},
            item=code,
            item_zh=zh,
            item_en=en,
            case=case,
            **{"expected": _NOTHING} | more,
        )

    return (
        ask(
            "counter", house, fund, match={"holder_id": owner.code}, matches=True,
            expected={"holder_name": "plain", "holder_id": "match", "status": "plain"},
        ),
        ask(
            "partner-counter", house, fund, match={"holder_id": owner.code}, matches=True,
            expected={"holder_name": "mask:name", "holder_id": "match"},
        ),
        ask("partner-counter", house, fund, match={"holder_id": child.draft.holders[0].code}, matches=False),
        ask("court", house, court, expected={"holder_name": "plain"}),
        ask("auditor", house, audit, expected={"holder_id": "pseudonym:holder", "holder_name": "no-rule"}),
        ask("bank-kiosk", house, mortgage, expected={"holder_name": "no-consent"}),
        ask("bank-kiosk", house, mortgage, consents=consent, expected={"holder_name": "plain"}),
        ask("counter", child, insurance, expected={"holder_name": "plain"}),
        ask("partner-counter", child, insurance, expected={"holder_name": "protected"}),
        ask("tax", company, tax, expected={"holder_name": "plain", "credit_code": "plain"}),
        ask("counter", company, ("EX-00-00", "不存在的事项", "no such item", None), refused="purpose.item-unknown"),
    )  # fmt: skip


def is_right(question: SharingQuestion, status: int, body: Mapping[str, Any]) -> bool:
    """Say whether an answer has the expected forms, reasons and comparison, or is the expected refusal."""
    if question.refused is not None:
        return bool(body.get("reason") == question.refused)
    fields = body.get("fields", {})
    match = body.get("match") or {}
    return (
        status == 200  # noqa: PLR2004 - HTTP's own number
        and all(expected in _said(fields.get(name, {})) for name, expected in question.expected.items())
        and (question.match is None or match.get("outcome") is question.matches)
    )


def _said(answer: Mapping[str, Any]) -> tuple[object, object]:
    return answer.get("form"), answer.get("reason")


def _first(stock: Iterable[IssuedLicence], kind: Kind) -> IssuedLicence:
    """Return the first licence of the kind that the site's own province has issued."""
    return next(one for one in stock if one.draft.kind is kind and one.draft.office.province is SHANDONG)
