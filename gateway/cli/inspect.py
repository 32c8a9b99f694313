"""``tongban inspect``: what a document says, without judging it."""

import json
from collections.abc import Iterator
from typing import Any

from rich.markup import escape

from adapters.document import Document, DocumentSignature, Seal
from adapters.errors import MalformedDocumentError
from adapters.licence import Licence
from adapters.registry import parse_document
from gateway.checks.signed_part import read_certificate
from gateway.cli.console import ERR, ExitCode
from gateway.cli.inputs import expand_inputs, read_input
from gateway.cli.language import say
from gateway.rendering import encode_time


def inspect(names: list[str], *, as_json: bool) -> ExitCode:
    """Print what each input says; nothing here means that it is true."""
    inputs = expand_inputs(names)
    failed = False
    for name in inputs.names:
        try:
            described = {"input": name, **describe_document(parse_document(read_input(name)))}
        except OSError as error:
            inputs.unreadable.append((name, error.strerror or type(error).__name__))
            continue
        except MalformedDocumentError as error:
            failed = True
            described = {"input": name, "error": str(error)}
        if as_json:
            print(json.dumps(described, ensure_ascii=False), flush=True)
        else:
            print(_printable(name))
            for line in draw({key: value for key, value in described.items() if key != "input"}, indent=1):
                print(line)
    for name, why in inputs.unreadable:
        ERR.print(f"tongban: {escape(name)}: {escape(why)}")
    if inputs.unreadable or not inputs.names:
        return ExitCode.USAGE
    return ExitCode.INVALID if failed else ExitCode.DONE


def describe_document(document: Document) -> dict[str, Any]:
    """Return everything a document says, as JSON types."""
    described: dict[str, Any] = {
        "format": document.format,
        "warning": say("以下内容未经验证。", "None of this has been verified."),
        "members": {path: len(content) for path, content in document.members.items()},
        "licence": None if document.licence is None else describe_licence(document.licence, document.licence_member),
        "signatures": [describe_signature(signature) for signature in document.signatures],
        "notes": sorted(document.notes),
    }
    if document.bare_seal is not None:
        described["seal"] = describe_seal(document.bare_seal)
    return described


def describe_licence(licence: Licence, member: str | None) -> dict[str, Any]:
    """Return the metadata as written, with what was read out of it."""
    identifier = licence.identifier
    return {
        "found_in": member,
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


def draw(value: object, indent: int = 0) -> Iterator[str]:
    """Draw JSON types for people, one entry a line; lines are never wrapped or cut."""
    entries = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else ()
    for key, entry in entries:
        if isinstance(entry, dict | list) and entry:
            yield f"{'  ' * indent}{key}:"
            yield from draw(entry, indent + 1)
        else:
            yield f"{'  ' * indent}{key}: {'–' if entry in (None, [], {}) else _printable(str(entry))}"


def _printable(text: str) -> str:
    """Keep control characters of a document from the terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
