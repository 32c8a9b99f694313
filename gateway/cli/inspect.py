"""``tongban inspect``: what a document says, without judging it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from adapters.document import Document, DocumentSignature, Seal
from adapters.errors import MalformedDocumentError
from adapters.licence import Licence
from adapters.registry import parse_document
from gateway.checks.signed_part import read_certificate
from gateway.cli.console import ExitCode, print_json, printable, track
from gateway.cli.inputs import expand_inputs, read_input, report_inputs
from gateway.cli.language import is_chinese, say
from gateway.rendering import encode_time

NOT_VERIFIED: Final = "not-verified"

# What people read in place of the JSON's keys where the locale is Chinese; English keeps the keys themselves.
_LABELS: Final[Mapping[str, str]] = {
    "format": "格式", "warning": "提示", "error": "错误", "members": "文件", "licence": "证照", "signatures": "签章",
    "notes": "备注", "seal": "印章", "found_in": "所在文件", "elements": "元数据", "identifier": "电子证照标识",
    "text": "文本", "type_code": "证照类型代码", "issuer_code": "颁发机构代码", "serial": "序列号", "version": "版本",
    "standard_form": "符合标准格式", "check_character_matches": "校验位正确", "valid_from": "有效期起",
    "valid_to": "有效期止", "long_term": "长期有效", "flags": "特征", "id": "编号", "kind": "种类", "standard": "标准",
    "location": "位置", "signed_at": "签章时间", "algorithm": "算法", "signer": "签章人", "issuer": "证书颁发者",
    "digest_method": "摘要算法", "references": "保护清单", "timestamp_bytes": "时间戳字节数",
    "header_version": "头版本", "name": "名称", "type": "类型", "vendor": "厂商", "created": "制章时间",
    "maker": "制章人", "signers_listed": "授权签章人数", "picture": "印模", "bytes": "字节数", "width_mm": "宽（毫米）",
    "height_mm": "高（毫米）",
}  # fmt: skip
_AS_WRITTEN: Final = frozenset({"members", "elements"})  # below these, keys are the document's own words


def inspect(names: list[str], *, as_json: bool) -> ExitCode:
    """Print what each input says; nothing here means that it is true."""
    inputs = expand_inputs(names)
    failed = False
    for name in track(inputs.names, say("正在读取", "reading")):
        try:
            described = {"input": name, **describe_document(parse_document(read_input(name).data))}
        except OSError as error:
            inputs.unreadable.append((name, error.strerror or type(error).__name__))
            continue
        except MalformedDocumentError as error:
            failed = True
            described = {"input": name, "error": str(error)}
        if as_json:
            print_json(described)
        else:
            print_description(name, described)
    report_inputs(inputs)
    if inputs.unreadable or not inputs.names:
        return ExitCode.USAGE
    return ExitCode.INVALID if failed else ExitCode.DONE


def print_description(name: str, described: dict[str, Any]) -> None:
    """Print for people what a document says."""
    print(printable(name))
    shown = {key: value for key, value in described.items() if key != "input"}
    if "warning" in shown:
        shown["warning"] = say("以下内容未经核验。", "None of this has been verified.")
    for line in draw(shown, indent=1, labels=_LABELS if is_chinese() else {}):
        print(line)


def describe_document(document: Document) -> dict[str, Any]:
    """Return everything a document says, as JSON types."""
    described: dict[str, Any] = {
        "format": document.format,
        "warning": NOT_VERIFIED,
        "members": {path: len(content) for path, content in document.members.items()},
        "licence": None if document.licence is None else describe_licence(document.licence, document.licence_members),
        "signatures": [describe_signature(signature) for signature in document.signatures],
        "notes": sorted(document.notes),
    }
    if document.bare_seal is not None:
        described["seal"] = describe_seal(document.bare_seal)
    return described


def describe_licence(licence: Licence, members: frozenset[str]) -> dict[str, Any]:
    """Return the metadata as written, with what was read out of it."""
    identifier = licence.identifier
    return {
        "found_in": sorted(members),
        "elements": dict(licence.elements),
        "identifier": None
        if identifier is None
        else {
            "text": identifier.text,
            "type_code": identifier.type_code,
            "issuer_code": identifier.issuer_code,
            "serial": identifier.serial,
            "version": identifier.version,
            "standard_form": identifier.standard_form,
            "check_character_matches": identifier.check_character_matches,
        },
        "valid_from": licence.valid_from.isoformat() if licence.valid_from else None,
        "valid_to": licence.valid_to.isoformat() if licence.valid_to else None,
        "long_term": licence.long_term,
        "flags": sorted(licence.flags),
    }


def describe_signature(signature: DocumentSignature) -> dict[str, Any]:
    """Return what one signature claims."""
    certificate = read_certificate(signature.signed)
    references = signature.references
    return {
        "id": signature.id,
        "kind": signature.kind,
        "standard": signature.standard,
        "location": signature.location,
        "signed_at": None if signature.signed_at is None else encode_time(signature.signed_at),
        "algorithm": signature.signed.algorithm,
        "signer": None if certificate is None else certificate.subject_text,
        "issuer": None if certificate is None else certificate.issuer_text,
        "serial": None if certificate is None else f"{certificate.serial:X}",
        "digest_method": None if references is None else references.method,
        "references": None if references is None else [entry.path for entry in references.entries],
        "timestamp_bytes": None if signature.timestamp is None else len(signature.timestamp),
        "seal": None if signature.seal is None else describe_seal(signature.seal),
        "notes": sorted(signature.notes),
    }


def describe_seal(seal: Seal) -> dict[str, Any]:
    """Return what a seal claims."""
    maker = read_certificate(seal.maker)
    return {
        "standard": seal.standard,
        "header_version": seal.header_version,
        "id": seal.identifier,
        "name": seal.name,
        "type": seal.type,
        "vendor": seal.vendor,
        "created": encode_time(seal.created),
        "valid_from": encode_time(seal.valid_from),
        "valid_to": encode_time(seal.valid_to),
        "maker": None if maker is None else maker.subject_text,
        "signers_listed": len(seal.signer_certificates) or len(seal.signer_digests),
        "picture": {
            "format": seal.picture.format,
            "bytes": len(seal.picture.data),
            "width_mm": seal.picture.width_mm,
            "height_mm": seal.picture.height_mm,
        },
        "notes": sorted(seal.notes),
    }


def draw(value: object, indent: int = 0, labels: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """Draw JSON types for people, one entry a line; lines are never wrapped or cut. ``labels`` name the keys."""
    entries = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else ()
    for key, entry in entries:
        label = printable(labels.get(str(key), str(key)))
        if isinstance(entry, dict | list) and entry:
            yield f"{'  ' * indent}{label}:"
            yield from draw(entry, indent + 1, {} if key in _AS_WRITTEN else labels)
        else:
            yield f"{'  ' * indent}{label}: {'–' if entry in (None, [], {}) else printable(str(entry))}"
