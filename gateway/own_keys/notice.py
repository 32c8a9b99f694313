"""What partners are told when a key of ours is replaced at once: JSON for machines, Chinese and English for people."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from adapters.china_time import CHINA_STANDARD_TIME
from keys.own.public import encode_public_pem, encode_trust_list_key
from keys.own.record import KeyPurpose, KeyRecord
from keys.trust_list import encode_moment

FORMAT: Final = "tongban-key-notice/1"
USES_FILE: Final = "signed-since.jsonl"

_PURPOSES: Final = {
    KeyPurpose.LOG: ("访问日志", "the access log"),
    KeyPurpose.PARTNER: ("跨省互认消息", "messages to partner gateways"),
    KeyPurpose.TRUST_LIST: ("信任清单", "trust lists"),
    KeyPurpose.STATUS_FEED: ("状态通报", "the status feed"),
    KeyPurpose.POLICY: ("共享策略的批准", "approvals of the sharing policy"),
    KeyPurpose.CALLER: ("调用方令牌", "caller tokens"),
    KeyPurpose.CREDENTIAL: ("可验证凭证的签发", "credentials"),
    KeyPurpose.HOLDER: ("可验证凭证的出示", "presentations of credentials"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNotice:
    """One replacement; ``is_drill`` unless others may really have the old key."""

    is_drill: bool
    old: KeyRecord
    new: KeyRecord
    since: datetime
    replaced_at: datetime
    uses: int
    uses_sha256: str  # of the file that lists them
    journal_complete: bool


def encode_notice(notice: KeyNotice) -> bytes:
    """Write the notice as canonical JSON, with a line end."""
    content = {
        "format": FORMAT,
        "drill": notice.is_drill,
        "purpose": notice.old.purpose,
        "old": encode_trust_list_key(notice.old),
        "new": {**encode_trust_list_key(notice.new), "active_from": encode_moment(notice.new.active_from)},
        "since": encode_moment(notice.since),
        "replaced_at": encode_moment(notice.replaced_at),
        "uses": notice.uses,
        "uses_sha256": notice.uses_sha256,
        "journal_complete": notice.journal_complete,
    }
    return msgspec.json.encode(content, order="sorted") + b"\n"


def write_notice_zh(notice: KeyNotice) -> str:
    """Write the notice for people in Chinese."""
    old, new, since = notice.old, notice.new, _china(notice.since)
    title = "【演练】密钥更换通知" if notice.is_drill else "密钥泄露及更换通知"
    opening = (
        "这是一次演练，旧密钥并未泄露。请按真实事件处理并回复所用时间，但不必拒绝旧密钥此前的签名。"
        if notice.is_drill
        else f"我方一把签名密钥自 {since}起可能已被他人使用。请立即停止信任该密钥。"
    )
    journal = (
        f"附件 {USES_FILE} 列出我方自 {since}起用旧密钥签名的全部 {notice.uses} 项内容"
        f"（SHA-256 摘要）。使用旧密钥而不在此列的签名，不是我方所签。"
        if notice.journal_complete
        else f"附件 {USES_FILE} 列出我方自 {since}起用旧密钥签名的 {notice.uses} 项内容；"
        "签名记录不完整，不在此列的签名须逐项核实。"
    )
    return f"""{title}

{opening}

用途：{_PURPOSES[old.purpose][0]}
更换时间：{_china(notice.replaced_at)}
旧密钥：{old.algorithm} {old.id}
新密钥：{new.algorithm} {new.id}
新密钥启用时间：{_china(new.active_from)}

请贵方：
1. 通过另一途径（电话或公函）核对新密钥的指纹（上列编号，即公钥的 SHA-256）。仅凭本通知不得更换密钥。
2. 核对无误后，配置下列新公钥{"" if notice.is_drill else "，并删除旧公钥"}。
3. 对照附件，检查贵方自 {since}起收到的签名。
4. 回复完成时间和不在附件中的签名。

{journal}
附件摘要（SHA-256）：{notice.uses_sha256}

{encode_public_pem(new)}"""


def write_notice_en(notice: KeyNotice) -> str:
    """Write the notice for people in English."""
    old, new, since = notice.old, notice.new, encode_moment(notice.since)
    title = "DRILL: notice of a replaced key" if notice.is_drill else "Notice of a compromised and replaced key"
    opening = (
        "This is a drill; the old key is not compromised.\nTreat it as real and tell us how long it took, "
        "but do not refuse what the old key signed before."
        if notice.is_drill
        else f"Others may have used a signing key of ours since {since}.\nStop trusting it now."
    )
    journal = (
        f"{USES_FILE} lists everything that we signed with the old key since {since}: {notice.uses} "
        "items, by SHA-256.\nA signature of the old key that is not among them is not ours."
        if notice.journal_complete
        else f"{USES_FILE} lists {notice.uses} items that we signed with the old key since {since}.\n"
        "Our records are not complete: ask us about each signature that is not among them."
    )
    return f"""{title}

{opening}

Purpose: {_PURPOSES[old.purpose][1]}
Replaced at: {encode_moment(notice.replaced_at)}
Old key: {old.algorithm} {old.id}
New key: {new.algorithm} {new.id}
New key active from: {encode_moment(new.active_from)}

Please:
1. Compare the new key's fingerprint (its id above, SHA-256 of the public key) with us by another way: telephone
   or letter. Never change a key on the strength of this notice alone.
2. Then configure the new public key below{"" if notice.is_drill else ", and remove the old one"}.
3. Compare the signatures that reached you since {since} with the list.
4. Tell us when you were done, and which signatures are not on the list.

{journal}
SHA-256 of the list: {notice.uses_sha256}

{encode_public_pem(new)}"""


def _china(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA_STANDARD_TIME):%Y-%m-%d %H:%M:%S}（北京时间）"
