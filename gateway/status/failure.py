"""Why a source gave nothing that could be used: one word for metrics, one sentence for operators."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class StatusFailure(StrEnum):
    """The kinds of failure; what was known before stays in force after each of them."""

    HOST_NOT_ALLOWED = "host-not-allowed"
    ADDRESS_REFUSED = "address-refused"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    TOO_LARGE = "too-large"
    REDIRECT = "redirect"
    HTTP_STATUS = "http-status"
    PROTOCOL = "protocol"
    MALFORMED = "malformed"
    OTHER_ISSUER = "other-issuer"
    OTHER_CERTIFICATE = "other-certificate"
    NOT_USABLE = "not-usable"
    BAD_SIGNATURE = "bad-signature"
    BACKWARDS = "backwards"
    GAP = "gap"
    NONCE = "nonce"
    DECLINED = "declined"
    NOT_YET = "not-yet"
    STALE = "stale"
    CROWDED_OUT = "crowded-out"
    STORAGE = "storage"


# Failures of a server, and not of what it was asked for: what else it is asked for will hardly fare better.
NO_ANSWER: Final = frozenset(
    {StatusFailure.TIMEOUT, StatusFailure.UNREACHABLE, StatusFailure.TLS, StatusFailure.HTTP_STATUS}
)


# What an operator reads: Chinese, English.
SENTENCES: Final = MappingProxyType(
    {
        StatusFailure.HOST_NOT_ALLOWED: (
            "地址不在允许的主机名单内。",
            "the address is not on the list of allowed hosts",
        ),
        StatusFailure.ADDRESS_REFUSED: (
            "主机解析到内网或本机地址，且未明确允许。",
            "the host resolves to a private or local address that is not explicitly allowed",
        ),
        StatusFailure.UNREACHABLE: ("无法连接。", "cannot be reached"),
        StatusFailure.TLS: (
            "TLS 证书不可信或握手失败。",
            "its TLS certificate is not trusted, or the handshake failed",
        ),
        StatusFailure.TIMEOUT: ("未在时限内答复完毕。", "did not finish its answer within the time allowed"),
        StatusFailure.TOO_LARGE: ("答复超出大小上限。", "answered with more than is allowed"),
        StatusFailure.REDIRECT: (
            "答复为重定向；不跟随重定向，请直接配置最终地址。",
            "redirects; configure the final address",
        ),
        StatusFailure.HTTP_STATUS: ("答复的 HTTP 状态不是 200。", "answered with an HTTP status other than 200"),
        StatusFailure.PROTOCOL: ("答复不符合 HTTP 协议。", "did not answer as HTTP prescribes"),
        StatusFailure.MALFORMED: ("答复无法解析。", "answered with something that cannot be read"),
        StatusFailure.OTHER_ISSUER: ("答复属于另一个颁发者。", "answered for another issuer"),
        StatusFailure.OTHER_CERTIFICATE: ("答复针对另一张证书。", "answered about another certificate"),
        StatusFailure.NOT_USABLE: (
            "答复不可用（例如间接列表、部分列表或未知关键扩展）。",
            "answered with something that is not supported (an indirect or partial list, an unknown critical part)",
        ),
        StatusFailure.BAD_SIGNATURE: (
            "签名无效或签名者无权签发。",
            "its signature is bad, or its signer may not sign it",
        ),
        StatusFailure.BACKWARDS: (
            "编号或时间倒退；继续使用原有数据。",
            "went backwards; what was known before stays in force",
        ),
        StatusFailure.GAP: (
            "增量不连续，需要重新获取完整数据。",
            "a change in between is missing; the whole is fetched anew",
        ),
        StatusFailure.NONCE: (
            "随机数缺失或不符，可能是重放。",
            "the nonce is missing or another one: perhaps a replay",
        ),
        StatusFailure.DECLINED: ("OCSP 服务拒绝答复。", "the OCSP responder declined to answer"),
        StatusFailure.NOT_YET: (
            "数据签发时间晚于本机时钟，请核对本机时钟。",
            "is dated later than this machine's clock; check the clock",
        ),
        StatusFailure.STALE: (
            "数据已过其下次更新时间，请核对本机时钟或联系颁发者。",
            "is past its own next update; check the clock, or ask the issuer",
        ),
        StatusFailure.CROWDED_OUT: (
            "证书指向的吊销列表多于同时保存的上限，最久未用到的一份已让位。",
            "certificates point to more lists than are kept at a time; the one not asked about for longest gave way",
        ),
        StatusFailure.STORAGE: ("无法读写状态文件夹。", "the folder for kept answers cannot be read or written"),
    }
)


class StatusError(Exception):
    """One attempt failed; ``detail`` is for engineers and names no person."""

    def __init__(self, failure: StatusFailure, detail: str = "") -> None:
        super().__init__(f"{failure}: {detail}" if detail else str(failure))
        self.failure = failure
        self.detail = detail
