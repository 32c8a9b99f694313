"""Reading the body of a question: everything that is wrong in it is named at once, in the words of the field."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from adapters.document import Format
from adapters.errors import MalformedDocumentError
from adapters.strict.json import parse_json
from gateway.audit.alarms.alarm import MAX_NOTE
from gateway.audit.alarms.words import Verdict
from gateway.consent.record import MAX_HOLDERS, MAX_LIFE, MAX_NAMES
from gateway.http.messages.problems import PlaceError
from gateway.http.messages.questions import (
    MAX_FIELDS,
    MAX_MATCHED,
    MAX_TOLERANCE_SECONDS,
    AttestQuestion,
    CredentialQuestion,
    HolderKey,
    LicenceQuestion,
    Operator,
    Purpose,
    VerificationRequest,
)
from gateway.http.problems import ProblemError, ProblemKind
from gateway.presentations.presentation import MAX_SECONDS, MIN_SECONDS
from keys.ocsp_stapled import MAX_STAPLED, MAX_STAPLED_BYTES

MAX_NAMED_PLACES: Final = 20  # of one request; whoever has more is not helped by more
_SHOWN_NAME: Final = 64  # characters of an unknown field's name that are repeated to its sender

_Request = TypeVar("_Request", bound=Struct)

WRONG_VALUE: Final = PlaceError.WRONG_VALUE

_OBJECT: Final = ("JSON 对象", "a JSON object")
_WORD: Final = (
    "1 至 128 个字符的文本，不含控制字符",
    "a text of 1 to 128 characters, none of them a control character",
)
_MOMENT: Final = (
    "带时区的时刻（RFC 3339），since 早于 until",
    "a moment with an offset (RFC 3339), since before until",
)
_COORDINATE: Final = ("32 字节的 Base64url 文本", "32 bytes in base64url")
_NAME: Final = (
    "1 至 200 个字符的文本，不含控制字符",
    "a text of 1 to 200 characters, none of them a control character",
)
_NOTHING: Final = ("无此字段，请删除", "no such field; leave it out")
_FORMATS: Final = " / ".join(Format)
_VERDICTS: Final = " / ".join(Verdict)

# What belongs at each place, in Chinese and in English.
_EXPECTED: Final[Mapping[str, tuple[str, str]]] = {
    "$": (
        "接口文档所述的 JSON 对象；检索须至少有一个条件，文本不得含有空字符（NUL）；亮证只用一种方式指定证照",
        (
            "the JSON object that the description states; a search has at least one term, and no text has a NUL in it; "
            "a presentation names the licence in exactly one way"
        ),
    ),
    "$.licence": (
        (
            "证照，只用一种方式指定：document，或 identifier，或 number 与 type（可加 holder），或 code；"
            "检索时为编号或标识文本"
        ),
        (
            "the licence, named in exactly one way: document, or identifier, or number and type (and holder), or code; "
            "of a search its number or identifier"
        ),
    ),
    "$.licence.document": (
        "证照文件的 Base64 文本（RFC 4648 第 4 节）",
        "the licence file in base64 (RFC 4648 section 4)",
    ),
    "$.licence.code": ("有效的亮证码", "a presentation code that is good"),
    "$.licence.format": (f"与文件一致的格式：{_FORMATS}", f"the format that the file has: {_FORMATS}"),
    "$.licence.stapled": (
        f"OCSP 应答的列表，至多 {MAX_STAPLED} 项，合计至多 {MAX_STAPLED_BYTES} 字节",
        f"a list of at most {MAX_STAPLED} OCSP answers, of at most {MAX_STAPLED_BYTES} bytes together",
    ),
    "$.licence.stapled[]": (
        "一份 OCSP 应答的 Base64 文本（RFC 4648 第 4 节）",
        "an OCSP answer in base64 (RFC 4648 section 4)",
    ),
    "$.purpose": ("用途：item（事项）、case（办件）、use", "the purpose: item, case, use"),
    "$.purpose.item": _WORD,
    "$.purpose.case": _WORD,
    "$.operator": ("经办人：id（必填）、name", "the clerk who asks: id (required), name"),
    "$.operator.id": (
        "经办人编号，1 至 128 个字符，不含控制字符",
        "the clerk's number, 1 to 128 characters, none a control character",
    ),
    "$.match": (
        f"要比对的 1 至 {MAX_MATCHED} 个信息项，如 holder_name、holder_id",
        f"1 to {MAX_MATCHED} fields to compare, such as holder_name and holder_id",
    ),
    "$.attest": ("要判断的内容：valid-on、covers", "what to attest: valid-on, covers"),
    "$.attest.valid-on": ("日期，如 2026-03-01", "a day, such as 2026-03-01"),
    "$.consent": (
        "同意编号，1 至 128 个字符，不含控制字符",
        "the id of a consent, 1 to 128 characters, none a control character",
    ),
    "$.credential": ("凭证的要求：holder_key", "what credential is wanted: holder_key"),
    "$.credential.holder_key": (
        "持证人公钥（JWK）：P-256、Ed25519 或 SM2，只含 kty、crv、x、y",
        "the holder's public key as JWK, of P-256, Ed25519 or SM2, with kty, crv, x, y and nothing else",
    ),
    "$.credential.holder_key.kty": ("EC 或 OKP", "EC or OKP"),
    "$.credential.holder_key.crv": ("P-256、Ed25519 或 SM2", "P-256, Ed25519 or SM2"),
    "$.credential.holder_key.x": _COORDINATE,
    "$.credential.holder_key.y": _COORDINATE,
    "$.holders": (
        f"持证人号码的列表，1 至 {MAX_HOLDERS} 项",
        f"a list of 1 to {MAX_HOLDERS} numbers of holders",
    ),
    "$.holders[]": ("持证人号码，如公民身份号码", "the number of a holder, such as a citizen number"),
    "$.items": (f"事项编码的列表，1 至 {MAX_NAMES} 项", f"a list of 1 to {MAX_NAMES} codes of items"),
    "$.items[]": (
        "生效策略中的事项编码；登记同意的，还须经持证人同意、在同意期内有效，且其用证清单含有所列证照类型",
        (
            "an item of the policy in force; of a consent one that asks for consent, is in force meanwhile, and lists "
            "one of the types"
        ),
    ),
    "$.licences": (f"证照类型的列表，1 至 {MAX_NAMES} 项", f"a list of 1 to {MAX_NAMES} licence types"),
    "$.licences[]": (
        "证照类型编号，须在所列事项的用证清单中",
        "a licence type that one of the items lists",
    ),
    "$.organisations": (
        f"统一社会信用代码的列表，1 至 {MAX_NAMES} 项",
        f"a list of 1 to {MAX_NAMES} unified social credit codes",
    ),
    "$.organisations[]": ("18 位统一社会信用代码", "a unified social credit code"),
    "$.expires": (
        f"带时区的时刻（RFC 3339），晚于现在，至多 {MAX_LIFE.days} 日后",
        f"a moment with an offset (RFC 3339), after now by at most {MAX_LIFE.days} days",
    ),
    "$.cursor": ("上一页给出的 cursor，且其他条件不变", "the cursor of the page before, for the same search"),
    "$.limit": ("规定范围内的条数", "a number of entries within the bounds"),
    "$.since": _MOMENT,
    "$.until": _MOMENT,
    "$.identifier": ("证照标识（GB/T 36904），1 至 200 个字符", "the identifier of GB/T 36904, 1 to 200 characters"),
    "$.number": (
        "证照编号，1 至 200 个字符，与 type 同填",
        "the number of a licence, 1 to 200 characters, beside type",
    ),
    "$.type": ("证照类型的代码或名称，1 至 200 个字符", "the code or name of a licence type, 1 to 200 characters"),
    "$.subject": ("持证人号码，1 至 128 个字符", "the number of a holder, 1 to 128 characters"),
    "$.official": ("经办人编号，1 至 200 个字符", "the number of an official, 1 to 200 characters"),
    "$.case": ("办件编号，1 至 128 个字符", "the number of a case, 1 to 128 characters"),
    "$.caller": ("调用方编号，1 至 128 个字符", "the id of a caller, 1 to 128 characters"),
    "$.item": ("事项编码，1 至 128 个字符", "the code of an item, 1 to 128 characters"),
    "$.decision": ("答复编号（decision），1 至 128 个字符", "the id of a decision, 1 to 128 characters"),
    "$.form": ("提供形式，1 至 128 个字符", "a form in which fields leave, 1 to 128 characters"),
    "$.policy": ("策略文件的摘要，1 至 128 个字符", "the digest of a policy, 1 to 128 characters"),
    "$.rule": ("告警规则编号", "the id of a rule of alarms"),
    "$.scope": ("open 或 all", "open or all"),
    "$.alarm": ("告警编号，以告警列表所示为准", "an alarm, as the list of alarms names it"),
    "$.verdict": (f"处理意见：{_VERDICTS}", f"what is made of the alarm: {_VERDICTS}"),
    "$.note": (f"至多 {MAX_NOTE} 个字符的说明，不含空字符", f"a note of at most {MAX_NOTE} characters without a NUL"),
    "$.day": ("日期，如 2026-03-01", "a day, such as 2026-03-01"),
    "$.proofs": ("true 或 false", "true or false"),
    "$.kinds": ("条目类别的列表", "a list of kinds of entries"),
    "$.kinds[]": ("条目类别，如 access", "a kind of entry, such as access"),
    "$.reason": ("查看非公开部分的理由，1 至 80 个字符", "why private parts are opened, 1 to 80 characters"),
    "$.opening": ("开启申请的编号", "the id of an opening"),
    "$.log": ("已有的日志分段，如 2026h2", "a half-year that the log has, such as 2026h2"),
    "$.format": ("csv、xlsx 或 bundle", "csv, xlsx or bundle"),
    "$.fields": (f"信息项名称的列表，至多 {MAX_FIELDS} 项", f"a list of at most {MAX_FIELDS} names of fields"),
    "$.fields[]": (
        "信息项名称，1 至 128 个字符，不含控制字符",
        "the name of a field, 1 to 128 characters, none a control character",
    ),
    "$.seconds": (
        f"{MIN_SECONDS} 至 {MAX_SECONDS} 的整数（秒）",
        f"a whole number of seconds from {MIN_SECONDS} to {MAX_SECONDS}",
    ),
    "$.tolerance_seconds": (
        f"0 至 {MAX_TOLERANCE_SECONDS} 的整数（秒）",
        f"a whole number of seconds from 0 to {MAX_TOLERANCE_SECONDS}",
    ),
}
# The nested objects of a request by their place; lists of a request hold no objects.
_NESTED: Final[Mapping[str, type[Struct]]] = {
    "$.licence": LicenceQuestion,
    "$.purpose": Purpose,
    "$.operator": Operator,
    "$.attest": AttestQuestion,
    "$.credential": CredentialQuestion,
    "$.credential.holder_key": HolderKey,
}
_INDEX: Final = re.compile(r" - at `\$(?P<index>(?:\[\d+\])?)[^`]*`$")


def parse_verification_request(body: bytes | bytearray, *, max_body_bytes: int) -> VerificationRequest:
    """Read the body of a question, as `parse_request` reads one."""
    return parse_request(body, VerificationRequest, max_body_bytes=max_body_bytes)


def parse_request(body: bytes | bytearray, shape: type[_Request], *, max_body_bytes: int) -> _Request:
    """Read a body of this shape.

    Raises:
        ProblemError: 400, it is no JSON; 422, with up to twenty places that are unknown, missing or wrong.

    """
    try:
        content = parse_json(body, limit=max_body_bytes)  # type: ignore[arg-type]  # it reads a bytearray all the same
    except MalformedDocumentError as error:
        raise ProblemError(ProblemKind.BODY_NOT_JSON) from error
    try:
        return msgspec.convert(content, shape)
    except msgspec.ValidationError as error:
        places = [place for place, _ in zip(_wrong_places(content, shape), range(MAX_NAMED_PLACES), strict=False)]
        raise ProblemError(ProblemKind.BODY_INVALID, errors=places) from error


def name_place(path: str, error: PlaceError) -> dict[str, str]:
    """Return the entry of a problem document for one place: where, what, and what belongs there; never a value."""
    chinese, english = _NOTHING if error is PlaceError.UNKNOWN_FIELD else _expected(path)
    return {"path": path, "error": error.value, "expected": chinese, "expected_en": english}


def _expected(path: str) -> tuple[str, str]:
    return _EXPECTED.get(re.sub(r"\[\d+\]", "[]", path), _NAME)


def _wrong_places(content: object, shape: type[Struct]) -> Iterator[dict[str, str]]:
    """Name every place that is wrong: field by field, since the conversion as a whole stops at the first."""
    if not isinstance(content, dict):
        yield name_place("$", WRONG_VALUE)
        return
    yield from _wrong_fields(content, shape, "$")


def _wrong_fields(content: dict[str, Any], expected: type[Struct], path: str) -> Iterator[dict[str, str]]:
    fields: dict[str, FieldInfo] = {field.encode_name: field for field in msgspec.structs.fields(expected)}
    for name, value in content.items():
        place = f"{path}.{name[:_SHOWN_NAME]}"
        if name not in fields:
            yield name_place(place, PlaceError.UNKNOWN_FIELD)
        elif place in _NESTED and isinstance(value, dict):
            yield from _wrong_fields(value, _NESTED[place], place)
        else:
            yield from _wrong_value(value, fields[name], place)
    for name, field in fields.items():
        if field.required and name not in content:
            yield name_place(f"{path}.{name}", PlaceError.MISSING_FIELD)


def _wrong_value(value: object, field: FieldInfo, place: str) -> Iterator[dict[str, str]]:
    """Name the place of a value that is not of its type; inside a list or a map, of each element that is not."""
    try:
        msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        if isinstance(value, dict) and 0 < len(value) <= MAX_MATCHED:
            for name, element in value.items():
                try:
                    msgspec.convert({name: element}, field.type)
                except msgspec.ValidationError:
                    yield name_place(f"{place}.{name[:_SHOWN_NAME]}", WRONG_VALUE)
            return
        found = _INDEX.search(str(error))
        if found is None or not found["index"] or not isinstance(value, list):
            yield name_place(place, WRONG_VALUE)
            return
        for index, element in enumerate(value):
            try:
                msgspec.convert([element], field.type)
            except msgspec.ValidationError:
                yield name_place(f"{place}[{index}]", WRONG_VALUE)
