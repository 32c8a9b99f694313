"""Every refusal of the HTTP interface in one table (RFC 9457): status, title and next step in both languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec
from aiohttp import web

PROBLEM_CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:tongban:problem:"


class ProblemKind(StrEnum):
    """What went wrong; the word is ``reason`` in the document and the end of its ``type``."""

    BAD_REQUEST = "bad-request"
    UNAUTHENTICATED = "unauthenticated"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    BODY_TIMEOUT = "body.timeout"
    BODY_INCOMPLETE = "body.incomplete"
    BODY_TOO_LARGE = "body.too-large"
    BODY_NOT_JSON = "body.not-json"
    BODY_INVALID = "body.invalid"
    BODY_CONTENT_TYPE = "body.content-type"
    BODY_CONTENT_ENCODING = "body.content-encoding"
    EXPECTATION_FAILED = "expectation-failed"
    LICENCE_AMBIGUOUS = "licence.ambiguous"
    LICENCE_KIND_NOT_OFFERED = "licence.kind-not-offered"
    LICENCE_NOT_BASE64 = "licence.not-base64"
    LICENCE_TOO_LARGE = "licence.too-large"
    LICENCE_FORMAT_DIFFERS = "licence.format-differs"
    LICENCE_CODE_UNKNOWN = "licence.code-unknown"
    PURPOSE_ITEM_MISSING = "purpose.item-missing"
    PURPOSE_ITEM_UNKNOWN = "purpose.item-unknown"
    PURPOSE_ITEM_NOT_IN_FORCE = "purpose.item-not-in-force"
    PURPOSE_CASE_MISSING = "purpose.case-missing"
    PURPOSE_CASE_MALFORMED = "purpose.case-malformed"
    CONSENT_NOT_ALLOWED = "consent.not-allowed"
    CONSENT_UNKNOWN = "consent.unknown"
    CONSENT_UNAVAILABLE = "consent.unavailable"
    CREDENTIAL_NOT_OFFERED = "credential.not-offered"
    CREDENTIAL_NOT_ALLOWED = "credential.not-allowed"
    RATE_EXCEEDED = "rate.exceeded"
    CONCURRENCY_EXCEEDED = "concurrency.exceeded"
    QUOTA_EXCEEDED = "quota.exceeded"
    TOKEN_UNAVAILABLE = "token.unavailable"  # noqa: S105 -- a reason, not a secret
    BATCH_TOO_LONG = "batch.too-long"
    BATCH_EMPTY = "batch.empty"
    BUDGET_EXCEEDED = "budget.exceeded"
    BUDGET_UNAVAILABLE = "budget.unavailable"
    RECEIPT_UNKNOWN = "receipt.unknown"
    ROLE_NOT_ALLOWED = "role.not-allowed"
    OPENING_NOT_ALLOWED = "log.opening-not-allowed"
    OPENING_UNKNOWN = "log.opening-unknown"
    OPENING_OTHER_SEARCH = "log.opening-other-search"
    OPENING_NOT_APPROVED = "log.opening-not-approved"
    OPENING_OVER = "log.opening-over"
    OPENING_SAME_PERSON = "log.opening-same-person"
    ASSURANCE_TOO_LOW = "holder.assurance-too-low"
    PRESENTATION_NO_LICENCE = "presentation.no-licence"
    PRESENTATION_TOO_MANY = "presentation.too-many"
    PRESENTATION_UNAVAILABLE = "presentation.unavailable"
    LOG_UNAVAILABLE = "log.unavailable"
    LOG_FILE_UNKNOWN = "log.file-unknown"
    WITNESS_MALFORMED = "witness.malformed"
    WITNESS_LOG_UNKNOWN = "witness.log-unknown"
    WITNESS_UNSIGNED = "witness.unsigned"
    WITNESS_NOT_GROWN = "witness.not-grown"
    WITNESS_TOO_OFTEN = "witness.too-often"
    WITNESS_UNAVAILABLE = "witness.unavailable"
    SOURCE_UNAVAILABLE = "source.unavailable"
    BUSY = "busy"
    DEADLINE = "deadline"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class ProblemText:
    """Status, what happened, and what to do next, in Chinese and in English."""

    status: int
    title: str
    title_en: str
    next: str
    next_en: str


class ProblemError(Exception):
    """A refusal on its way to the caller; ``errors`` name places in the request, never values.

    ``budget`` is the id of a budget of the policy that has no room.
    """

    def __init__(
        self,
        kind: ProblemKind,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        close: bool = False,
        budget: str | None = None,
    ) -> None:
        """Refuse; ``close`` ends the connection, for when the rest of the body will not be read."""
        super().__init__(str(kind))
        self.kind = kind
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.close = close
        self.budget = budget


_SEE_API = ("请对照接口文档 /openapi.json 检查请求。", "Compare the request with /openapi.json.")
_SMALLER = ("请提交原始电子证照文件，不超过规定大小。", "Submit the original licence file, within the size limit.")
_CHECK_ITEM = ("请核对事项编码及其有效期。", "Check the item's code, and when it is in force.")
_SEE_WITNESS = ("请对照 C2SP tlog-witness 检查提交内容。", "Compare what was submitted with C2SP tlog-witness.")
_AGAIN = ("请稍后重试。", "Try again later.")
_TELL_US = (
    "请稍后重试；如仍失败，请将请求编号告知本网关运维人员。",
    "Try again; if it fails again, tell the operator the request id.",
)

PROBLEMS: Final[Mapping[ProblemKind, ProblemText]] = MappingProxyType(
    {
        ProblemKind.BAD_REQUEST: ProblemText(400, "请求不符合 HTTP 规范", "The request is not proper HTTP", *_SEE_API),
        ProblemKind.UNAUTHENTICATED: ProblemText(
            401,
            "身份未得到确认",
            "The caller could not be identified",
            "请使用登记的密钥签发新的短期令牌；如仍失败，请将请求编号告知本网关运维人员。",
            "Sign a new short-lived token with the registered key; if it fails, tell the operator the request id.",
        ),
        ProblemKind.NOT_FOUND: ProblemText(404, "没有此接口", "There is nothing at this address", *_SEE_API),
        ProblemKind.METHOD_NOT_ALLOWED: ProblemText(
            405, "此接口不支持该请求方法", "This address does not take this method", *_SEE_API
        ),
        ProblemKind.BODY_TIMEOUT: ProblemText(
            408,
            "请求内容传输过慢",
            "The body did not arrive in time",
            "请检查网络后重试。",
            "Check the network and try again.",
        ),
        ProblemKind.BODY_INCOMPLETE: ProblemText(
            400, "请求内容不完整", "The body ended early or was not framed properly", *_AGAIN
        ),
        ProblemKind.BODY_TOO_LARGE: ProblemText(413, "请求内容过大", "The body is larger than allowed", *_SMALLER),
        ProblemKind.BODY_NOT_JSON: ProblemText(
            400, "请求内容不是合法的 JSON", "The body is not JSON in UTF-8, or repeats a name", *_SEE_API
        ),
        ProblemKind.BODY_INVALID: ProblemText(
            422, "请求字段有误", "Fields of the body are unknown, missing or wrong", *_SEE_API
        ),
        ProblemKind.BODY_CONTENT_TYPE: ProblemText(
            415,
            "请求内容类型不受支持",
            "The body is of a type that is not taken",
            "请使用 Content-Type: application/json。",
            "Send Content-Type: application/json.",
        ),
        ProblemKind.BODY_CONTENT_ENCODING: ProblemText(
            415,
            "不接受压缩的请求内容",
            "Compressed bodies are not taken",
            "请不压缩直接提交。",
            "Send the body without Content-Encoding.",
        ),
        ProblemKind.EXPECTATION_FAILED: ProblemText(
            417, "不支持的 Expect 要求", "This Expect header is not supported", *_SEE_API
        ),
        ProblemKind.LICENCE_AMBIGUOUS: ProblemText(
            422,
            "证照的指定方式不明确",
            "The licence must be named in exactly one way",
            "请只使用一种方式指定证照：document，或 identifier，或 number 与 type（可加 holder），或 code。",
            "Name the licence in one way only: by document, identifier, number and type (and holder), or code.",
        ),
        ProblemKind.LICENCE_KIND_NOT_OFFERED: ProblemText(
            422,
            "本网关尚未开通此种查验方式",
            "This way of naming a licence is not offered yet",
            "请提交电子证照文件（document）。",
            "Submit the licence file (document).",
        ),
        ProblemKind.LICENCE_NOT_BASE64: ProblemText(
            422,
            "证照文件的 Base64 编码有误",
            "The document is not proper base64",
            "请使用标准 Base64（RFC 4648 第 4 节），带填充，不换行。",
            "Use the base64 of RFC 4648 section 4 with padding and without line breaks.",
        ),
        ProblemKind.LICENCE_TOO_LARGE: ProblemText(
            413, "证照文件过大", "The document is larger than allowed", *_SMALLER
        ),
        ProblemKind.LICENCE_FORMAT_DIFFERS: ProblemText(
            422,
            "文件格式与声明不一致",
            "The document is of another format than stated",
            "请更正或省略 format。",
            "Correct format, or leave it out.",
        ),
        ProblemKind.LICENCE_CODE_UNKNOWN: ProblemText(
            404,
            "亮证码无效",
            "This presentation code is not good",
            "请持证人重新出示亮证码。亮证码只能使用一次，逾期失效，并可能限定事项。",
            "Have the holder show a new one. A code works once, for some minutes, and may be for certain items.",
        ),
        ProblemKind.PURPOSE_ITEM_MISSING: ProblemText(
            422,
            "未说明办理的事项",
            "The question does not say for which item it is asked",
            "请在 purpose.item 中填写事项编码。",
            "Put the item's code into purpose.item.",
        ),
        ProblemKind.PURPOSE_ITEM_UNKNOWN: ProblemText(422, "没有此事项", "There is no such item", *_CHECK_ITEM),
        ProblemKind.PURPOSE_ITEM_NOT_IN_FORCE: ProblemText(
            403, "此事项今日不在有效期内", "The item is not in force today", *_CHECK_ITEM
        ),
        ProblemKind.PURPOSE_CASE_MISSING: ProblemText(
            422,
            "此事项须提供办件编号",
            "Questions for this item need the number of a case",
            "请在 purpose.case 中填写办件编号。",
            "Put the number of the case into purpose.case.",
        ),
        ProblemKind.PURPOSE_CASE_MALFORMED: ProblemText(
            422,
            "办件编号不符合此事项的格式",
            "The number of the case does not have the form of this item's",
            "请核对办件编号与事项编码。",
            "Check the number of the case, and the item.",
        ),
        ProblemKind.CONSENT_NOT_ALLOWED: ProblemText(
            403,
            "本系统未获准登记持证人的同意",
            "This caller may not register consents",
            "请由获准的系统登记；应当获准的，请告知网关运维人员。",
            "Have a caller register it that may; if you should, tell the operator.",
        ),
        ProblemKind.CONSENT_UNKNOWN: ProblemText(
            404,
            "没有本单位登记的此项同意",
            "Your organisation has registered no such consent",
            "请核对同意编号；由其他单位登记的，请向该单位撤回。",
            "Check its id; one that another organisation registered is withdrawn there.",
        ),
        ProblemKind.CONSENT_UNAVAILABLE: ProblemText(
            503, "同意登记簿暂不可用", "The register of consents cannot be used now", *_TELL_US
        ),
        ProblemKind.CREDENTIAL_NOT_OFFERED: ProblemText(
            422,
            "本网关不签发凭证",
            "This gateway issues no credentials",
            "请去掉 credential 后重新查验。",
            "Ask again without credential.",
        ),
        ProblemKind.CREDENTIAL_NOT_ALLOWED: ProblemText(
            403,
            "本系统未获准为持证人申领凭证",
            "This caller may not receive credentials for holders",
            "请去掉 credential 后重新查验；应当获准的，请告知网关运维人员。",
            "Ask again without credential; if you should receive them, tell the operator.",
        ),
        ProblemKind.RATE_EXCEEDED: ProblemText(
            429,
            "请求过于频繁",
            "This caller asks too often",
            "请在 Retry-After 所示秒数之后再试，并放慢请求；确需更快的，请与本网关运维人员联系。",
            "Try again after the seconds in Retry-After, and ask more slowly; if more is needed, talk to the operator.",
        ),
        ProblemKind.CONCURRENCY_EXCEEDED: ProblemText(
            429,
            "同时办理的请求过多",
            "Too many requests of this caller are being answered",
            "请等待已提出的请求得到答复后再提出新的请求；确需更多的，请与本网关运维人员联系。",
            "Wait for answers before you ask more; if more is needed at once, talk to the operator.",
        ),
        ProblemKind.QUOTA_EXCEEDED: ProblemText(
            429,
            "当日请求量已达上限",
            "The quota of this caller for today is used up",
            "请于次日（北京时间零时）之后再试；确需更多的，请与本网关运维人员联系。",
            "Try again from midnight, China time; if more is needed, talk to the operator.",
        ),
        ProblemKind.TOKEN_UNAVAILABLE: ProblemText(
            503,
            "暂不能确认令牌是否已被使用",
            "Whether this token was used before cannot be told now",
            "请稍后用新的令牌重试；如仍失败，请将请求编号告知本网关运维人员。",
            "Try again later with a new token; if it fails again, tell the operator the request id.",
        ),
        ProblemKind.BATCH_TOO_LONG: ProblemText(
            413,
            "一批至多 1000 个查验请求",
            "A batch holds at most 1,000 questions",
            "此行之前的请求均已答复；请将其余请求另行提交。",
            "Everything before this line was answered; send the rest as another batch.",
        ),
        ProblemKind.BATCH_EMPTY: ProblemText(
            422,
            "批量请求中没有查验请求",
            "There is no question in the batch",
            "请每行提交一个查验请求（JSON 对象）。",
            "Send one question, a JSON object, on each line.",
        ),
        ProblemKind.BUDGET_EXCEEDED: ProblemText(
            429,
            "查询用量已达上限",
            "A budget has no room for this question",
            "请在 Retry-After 所示秒数之后再试；确需更多的，请与数据共享管理人员联系。",
            "Try again after the seconds in Retry-After; if more is needed, talk to the policy officer.",
        ),
        ProblemKind.ROLE_NOT_ALLOWED: ProblemText(
            403,
            "本系统的角色不能使用此接口",
            "Callers of this role may not use this address",
            "请使用为此用途登记的身份；应当获准的，请告知网关运维人员。",
            "Sign in as who is registered for it; if you should be, tell the operator.",
        ),
        ProblemKind.OPENING_NOT_ALLOWED: ProblemText(
            403,
            "未获准申请或批准查看日志条目的非公开部分",
            "This auditor may not ask for openings, or not approve them",
            "请由获准的审计员办理。",
            "Have an auditor do it who may.",
        ),
        ProblemKind.OPENING_UNKNOWN: ProblemText(
            404,
            "没有此开启申请",
            "There is no such opening, or it is not yours",
            "请核对编号；当事人信息已依法销毁的，不能再开启。",
            "Check its id; nothing is opened any more about a person who was forgotten.",
        ),
        ProblemKind.OPENING_OTHER_SEARCH: ProblemText(
            403,
            "检索条件与开启申请不一致",
            "This is not the search that the opening is for",
            "请按申请时的条件检索，或另行申请。",
            "Search for exactly what was asked for, or ask for another opening.",
        ),
        ProblemKind.OPENING_NOT_APPROVED: ProblemText(
            403,
            "开启申请尚未获批准",
            "The opening is not approved yet",
            "请由另一名获准的审计员批准（/audit/v1/openings/approvals）。",
            "Have another auditor approve it who may (/audit/v1/openings/approvals).",
        ),
        ProblemKind.OPENING_OVER: ProblemText(
            403, "开启申请已过期", "The opening is over", "请重新申请。", "Ask for another one."
        ),
        ProblemKind.OPENING_SAME_PERSON: ProblemText(
            403,
            "申请人不得批准本人的申请",
            "Nobody approves what they asked for",
            "请由另一账号的另一名审计员批准。",
            "Have another person approve it, with another account.",
        ),
        ProblemKind.ASSURANCE_TOO_LOW: ProblemText(
            403,
            "登录的实名核验等级不足",
            "The holder did not sign in surely enough",
            "请在统一身份认证平台完成实人核验（人脸或数字证书）后重试。",
            "Have the holder sign in at the identity platform by face or certificate (real-person), then try again.",
        ),
        ProblemKind.PRESENTATION_NO_LICENCE: ProblemText(
            404,
            "没有本人的此项证照",
            "The holder has no such licence",
            "请核对证照标识，或证照编号与类型。",
            "Check the identifier, or the number and the type.",
        ),
        ProblemKind.PRESENTATION_TOO_MANY: ProblemText(
            429,
            "申领亮证码过于频繁",
            "The holder asked for too many codes",
            "请在 Retry-After 所示秒数之后重试。",
            "Try again after the seconds in Retry-After.",
        ),
        ProblemKind.PRESENTATION_UNAVAILABLE: ProblemText(
            503,
            "亮证码暂不可用",
            "Presentation codes cannot be given or taken now",
            "请稍后重试，或改用其他方式查验；如仍失败，请将请求编号告知本网关运维人员。",
            "Try again later, or name the licence in another way; if it fails, tell the operator the request id.",
        ),
        ProblemKind.LOG_UNAVAILABLE: ProblemText(
            503, "访问日志暂不可用，不作答复", "The access log cannot be used now, so nothing is answered", *_TELL_US
        ),
        ProblemKind.LOG_FILE_UNKNOWN: ProblemText(
            404,
            "日志没有此文件",
            "The log has no such file",
            "请核对路径与日志大小。",
            "Check the path, and the size of the log.",
        ),
        ProblemKind.RECEIPT_UNKNOWN: ProblemText(
            404,
            "没有此回执",
            "There is no such receipt",
            "请使用本系统所获答复中的 decision。",
            "Use the decision of an answer that your own system was given.",
        ),
        ProblemKind.WITNESS_MALFORMED: ProblemText(
            400, "不是规定格式的检查点提交", "This is no checkpoint as tlog-witness submits one", *_SEE_WITNESS
        ),
        ProblemKind.WITNESS_LOG_UNKNOWN: ProblemText(
            404,
            "本网关不见证此日志，或尚未共签",
            "This log is not witnessed here, or was not cosigned yet",
            "请核对日志名称；应当见证的，请将日志名称与公钥告知本网关运维人员。",
            "Check the origin; if it should be witnessed, tell the operator its origin and keys.",
        ),
        ProblemKind.WITNESS_UNSIGNED: ProblemText(
            403,
            "检查点未经登记的日志密钥有效签名",
            "No key that is known for this log signed the checkpoint",
            "请用登记的日志密钥签名；已更换密钥的，请告知本网关运维人员。",
            "Sign with a key that is registered; if the log changed its keys, tell the operator.",
        ),
        ProblemKind.WITNESS_NOT_GROWN: ProblemText(
            422,
            "检查点并非由上次共签的检查点延续而来",
            "The tree does not begin with the one that was cosigned last",
            "日志可能已被回退或分叉，请停止写入并查明原因。",
            "The log may have been rolled back or forked: stop writing and find out why.",
        ),
        ProblemKind.WITNESS_TOO_OFTEN: ProblemText(
            429,
            "此日志的提交过于频繁",
            "This log is submitted too often",
            "请在 Retry-After 所示秒数之后再提交。",
            "Submit again after the seconds in Retry-After.",
        ),
        ProblemKind.WITNESS_UNAVAILABLE: ProblemText(
            503,
            "见证记录暂不可用，不作共签",
            "What was witnessed cannot be relied on now, so nothing is cosigned",
            *_TELL_US,
        ),
        ProblemKind.BUDGET_UNAVAILABLE: ProblemText(
            503,
            "查询用量暂不能计数，不作答复",
            "The question cannot be counted now, so it is not answered",
            "请稍后重试；如持续出现，请核查本系统近期的查询量，并将请求编号告知本网关运维人员。",
            "Try again later; if it goes on, look at how much your system asks, and tell the operator the request id.",
        ),
        ProblemKind.SOURCE_UNAVAILABLE: ProblemText(
            503,
            "证照库暂不可用",
            "The store of licences cannot be asked now",
            "请稍后重试，或提交电子证照文件（document）；如仍失败，请将请求编号告知本网关运维人员。",
            "Try again later, or submit the licence file (document); if it fails, tell the operator the request id.",
        ),
        ProblemKind.BUSY: ProblemText(503, "本网关繁忙", "The gateway is busy", *_AGAIN),
        ProblemKind.DEADLINE: ProblemText(504, "未能在规定时间内完成", "No answer was found in time", *_AGAIN),
        ProblemKind.INTERNAL: ProblemText(500, "本网关内部错误", "The gateway failed", *_TELL_US),
    }
)

_OF_STATUS: Final[Mapping[int, ProblemKind]] = MappingProxyType(
    {
        404: ProblemKind.NOT_FOUND,
        405: ProblemKind.METHOD_NOT_ALLOWED,
        417: ProblemKind.EXPECTATION_FAILED,
        504: ProblemKind.DEADLINE,
    }
)


def problem_of_status(status: int) -> ProblemKind:
    """Translate a status that aiohttp itself decided on; anything unforeseen is a bad request or, from 500 on, ours."""
    other = ProblemKind.INTERNAL if status >= web.HTTPInternalServerError.status_code else ProblemKind.BAD_REQUEST
    return _OF_STATUS.get(status, other)


def problem_of_http_error(error: web.HTTPException) -> ProblemError:
    """Translate what aiohttp itself refuses, without a word of its own text."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return ProblemError(problem_of_status(error.status), headers=headers)


def render_problem(problem: ProblemError, *, request_id: str, decision: str | None = None) -> web.Response:
    """Return the problem document; only ids, the places of errors and the id of a budget vary."""
    text = PROBLEMS[problem.kind]
    response = web.Response(
        body=msgspec.json.encode(problem_to_dict(problem, request_id=request_id, decision=decision)),
        status=text.status,
        headers=problem.headers,
        content_type=PROBLEM_CONTENT_TYPE,
    )
    if problem.close:
        response.force_close()
    return response


def problem_to_dict(problem: ProblemError, *, request_id: str, decision: str | None = None) -> dict[str, Any]:
    """Return the problem document as JSON types."""
    text = PROBLEMS[problem.kind]
    content: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.kind,
        "title": text.title,
        "title_en": text.title_en,
        "status": text.status,
        "reason": problem.kind.value,
        "next": text.next,
        "next_en": text.next_en,
        "request_id": request_id,
    }
    if decision is not None:
        content["decision"] = decision
    if problem.errors:
        content["errors"] = [dict(error) for error in problem.errors]
    if problem.budget is not None:
        content["budget"] = problem.budget
    return content
