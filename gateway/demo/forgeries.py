"""Forged licences, each in a way of its own, with the answer that a verification must give."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.ofd.writer import PACKAGE_INDEX, encode_package
from gateway.demo.authority import Credential, DemoAuthority
from gateway.demo.catalogue import CHINA
from gateway.demo.certificates import Subject, Usage
from gateway.demo.issuer import IssuedLicence, Use, seal_draft
from gateway.demo.licences import Kind, LicenceDraft
from gateway.demo.seals import make_seal, official, seal_number
from gateway.reason import Reason
from gateway.verdict import Outcome
from keys.digest import sm3

_FACE = "Doc_0/Pages/Page_0/Content.xml"
_SIGNATURE = "Doc_0/Signs/Sign_0/Signature.xml"

_DAY = timedelta(days=1)
_YEAR = 365 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """A forged file: what it claims, what was done to it, and the outcome and the reason that must be found.

    ``reason`` is the one that the forgery is about; a verdict may name others besides.
    """

    name: str
    claim: str
    done_zh: str
    done_en: str
    document: bytes
    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What a forger has at hand: the authority to be misused, genuine licences, and the moment."""

    authority: DemoAuthority
    licences: tuple[IssuedLicence, ...]
    now: datetime

    def licence(self, kind: Kind, position: int = 0) -> IssuedLicence:
        """Take a genuine licence of a kind; positions count over both provinces."""
        return [licence for licence in self.licences if licence.draft.kind is kind][position]

    def certificate(
        self, subject: Subject, *, usage: Usage = Usage.SIGNING, ended: timedelta | None = None
    ) -> Credential:
        """Obtain a certificate from the signers' CA; ``ended`` ago if given, else still valid."""
        return self.authority.issue_certificate(
            subject=subject,
            usage=usage,
            not_before=self.now - 4 * _YEAR,
            not_after=self.now + _YEAR if ended is None else self.now - ended,
            ca=self.authority.signer_issuer,
        )

    def seal_for(
        self,
        draft: LicenceDraft,
        signer: Credential,
        *,
        maker: Credential | None = None,
        ended: timedelta | None = None,
    ) -> bytes:
        """Obtain a seal in the name of the draft's office that lists the signer; by the real maker unless told."""
        return make_seal(
            maker=self.authority.maker if maker is None else maker,
            signers=(signer.certificate,),
            identifier=seal_number(draft.office),
            name=draft.office.name,
            created=self.now - 3 * _YEAR,
            valid_to=self.now + _YEAR if ended is None else self.now - ended,
        )

    def recent(self, draft: LicenceDraft) -> tuple[LicenceDraft, datetime]:
        """Date a draft a month ago, and give the moment of sealing on that day."""
        signed_at = self.now - 30 * _DAY
        day = signed_at.astimezone(CHINA).date()
        return replace(draft, issued_on=day, valid_from=day, annotation=None, reviewed=False), signed_at


def forge(authority: DemoAuthority, licences: Sequence[IssuedLicence], now: datetime) -> tuple[Forgery, ...]:
    """Forge ten licences in ten different ways.

    One of them needs a revoked certificate: it is revoked here, so revocation lists must be written afterwards.
    """
    shop = Workshop(authority=authority, licences=tuple(licences), now=now)
    return tuple(make(shop) for make in _TEN_WAYS)


def forge_more(authority: DemoAuthority, licences: Sequence[IssuedLicence], now: datetime) -> tuple[Forgery, ...]:
    """Forge three more, that the demo does not show: an expired seal, a time to come, a file cut short."""
    shop = Workshop(authority=authority, licences=tuple(licences), now=now)
    return tuple(make(shop) for make in (_expired_seal, _future, _truncated))


def _changed_page(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.BUSINESS, 1)
    page = _swap(licence.members[_FACE], "贰佰万圆整", "贰仟万圆整")
    return _forgery(
        licence,
        "01-changed-page",
        ("盖章后改动页面文字：注册资本贰佰万改为贰仟万", "page text changed after sealing: the capital grew tenfold"),
        encode_package({**licence.members, _FACE: page}),
        Reason.REFERENCES_MISMATCH,
    )


def _changed_metadata(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.FOOD, 0)
    index = licence.members[PACKAGE_INDEX]
    until = licence.draft.valid_to
    if until is None:
        raise ValueError("a licence with an end of validity was expected")
    spell = licence.draft.office.province.spell_date
    changed = _swap(index, spell(until), spell(until + 9 * _YEAR))
    # The forger knows the format: the digest in Signature.xml is corrected, too.
    description = _swap(licence.members[_SIGNATURE], _check_value(index), _check_value(changed))
    return _forgery(
        licence,
        "02-changed-metadata",
        (
            "延长元数据中的有效期，并同步改写摘要清单",
            "validity in the metadata extended, and its digest in the list corrected",
        ),
        encode_package({**licence.members, PACKAGE_INDEX: changed, _SIGNATURE: description}),
        Reason.DATA_HASH_MISMATCH,
    )


def _smuggled_page(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.PROPERTY, 0)
    page = _swap(licence.members["Doc_0/Pages/Page_1/Content.xml"], "钢筋混凝土结构", "本房屋无抵押无查封")
    return _forgery(
        licence,
        "03-smuggled-page",
        ("在已盖章的文件中夹带一页未受保护的内容", "a page smuggled into the sealed file, which no signature covers"),
        encode_package({**licence.members, "Doc_0/Pages/Page_2/Content.xml": page}),
        Reason.COVERAGE_UNCOVERED_CONTENT,
    )


def _copied_seal(shop: Workshop) -> Forgery:
    licence, other = shop.licence(Kind.CONSTRUCTOR, 0), shop.licence(Kind.DRIVER, 0)
    draft, signed_at = shop.recent(licence.draft)
    use = Use(seal=licence.seal.encoded, signer=other.seal.signer, signed_at=signed_at)
    return _forgery(
        licence,
        "04-copied-seal",
        (
            "复制他机关的真印章，用本机关人员的证书签章",
            "another office's genuine seal copied, used with a certificate it does not list",
        ),
        encode_package(seal_draft(draft, [use])),
        Reason.SIGNER_LISTED_ABSENT,
    )


def _home_made_seal(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.BUSINESS, 3)
    draft, signed_at = shop.recent(licence.draft)
    subscriber = shop.certificate(
        Subject(common_name="海棠市某某商贸有限公司", organisation="演示普通用户", unit="TEST ONLY")
    )
    seal = shop.seal_for(draft, subscriber, maker=subscriber)
    return _forgery(
        licence,
        "05-home-made-seal",
        (
            "用普通企业证书自制一枚政府机关名称的印章",
            "a seal in a government's name, made with an ordinary subscriber's certificate",
        ),
        encode_package(seal_draft(draft, [Use(seal=seal, signer=subscriber, signed_at=signed_at)])),
        Reason.MAKER_CHAIN_UNKNOWN_ISSUER,
        outcome=Outcome.UNKNOWN,
    )


def _expired_signer(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.MARRIAGE, 0)
    draft, signed_at = shop.recent(licence.draft)
    former = shop.certificate(official(draft.office), ended=_YEAR)
    use = Use(seal=shop.seal_for(draft, former), signer=former, signed_at=signed_at)
    return _forgery(
        licence,
        "06-expired-signer",
        ("用一年前已过期的签章人证书签章", "sealed with a signer's certificate that had expired a year before"),
        encode_package(seal_draft(draft, [use])),
        Reason.SIGNER_PERIOD_EXPIRED,
    )


def _revoked_signer(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.BIRTH, 1)
    draft, signed_at = shop.recent(licence.draft)
    dismissed = shop.certificate(official(draft.office))
    shop.authority.revoke(dismissed.serial, shop.now - 200 * _DAY)
    use = Use(seal=shop.seal_for(draft, dismissed), signer=dismissed, signed_at=signed_at)
    return _forgery(
        licence,
        "07-revoked-signer",
        ("用已被吊销的签章人证书签章", "sealed with a signer's certificate that had been revoked"),
        encode_package(seal_draft(draft, [use])),
        Reason.REVOCATION_REVOKED,
    )


def _weak_digest(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.SOCIAL_CARD, 0)
    draft, signed_at = shop.recent(licence.draft)
    use = Use(
        seal=licence.seal.encoded,
        signer=licence.seal.signer,
        signed_at=signed_at,
        digest=_md5,
        check_method=None,
    )
    return _forgery(
        licence,
        "08-weak-digest",
        (
            "省略摘要算法（按标准即为 MD5），内容可被碰撞替换",
            "digest method left out, which means MD5: content can be swapped by a collision",
        ),
        encode_package(seal_draft(draft, [use])),
        Reason.REFERENCES_WEAK_DIGEST,
    )


def _stripped(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.DRIVER, 1)
    members = {name: content for name, content in licence.members.items() if not name.startswith("Doc_0/Signs/")}
    members[PACKAGE_INDEX] = _swap(
        members[PACKAGE_INDEX], "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>", ""
    )
    return _forgery(
        licence,
        "09-stripped-signature",
        ("删去全部签章，只留下证照页面", "every signature removed, only the pages of the licence left"),
        encode_package(members),
        Reason.FORMAT_UNSIGNED,
    )


def _encryption_certificate(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.PROPERTY, 3)
    draft, signed_at = shop.recent(licence.draft)
    encryption = licence.seal.encryption
    use = Use(seal=shop.seal_for(draft, encryption), signer=encryption, signed_at=signed_at)
    return _forgery(
        licence,
        "10-encryption-certificate",
        ("用双证书中的加密证书签章", "sealed with the encryption half of a dual certificate"),
        encode_package(seal_draft(draft, [use])),
        Reason.SIGNATURE_WRONG_KEY_USAGE,
    )


def _expired_seal(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.FOOD, 1)
    draft, signed_at = shop.recent(licence.draft)
    signer = licence.seal.signer
    use = Use(seal=shop.seal_for(draft, signer, ended=_YEAR), signer=signer, signed_at=signed_at)
    return _forgery(
        licence,
        "11-expired-seal",
        ("用一年前已过有效期的印章签章", "sealed with a seal that had expired a year before"),
        encode_package(seal_draft(draft, [use])),
        Reason.SEAL_PERIOD_EXPIRED,
    )


def _future(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.FOOD, 0)
    draft, _ = shop.recent(licence.draft)
    use = Use(seal=licence.seal.encoded, signer=licence.seal.signer, signed_at=shop.now + 2 * _DAY)
    return _forgery(
        licence,
        "12-future-time",
        ("签章时间写成后天", "signing time set to the day after tomorrow"),
        encode_package(seal_draft(draft, [use])),
        Reason.TIMESTAMP_IN_FUTURE,
    )


def _truncated(shop: Workshop) -> Forgery:
    licence = shop.licence(Kind.MARRIAGE, 1)
    return _forgery(
        licence,
        "13-truncated",
        ("文件被截断，只剩前一半", "file cut short, only its first half left"),
        licence.document[: len(licence.document) // 2],
        Reason.FORMAT_MALFORMED,
    )


def _forgery(
    licence: IssuedLicence,
    stem: str,
    done: tuple[str, str],
    document: bytes,
    reason: Reason,
    *,
    outcome: Outcome = Outcome.INVALID,
) -> Forgery:
    chinese, english = done
    return Forgery(
        name=f"forged-{stem}.ofd",
        claim=licence.claim,
        done_zh=chinese,
        done_en=english,
        document=document,
        outcome=outcome,
        reason=reason,
    )


def _swap(content: bytes, old: str, new: str) -> bytes:
    """Replace a text that must be there, so that a forgery cannot silently be a genuine file."""
    before = old.encode()
    if before not in content:
        raise ValueError("the text to be forged was expected in the member, and is absent")
    return content.replace(before, new.encode())


def _check_value(content: bytes) -> str:
    return base64.b64encode(sm3(content)).decode("ascii")


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


_TEN_WAYS: tuple[Callable[[Workshop], Forgery], ...] = (
    _changed_page,
    _changed_metadata,
    _smuggled_page,
    _copied_seal,
    _home_made_seal,
    _expired_signer,
    _revoked_signer,
    _weak_digest,
    _stripped,
    _encryption_certificate,
)
