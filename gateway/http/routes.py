"""The table of everything that can be asked over HTTP: the router, the sign-in and the OpenAPI document read it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from aiohttp import web
from msgspec import Struct

from gateway.audit.witness.protocol import SIZE_TYPE, TEXT_TYPE
from gateway.callers import CallerRole
from gateway.http.alarms import post_alarms, post_verdict
from gateway.http.auditors import (
    EXPORT_CONTENT_TYPES,
    REACHED_HEADER,
    post_case,
    post_export,
    post_licence_history,
    post_official_day,
    post_search,
)
from gateway.http.batch import BATCH_CONTENT_TYPE, BATCH_PATH, post_batch
from gateway.http.business import post_verification
from gateway.http.consents import post_consent, post_withdrawal
from gateway.http.holders import post_accesses
from gateway.http.log_files import get_checkpoint, get_entries, get_tile
from gateway.http.messages.alarms import AlarmsAnswer, AlarmsRequest, VerdictAnswer, VerdictRequest
from gateway.http.messages.answers import FullReceiptAnswer, VerificationAnswer
from gateway.http.messages.auditors import (
    CaseRequest,
    ExportRequest,
    LicenceHistoryRequest,
    OfficialDayRequest,
    OpeningAnswer,
    OpeningApproval,
    OpeningLookup,
    OpeningRequest,
    SearchAnswer,
    SearchRequest,
)
from gateway.http.messages.consents import ConsentAnswer, ConsentRequest, WithdrawalAnswer, WithdrawalRequest
from gateway.http.messages.holders import AccessesAnswer, AccessesRequest
from gateway.http.messages.presentations import PresentationAnswer, PresentationRequest
from gateway.http.messages.questions import VerificationRequest
from gateway.http.messages.readiness import Health, Readiness
from gateway.http.openings import post_approval, post_lookup, post_opening
from gateway.http.operations import get_health, get_metrics, get_openapi, get_readiness
from gateway.http.presentations import post_presentation
from gateway.http.problems import ProblemKind
from gateway.http.receipts import get_receipt
from gateway.http.witness import get_witnessed_checkpoint, post_witnessed_checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address: who answers, what goes in and out (None: no JSON of ours), and how it may refuse.

    ``is_open`` lets everybody in; every other route asks for a token, so that a forgotten mark refuses. So does a
    forgotten role: what is not marked for auditors refuses them.
    """

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    operation: str
    summary: str
    description: str = ""
    request: type[Struct] | None = None
    request_content_type: str = "application/json"
    answer: type[Struct] | None = None
    answer_content_types: tuple[str, ...] = ("application/json",)
    answer_headers: tuple[str, ...] = ()  # beside those that every answer has
    other_answers: Mapping[int, str] = field(default_factory=dict)  # by status; what goes out is the same as with 200
    problems: tuple[ProblemKind, ...] = ()
    is_open: bool = False
    role: CallerRole = CallerRole.BUSINESS  # whose token it takes, unless it is open
    may_be_public: bool = False  # whether the settings can open it (`[audit] public`)
    is_worded: bool = False  # sentences for people are in the answer, in the language of Accept-Language
    pattern: str = ""  # for the router, where a parameter of the path has slashes in it

    @property
    def methods(self) -> tuple[str, ...]:
        """The method, and HEAD beside a GET (RFC 9110 section 9.1): monitors like it."""
        return (self.method, "HEAD") if self.method == "GET" else (self.method,)


_BODY_PROBLEMS: Final = (
    ProblemKind.BODY_TIMEOUT,
    ProblemKind.BODY_INCOMPLETE,
    ProblemKind.BODY_TOO_LARGE,
    ProblemKind.BODY_NOT_JSON,
    ProblemKind.BODY_INVALID,
    ProblemKind.BODY_CONTENT_TYPE,
    ProblemKind.BODY_CONTENT_ENCODING,
    ProblemKind.EXPECTATION_FAILED,
)

_CONSENT_PROBLEMS: Final = (
    *_BODY_PROBLEMS,
    ProblemKind.CONSENT_NOT_ALLOWED,
    ProblemKind.CONSENT_UNAVAILABLE,
    ProblemKind.LOG_UNAVAILABLE,
    ProblemKind.BUSY,
    ProblemKind.DEADLINE,
    ProblemKind.INTERNAL,
)

_LOG_PROBLEMS: Final = (ProblemKind.LOG_UNAVAILABLE, ProblemKind.BUSY, ProblemKind.DEADLINE, ProblemKind.INTERNAL)
_AUDIT_PROBLEMS: Final = (
    *_BODY_PROBLEMS,
    ProblemKind.OPENING_NOT_ALLOWED,
    ProblemKind.OPENING_UNKNOWN,
    ProblemKind.OPENING_OTHER_SEARCH,
    ProblemKind.OPENING_NOT_APPROVED,
    ProblemKind.OPENING_OVER,
    *_LOG_PROBLEMS,
)
_ALARM_PROBLEMS: Final = (
    *_BODY_PROBLEMS,
    *_LOG_PROBLEMS,
)
_OPENING_PROBLEMS: Final = (
    *_BODY_PROBLEMS,
    ProblemKind.OPENING_NOT_ALLOWED,
    ProblemKind.OPENING_UNKNOWN,
    *_LOG_PROBLEMS,
)
_FILE_PROBLEMS: Final = (
    ProblemKind.LOG_FILE_UNKNOWN,
    *_LOG_PROBLEMS,
)
_AUDIT: Final = (
    Route(
        method="POST",
        path="/audit/v1/searches",
        handler=post_search,
        operation="audit-search",
        summary="Search the access log.",
        description=(
            "For auditors. All terms hold together; newest entries first; `cursor` leads on. Numbers of people are "
            "looked up by keyed hashes. The search itself is an entry before its answer leaves. With an `opening` "
            "for exactly this search, auditors who may see private parts too."
        ),
        request=SearchRequest,
        answer=SearchAnswer,
        problems=_AUDIT_PROBLEMS,
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="POST",
        path="/audit/v1/cases",
        handler=post_case,
        operation="audit-case",
        summary="All entries of one case.",
        request=CaseRequest,
        answer=SearchAnswer,
        problems=_AUDIT_PROBLEMS,
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="POST",
        path="/audit/v1/official-days",
        handler=post_official_day,
        operation="audit-official-day",
        summary="What one official did on one day.",
        request=OfficialDayRequest,
        answer=SearchAnswer,
        problems=_AUDIT_PROBLEMS,
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="POST",
        path="/audit/v1/licence-histories",
        handler=post_licence_history,
        operation="audit-licence-history",
        summary="Who looked at one licence.",
        request=LicenceHistoryRequest,
        answer=SearchAnswer,
        problems=_AUDIT_PROBLEMS,
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="POST",
        path="/audit/v1/exports",
        handler=post_export,
        operation="audit-export",
        summary="Entries that a search finds: as CSV or XLSX, or as a finding that anybody can verify.",
        description=(
            "Up to 10,000 entries; the export is an entry, with the digest of the file, before it leaves. The format "
            "`bundle` is a ZIP with proofs that the log signs; `tongban audit verify` checks it without the gateway."
        ),
        request=ExportRequest,
        answer_content_types=EXPORT_CONTENT_TYPES,
        answer_headers=("Content-Disposition", REACHED_HEADER),
        problems=_AUDIT_PROBLEMS,
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="POST",
        path="/audit/v1/openings",
        handler=post_opening,
        operation="audit-opening",
        summary="Ask for private parts to be opened.",
        description=(
            "For auditors who may, for one search of one half-year (`log`) and with a reason. Another auditor approves "
            "it within 24 hours; then whoever asked names it as `opening` in exactly this search or export, for 24 "
            "hours. Texts have no control characters and none that cannot be seen, since others read them. All of it "
            "is logged."
        ),
        request=OpeningRequest,
        answer=OpeningAnswer,
        problems=_OPENING_PROBLEMS,
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="POST",
        path="/audit/v1/openings/approvals",
        handler=post_approval,
        operation="audit-opening-approval",
        summary="Approve that private parts are opened.",
        description=(
            "For auditors who may: with another account, and as another person, than asked for it. Approving it again "
            "is a look at it."
        ),
        request=OpeningApproval,
        answer=OpeningAnswer,
        problems=(*_OPENING_PROBLEMS, ProblemKind.OPENING_OVER, ProblemKind.OPENING_SAME_PERSON),
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="POST",
        path="/audit/v1/openings/lookups",
        handler=post_lookup,
        operation="audit-opening-lookup",
        summary="What is to be opened, why, and who approved it.",
        description="For whoever asked, and for those who may approve it; the look is an entry too.",
        request=OpeningLookup,
        answer=OpeningAnswer,
        problems=_OPENING_PROBLEMS,
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="POST",
        path="/audit/v1/alarms",
        handler=post_alarms,
        operation="audit-alarms",
        summary="Alarms: which accesses somebody should look at.",
        description=(
            "For auditors, newest first, over all half-years: what a rule found, the entries that show it, and what "
            "was made of it. The question itself is an entry before its answer leaves."
        ),
        request=AlarmsRequest,
        answer=AlarmsAnswer,
        problems=_ALARM_PROBLEMS,
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="POST",
        path="/audit/v1/alarms/verdicts",
        handler=post_verdict,
        operation="audit-alarm-verdict",
        summary="Say what is to be made of an alarm.",
        description=(
            "For auditors. `justified` and `unjustified` close it, `needs-inquiry` leaves it open; the latest verdict "
            "counts, and all of them stay in the log."
        ),
        request=VerdictRequest,
        answer=VerdictAnswer,
        problems=_ALARM_PROBLEMS,
        role=CallerRole.AUDITOR,
    ),
    Route(
        method="GET",
        path="/log/{shard}/checkpoint",
        handler=get_checkpoint,
        operation="log-checkpoint",
        summary="The signed head of the access log (C2SP tlog-tiles).",
        answer_content_types=("text/plain",),
        problems=_FILE_PROBLEMS,
        role=CallerRole.AUDITOR,
        may_be_public=True,
    ),
    Route(
        method="GET",
        path="/log/{shard}/tile/entries/{path}",
        pattern="/log/{shard}/tile/entries/{path:.+}",
        handler=get_entries,
        operation="log-entries",
        summary="A bundle of entries (C2SP tlog-tiles).",
        answer_content_types=("application/octet-stream",),
        problems=_FILE_PROBLEMS,
        role=CallerRole.AUDITOR,
        may_be_public=True,
    ),
    Route(
        method="GET",
        path="/log/{shard}/tile/{path}",
        pattern="/log/{shard}/tile/{path:.+}",
        handler=get_tile,
        operation="log-tile",
        summary="A tile of hashes (C2SP tlog-tiles).",
        answer_content_types=("application/octet-stream",),
        problems=_FILE_PROBLEMS,
        role=CallerRole.AUDITOR,
        may_be_public=True,
    ),
)

_WITNESS_PROBLEMS: Final = (
    ProblemKind.WITNESS_LOG_UNKNOWN,
    ProblemKind.WITNESS_UNAVAILABLE,
    ProblemKind.BUSY,
    ProblemKind.DEADLINE,
    ProblemKind.INTERNAL,
)
_WITNESS: Final = (
    Route(
        method="POST",
        path="/witness/v1/add-checkpoint",
        handler=post_witnessed_checkpoint,
        operation="witness-add-checkpoint",
        summary="Cosign a checkpoint of another gateway's log (C2SP tlog-witness).",
        description=(
            "For the logs that the operator witnesses; signed by the log, so without a token. The body is that of "
            "tlog-witness; 409 answers with the size that is known here, as `text/x.tlog.size`."
        ),
        request_content_type=TEXT_TYPE,
        answer_content_types=("text/plain",),
        other_answers={409: SIZE_TYPE},
        problems=(
            ProblemKind.BODY_TIMEOUT,
            ProblemKind.BODY_INCOMPLETE,
            ProblemKind.BODY_TOO_LARGE,
            ProblemKind.BODY_CONTENT_ENCODING,
            ProblemKind.EXPECTATION_FAILED,
            ProblemKind.WITNESS_MALFORMED,
            ProblemKind.WITNESS_UNSIGNED,
            ProblemKind.WITNESS_NOT_GROWN,
            ProblemKind.WITNESS_TOO_OFTEN,
            *_WITNESS_PROBLEMS,
        ),
        is_open=True,
    ),
    Route(
        method="GET",
        path="/witness/v1/{origin}/checkpoint",
        pattern="/witness/v1/{origin:[0-9a-f]{64}}/checkpoint",
        handler=get_witnessed_checkpoint,
        operation="witness-checkpoint",
        summary="The latest checkpoint of a log that was cosigned here; `origin` is the SHA-256 of its origin.",
        answer_content_types=("text/plain",),
        problems=_WITNESS_PROBLEMS,
        is_open=True,
    ),
)

ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/verifications",
        handler=post_verification,
        operation="verify",
        summary="Is this licence genuine and in force?",
        description=(
            "Verifies a licence, from its document, from the gateway's own store or another system, or by a code that "
            "its holder shows (亮证码), and answers valid, invalid or unknown with every reason. "
            "The verdict is an answer, not an error: a forged document is a 200 with outcome invalid. "
            "Fields leave by the sharing policy that is in force, in the form that it gives to this caller for this "
            "item, or are withheld with the reason; without a policy all are withheld. "
            "`match` is answered with one yes or no for all of it. With `credential` the fields that leave as they are "
            "also come as a credential that the holder carries (SD-JWT VC), where the gateway issues them. "
            "The entry about the answer is durable in the access log before the answer leaves; `receipt` says where, "
            "with a tree that the log signed."
        ),
        request=VerificationRequest,
        answer=VerificationAnswer,
        problems=(
            *_BODY_PROBLEMS,
            ProblemKind.LICENCE_AMBIGUOUS,
            ProblemKind.LICENCE_KIND_NOT_OFFERED,
            ProblemKind.LICENCE_NOT_BASE64,
            ProblemKind.LICENCE_TOO_LARGE,
            ProblemKind.LICENCE_FORMAT_DIFFERS,
            ProblemKind.LICENCE_CODE_UNKNOWN,
            ProblemKind.PRESENTATION_UNAVAILABLE,
            ProblemKind.PURPOSE_ITEM_MISSING,
            ProblemKind.PURPOSE_ITEM_UNKNOWN,
            ProblemKind.PURPOSE_ITEM_NOT_IN_FORCE,
            ProblemKind.PURPOSE_CASE_MISSING,
            ProblemKind.PURPOSE_CASE_MALFORMED,
            ProblemKind.CREDENTIAL_NOT_OFFERED,
            ProblemKind.CREDENTIAL_NOT_ALLOWED,
            ProblemKind.BUDGET_EXCEEDED,
            ProblemKind.SOURCE_UNAVAILABLE,
            ProblemKind.CONSENT_UNAVAILABLE,
            ProblemKind.LOG_UNAVAILABLE,
            ProblemKind.BUSY,
            ProblemKind.DEADLINE,
            ProblemKind.INTERNAL,
        ),
    ),
    Route(
        method="POST",
        path=BATCH_PATH,
        handler=post_batch,
        operation="verifyBatch",
        summary="The same, of up to 1,000 licences in one request",
        description=(
            "One question a line (NDJSON), each as for `/v1/verifications`; one answer a line, in the same order, as "
            "soon as it is there. "
            "A line that is refused is answered with its problem document, and the others go on: `status` of an "
            "answer is a word, that of a problem a number. `retry_after` stands in it where a header would. "
            "Each line is a question of its own in the access log, for limits and for budgets; where the limits of the "
            "caller have no room, the line waits."
        ),
        request=VerificationRequest,
        request_content_type=BATCH_CONTENT_TYPE,
        answer=VerificationAnswer,
        answer_content_types=(BATCH_CONTENT_TYPE,),
        problems=(
            ProblemKind.BODY_CONTENT_TYPE,
            ProblemKind.BODY_CONTENT_ENCODING,
            ProblemKind.EXPECTATION_FAILED,
            ProblemKind.BUSY,
            ProblemKind.INTERNAL,
        ),
    ),
    Route(
        method="GET",
        path="/v1/receipts/{decision}",
        handler=get_receipt,
        operation="receipt",
        summary="The receipt of an answer in full: the entry, and the proof that it stands in the log.",
        description="For the caller who asked. `tongban audit check-receipt` verifies it without the gateway.",
        answer=FullReceiptAnswer,
        problems=(
            ProblemKind.RECEIPT_UNKNOWN,
            *_LOG_PROBLEMS,
        ),
    ),
    Route(
        method="POST",
        path="/v1/consents",
        handler=post_consent,
        operation="register-consent",
        summary="Register what holders have agreed to.",
        description=(
            "For callers that the operator lets register consents. The id that comes back is named in questions; the "
            "numbers of the holders are kept as keyed hashes only. Refused is what no question could ever rest on: "
            "items that the policy in force does not have or that ask for no consent, licence types that no such item "
            "lists, fields that no such type has."
        ),
        request=ConsentRequest,
        answer=ConsentAnswer,
        problems=_CONSENT_PROBLEMS,
    ),
    Route(
        method="POST",
        path="/v1/consents/withdrawals",
        handler=post_withdrawal,
        operation="withdraw-consent",
        summary="Withdraw a consent.",
        description=(
            "From now on no question rests on it. A consent of another organisation is answered as one that does not "
            "exist."
        ),
        request=WithdrawalRequest,
        answer=WithdrawalAnswer,
        problems=(*_CONSENT_PROBLEMS, ProblemKind.CONSENT_UNKNOWN),
    ),
    *_AUDIT,
    *_WITNESS,
    Route(
        method="POST",
        path="/holder/v1/accesses",
        handler=post_accesses,
        operation="holder-accesses",
        summary="Who looked at my licences?",
        description=(
            "For identity platforms that vouch for holders: the token names who asks, and nothing else does. Newest "
            "first: when, which organisation and system, for which item, which fields in which form, and why, in the "
            "language of Accept-Language (Chinese or English). Officials are not named, and what the law keeps secret "
            "is left out for a fixed time, which the answer does not tell. The look itself is an entry of the access "
            "log before the answer leaves."
        ),
        request=AccessesRequest,
        answer=AccessesAnswer,
        problems=(
            ProblemKind.ASSURANCE_TOO_LOW,
            *_BODY_PROBLEMS,
            *_LOG_PROBLEMS,
        ),
        role=CallerRole.IDENTITY_PROVIDER,
        is_worded=True,
    ),
    Route(
        method="POST",
        path="/holder/v1/presentations",
        handler=post_presentation,
        operation="holder-presentation",
        summary="A code for one of my licences, to be shown (亮证).",
        description=(
            "For identity platforms that vouch for holders: the token names who shows a licence. Whoever is shown the "
            "code names it as `code` in one question to `/v1/verifications`, within its time and for its items; it is "
            "answered as every question is, by how the licence stands then. A licence of another holder is answered as "
            "one that does not exist. The entry about it is in the access log before the answer leaves."
        ),
        request=PresentationRequest,
        answer=PresentationAnswer,
        problems=(
            ProblemKind.ASSURANCE_TOO_LOW,
            *_BODY_PROBLEMS,
            ProblemKind.LICENCE_KIND_NOT_OFFERED,
            ProblemKind.PRESENTATION_NO_LICENCE,
            ProblemKind.PRESENTATION_TOO_MANY,
            ProblemKind.PRESENTATION_UNAVAILABLE,
            ProblemKind.SOURCE_UNAVAILABLE,
            *_LOG_PROBLEMS,
        ),
        role=CallerRole.IDENTITY_PROVIDER,
    ),
    Route(
        method="GET",
        path="/healthz",
        handler=get_health,
        operation="health",
        summary="Does the process answer?",
        answer=Health,
        is_open=True,
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=get_readiness,
        operation="readiness",
        summary="What does the gateway work with?",
        description=(
            "Counts of anchors by purpose, revocation lists and callers; the trust lists in force and held, why the "
            "last reload failed, and how the sources of revocation status stand. Without anchors, chains are unknown."
        ),
        answer=Readiness,
        other_answers={503: "application/json"},
        is_open=True,
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=get_metrics,
        operation="metrics",
        summary="Metrics for Prometheus.",
        answer_content_types=("text/plain",),
        is_open=True,
    ),
    Route(
        method="GET",
        path="/openapi.json",
        handler=get_openapi,
        operation="openapi",
        summary="This document.",
        is_open=True,
    ),
)

ROLES: Final = MappingProxyType({route.path: route.role for route in ROUTES})
PATHS: Final = frozenset(route.path for route in ROUTES)
# What is answered at any load: by these a gateway is watched.
WATCH_PATHS: Final = frozenset(route.path for route in ROUTES if route.is_open and route not in _WITNESS)
OPEN_PATHS: Final = frozenset(route.path for route in ROUTES if route.is_open)
PUBLIC_PATHS: Final = frozenset(route.path for route in ROUTES if route.may_be_public)
