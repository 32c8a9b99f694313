"""A kit as one value: made from a mapping, written as a ZIP or a folder, read back within bounds, and checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from adapters.errors import MalformedDocumentError
from adapters.kit.answers import describe_reading, make_answer_cases
from adapters.kit.difference import differing_paths
from adapters.mapping.adapter import Adapter
from adapters.record.record import LicenceRecord
from adapters.strict.json import parse_json
from adapters.transport.recipe import TransportRecipe
from gateway.audit.errors import MalformedLogDataError
from gateway.audit.finding.package import MAX_MEMBERS, encode_package, parse_package
from gateway.kit.manifest import (
    MANIFEST_FILE,
    MAPPING_FILE,
    SIGNATURE_FILE,
    KitCase,
    KitError,
    KitFault,
    KitLoss,
    KitManifest,
    digest_files,
    encode_manifest,
    parse_manifest,
    sign_manifest,
    verify_files,
    verify_manifest,
)
from gateway.kit.requests import describe_request, make_request_cases
from gateway.trust.files import read_file
from keys.own.signer import Signer

MAX_KIT: Final = 8 * 1024 * 1024  # bytes of all files; those of our largest kit have 60 kB
MAX_LOSS: Final = 500  # characters of one text of the loss table

_CASES: Final = "cases"


class Compared(StrEnum):
    """How a case went."""

    SAME = "same"
    DIFFERS = "differs"
    NOT_CHECKED = "not-checked"  # a request, and our mapping has no recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case; ``paths`` are where what is read here differs from what is expected, without any value."""

    name: str
    kind: str
    compared: Compared
    paths: tuple[str, ...] = ()


def make_kit(
    data: bytes,
    adapter: Adapter,
    recipe: TransportRecipe | None,
    samples: Iterable[LicenceRecord],
    *,
    signer: Signer | None,
) -> Mapping[str, bytes]:
    """Return the files of a kit; ``data`` is the mapping file as it is. The same input makes the same files.

    Raises:
        OwnKeyError, JournalError: the key does not sign.

    """
    records = tuple(samples)
    cases = [("answer", one.name, one.message, one.expected) for one in make_answer_cases(adapter, records)]
    if recipe is not None and records:
        cases += [("request", one.name, one.message, one.expected) for one in make_request_cases(recipe, records[0])]
    files = {MAPPING_FILE: data}
    listed: list[KitCase] = []
    for kind, name, message, expected in cases:
        case = KitCase(name=name, kind="answer" if kind == "answer" else "request")
        listed.append(case)
        files |= {case.message_file: message, case.expected_file: msgspec.json.encode(expected, order="sorted")}
    manifest = encode_manifest(
        KitManifest(
            system=adapter.id,
            mapping=adapter.digest,
            key=None if signer is None else signer.key_id,
            cases=listed,
            losses=[
                KitLoss(
                    field=loss.name[:MAX_LOSS],
                    direction=loss.direction.value,
                    zh=loss.what.zh[:MAX_LOSS],
                    en=loss.what.en[:MAX_LOSS],
                )
                for loss in adapter.losses
            ],
            files=digest_files(files),
        )
    )
    signed = {} if signer is None else {SIGNATURE_FILE: sign_manifest(manifest, signer)}
    return {MANIFEST_FILE: manifest, **files, **signed}


def pack_kit(files: Mapping[str, bytes]) -> bytes:
    """Return a kit as a ZIP, in its one spelling."""
    return encode_package(files)


def read_kit(place: Path) -> Mapping[str, bytes]:
    """Read the files of a kit, a ZIP or a folder; nothing is unpacked, and no more is read than a kit may have.

    Raises:
        KitError: PACKAGE, it is neither.
        OSError: it cannot be read.

    """
    if not place.is_dir():
        package = read_file(place, MAX_KIT)
        try:
            return parse_package(_bounded(package, MAX_KIT))
        except MalformedLogDataError as error:
            raise KitError(KitFault.PACKAGE) from error
    files: dict[str, bytes] = {}
    left = MAX_KIT
    for path in _list(place):
        data = _bounded(read_file(path, left), left)
        left -= len(data)
        files[path.relative_to(place).as_posix()] = data
    return files


def _bounded(data: bytes, most: int) -> bytes:
    """Return what was read; raises KitError where there was more of it."""
    if len(data) > most:
        raise KitError(KitFault.PACKAGE)
    return data


def _list(place: Path) -> Iterable[Path]:
    """Return the files of a folder, and of the one folder in it; raises KitError for more than a kit has."""
    paths = [path for path in sorted(place.iterdir()) if path.name != _CASES]
    if (place / _CASES).is_dir():
        paths += sorted((place / _CASES).iterdir())
    if len(paths) > MAX_MEMBERS:
        raise KitError(KitFault.PACKAGE)
    return paths


def open_kit(files: Mapping[str, bytes], *, public_key: bytes | None) -> KitManifest:
    """Return the manifest of a kit whose files are those that it says; None for the key: nobody signed for it.

    Raises:
        KitError: it is no kit, or not the one that was signed.

    """
    data = files.get(MANIFEST_FILE)
    if data is None:
        raise KitError(KitFault.PACKAGE, MANIFEST_FILE)
    if public_key is not None:
        verify_manifest(data, files.get(SIGNATURE_FILE), public_key=public_key)
    manifest = parse_manifest(data)
    verify_files(manifest, files)
    return manifest


def check_kit(
    files: Mapping[str, bytes], manifest: KitManifest, adapter: Adapter, recipe: TransportRecipe | None
) -> list[CaseResult]:
    """Read every case with our mapping, and say where that differs from what the kit expects.

    Raises:
        KitError: MANIFEST, what a case expects is no JSON.

    """
    return [_check_case(case, files, adapter, recipe) for case in manifest.cases]


def _check_case(
    case: KitCase, files: Mapping[str, bytes], adapter: Adapter, recipe: TransportRecipe | None
) -> CaseResult:
    try:
        expected = parse_json(files[case.expected_file])
    except MalformedDocumentError as error:
        raise KitError(KitFault.MANIFEST, case.expected_file) from error
    message = files[case.message_file]
    if case.kind == "answer":
        found = describe_reading(adapter, message)
    elif recipe is None:
        return CaseResult(name=case.name, kind=case.kind, compared=Compared.NOT_CHECKED)
    else:
        found = describe_request(recipe, message)
    paths = differing_paths(expected, found)
    compared = Compared.DIFFERS if paths else Compared.SAME
    return CaseResult(name=case.name, kind=case.kind, compared=compared, paths=paths)
