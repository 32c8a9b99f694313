"""Making the next version of a trust list: entries added or taken off, keys, threshold, dates; never a signature."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from adapters.document import Document
from adapters.errors import MalformedDocumentError
from adapters.registry import parse_document
from gateway.checks.signed_part import read_certificate
from keys.certificate import MAX_BUNDLE, Certificate, load_certificates
from keys.errors import KeysError, MalformedTrustListError
from keys.name import render_name
from keys.trust import Anchor, KeyAnchor
from keys.trust_list import KeyRole, ListKey, ListKeys, Removal, TrustList, encode_trust_list, fingerprint_of
from keys.trust_list_compare import MAX_NAMED, holder_of, title_of
from keys.trust_list_parse import parse_trust_list, read_list_key
from keys.trust_list_wire import WireKey

LIFE: Final = timedelta(days=90)  # a list that lasts long can be kept from its readers long
_SOME_ROLE: Final = KeyRole.TRUST_LIST  # of a key that is read for its bytes alone
_MIN_FINGERPRINT: Final = 8  # characters


class DraftError(ValueError):
    """What was asked for cannot be written into a list; Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for the list as a whole; None: as it was, or the default of a first version.

    ``keys`` are added, those whose ids are ``gone`` taken off.
    """

    name: str | None = None
    keys: tuple[ListKey, ...] = ()
    gone: tuple[str, ...] = ()
    threshold: int | None = None
    life: timedelta = LIFE


def open_draft(present: TrustList | None, terms: Terms, *, at: datetime) -> TrustList:
    """Return the list to be changed, without signatures.

    A list that nobody has signed is a draft and goes on; one with signatures is followed by the next version; None is
    a first version, which takes a name, keys and a threshold.

    Raises:
        DraftError: a first version without a name, or keys that nobody can meet.

    """
    issued = at.replace(microsecond=0)
    if present is None:
        if terms.name is None or not terms.keys:
            raise DraftError(
                "新名单需要 --name 和至少一把 --list-key。", "a new list takes --name and at least one --list-key"
            )
        signers = ListKeys(keys=terms.keys, threshold=terms.threshold or 1)
        draft = TrustList(
            name=terms.name, version=1, issued=issued, expires=issued + terms.life, previous=None, signers=signers
        )
    else:
        if terms.name not in (None, present.name):
            raise DraftError("名单的名称不能更改。", "a list keeps its name")
        merged = _merge_keys(present.signers.keys, terms)
        threshold = terms.threshold or present.signers.threshold
        draft = replace(
            present,
            issued=issued,
            expires=issued + terms.life,
            signers=ListKeys(keys=merged, threshold=threshold),
            signatures=(),
        )
        if present.signatures:
            draft = replace(draft, version=present.version + 1, previous=present.digest)
    if not draft.signers.can_be_met:
        raise DraftError(
            "所需签名数多于可签名的密钥数。", "the threshold asks for more signatures than there are keys that may sign"
        )
    return draft


def _merge_keys(present: Sequence[ListKey], terms: Terms) -> tuple[ListKey, ...]:
    known = {key.id: key for key in present}
    for name in terms.gone:
        if name not in known:
            raise DraftError(f"名单中没有此密钥：{name}", f"the list has no key with this id: {name}")
    for key in terms.keys:
        if known.get(key.id, key).public_key != key.public_key:
            raise DraftError(
                f"此编号已属于另一把密钥，请为新密钥另取编号：{key.id}",
                f"another key has this id; give the new one an id of its own: {key.id}",
            )
    merged = known | {key.id: key for key in terms.keys}
    return tuple(key for key in merged.values() if key.id not in terms.gone)


def note_removed_keys(draft: TrustList, present: TrustList, *, reason: str, at: datetime) -> TrustList:
    """Return the draft with a note for each key of ``present`` that may sign it no more.

    Raises:
        DraftError: the reason breaks a rule of the format.

    """
    kept = {key.public_key for key in draft.signers.keys}
    notes = tuple(
        Removal(
            fingerprint=hashlib.sha256(key.public_key).hexdigest(),
            title=f"key {key.id}",
            reason=reason,
            removed_at=at.replace(microsecond=0),
        )
        for key in present.signers.keys
        if key.public_key not in kept
    )
    return check_draft(replace(draft, removed=(*draft.removed, *notes)))


def add_entries(draft: TrustList, entries: Iterable[Anchor | KeyAnchor]) -> TrustList:
    """Return the draft with more entries; one that is there already is there once.

    Raises:
        DraftError: an entry breaks a rule of the format, such as a CA as a seal maker.

    """
    found = tuple(entries)
    added = replace(
        draft,
        anchors=tuple(dict.fromkeys((*draft.anchors, *(one for one in found if isinstance(one, Anchor))))),
        keys=tuple(dict.fromkeys((*draft.keys, *(one for one in found if isinstance(one, KeyAnchor))))),
    )
    return check_draft(added)


def remove_entries(
    draft: TrustList, fingerprint: str, *, reason: str, at: datetime, subject: str | None = None
) -> TrustList:
    """Return the draft without the entries of the one whose fingerprint begins so, who is noted as removed.

    Those named below one CA have its fingerprint: ``subject`` is a part of the name of the one that is meant, and ""
    means the certificate itself. None: it does not matter, as there is one alone.

    Raises:
        DraftError: nobody's does, or those of several.

    """
    beginning = fingerprint.lower().replace(":", "")
    found = [one for one in draft.entries if fingerprint_of(one).startswith(beginning)]
    gone = [one for one in found if subject is None or _has_name(one, subject)]
    if len(beginning) < _MIN_FINGERPRINT or len({holder_of(one) for one in gone}) != 1:
        titles = list(dict.fromkeys(title_of(one) for one in gone or found))
        more = f" ({'; '.join(titles[:MAX_NAMED])})" if titles else ""
        raise DraftError(
            f"应恰有一个条目的指纹以此开头（至少 8 位；同一 CA 之下有多个时用 --subject 指明）：{fingerprint}{more}",
            (
                "exactly one entry with this fingerprint (8 characters or more) was expected; "
                f"of several below one CA, name it with --subject: {fingerprint}{more}"
            ),
        )
    notes = {
        holder_of(one): Removal(
            fingerprint=fingerprint_of(one),
            title=title_of(one)[:500],
            reason=reason,
            removed_at=at.replace(microsecond=0),
        )
        for one in gone
    }
    changed = replace(
        draft,
        anchors=tuple(one for one in draft.anchors if one not in gone),
        keys=tuple(one for one in draft.keys if one not in gone),
        removed=(*draft.removed, *notes.values()),
    )
    return check_draft(changed)


def _has_name(one: Anchor | KeyAnchor, subject: str) -> bool:
    name = one.subject if isinstance(one, Anchor) else None
    return name is None if not subject else name is not None and subject in render_name(name)


def check_draft(draft: TrustList) -> TrustList:
    """Return the draft as it would be read, so that what is written is what can be read.

    Raises:
        DraftError: it breaks a rule of the format.

    """
    try:
        return parse_trust_list(encode_trust_list(draft))
    except MalformedTrustListError as error:
        raise DraftError(f"名单不符合格式：{error}", f"this is no list in the format: {error}") from error


def load_list_key(path: Path) -> ListKey:
    """Read a public key as ``tongban keys export-public --form trust-list`` writes it.

    Raises:
        OSError: it cannot be read.
        DraftError: it is something else.

    """
    return _read_key(path, WireKey)


def load_public_key(path: Path) -> bytes:
    """Read a bare public key (SubjectPublicKeyInfo) in the same form, whatever it signs.

    Raises:
        OSError: it cannot be read.
        DraftError: it is something else.

    """
    return _read_key(path, _AnyKey).public_key


class _AnyKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key of any purpose; only those for lists have roles."""

    id: str
    algorithm: str
    public_key: str
    roles: list[str] | None = None


def _read_key(path: Path, kind: type[WireKey | _AnyKey]) -> ListKey:
    with path.open("rb") as stream:
        data = stream.read(MAX_BUNDLE + 1)
    try:
        wire = msgspec.json.decode(data, type=kind)
        return read_list_key(
            WireKey(id=wire.id, algorithm=wire.algorithm, public_key=wire.public_key, roles=wire.roles or [_SOME_ROLE])
        )
    except (msgspec.MsgspecError, UnicodeError, RecursionError, MalformedTrustListError) as error:
        raise DraftError(
            f"{path}: 应为 tongban keys export-public --form trust-list 导出的公钥，用途为 trust-list。",
            f"{path}: a key for trust lists from tongban keys export-public --form trust-list was expected",
        ) from error


def load_certificate(path: Path) -> Certificate:
    """Read the one certificate of a file (PEM or DER).

    Raises:
        OSError: it cannot be read.
        DraftError: there is none in it, or several.

    """
    with path.open("rb") as stream:
        data = stream.read(MAX_BUNDLE + 1)
    try:
        found = load_certificates(data)
    except KeysError:
        found = ()
    if len(found) != 1:
        raise DraftError(f"{path}: 应为一张证书（PEM 或 DER）。", f"{path}: one certificate was expected (PEM or DER)")
    return found[0]


def find_certificates(data: bytes, *, of_makers: bool) -> tuple[Certificate, ...]:
    """Return the certificates of the seal makers, or of the signers, of a document; nothing is judged.

    Raises:
        DraftError: it is no document, or names none.

    """
    try:
        document = parse_document(data)
    except MalformedDocumentError as error:
        raise DraftError(f"无法解析此文件：{error}", f"the document cannot be read: {error}") from error
    parts = [part for part in _parts(document, of_makers=of_makers) if part is not None]
    if not parts:
        raise DraftError("文件中没有这样的证书。", "there is no such certificate in the document")
    return tuple(dict.fromkeys(parts))


def _parts(document: Document, *, of_makers: bool) -> Iterable[Certificate | None]:
    seals = [signature.seal for signature in document.signatures] + [document.bare_seal]
    if of_makers:
        return [read_certificate(seal.maker) for seal in seals if seal is not None]
    return [read_certificate(signature.signed) for signature in document.signatures]
