"""A folder of trusted certificates and revocation lists, read into a trust store; what cannot be used is said.

Certificates directly in the folder are anchors for all three purposes that documents have; in ``seal-makers``,
``signers`` and ``timestamps`` for that purpose only. Certificates in ``intermediates`` are for the middle of chains and
trusted for nothing; those in ``keeps-expired`` name issuers of whom the operator knows that they go on stating what was
revoked after it has expired. Revocation lists may lie anywhere. PEM files may hold several of either.
``algorithms.toml`` says until when which algorithms may be relied on, where that differs from `keys.algorithms`.
Other files are told apart by content, never by name; hidden files and ``*.md``, ``*.txt`` are for people and not read.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.algorithm_words import EXPECTED
from gateway.trust.files import NotAFileError, read_file, spell
from keys.algorithms import DEFAULT_ALGORITHMS, AlgorithmSunsets, parse_algorithms
from keys.certificate import Certificate, parse_certificate
from keys.errors import (
    AlgorithmFault,
    MalformedAlgorithmsError,
    MalformedCertificateError,
    MalformedRevocationListError,
)
from keys.pem import CERTIFICATE_LABELS, LIST_LABELS, is_pem, read_pem
from keys.revocation_list import RevocationList, parse_revocation_list
from keys.revocation_list_word import is_list_signed
from keys.status_feed import issuer_key
from keys.trust import DOCUMENT_PURPOSES, Anchor, Purpose, TrustStore

MAX_FILE_BYTES: Final = 128 * 1024 * 1024  # a revocation list of a million entries has some 40 MB, in PEM 55 MB
MAX_TOTAL_BYTES: Final = 512 * 1024 * 1024  # what reading a whole folder may take of memory
MAX_FILES: Final = 5_000  # the national list of licensed authorities has about 60 entries
MAX_ANCHORS: Final = 5_000  # the same, with the certificates of all provinces' seal makers
MAX_KEYS: Final = 8  # of one CA name, with which a list is verified while reading
MAX_DEPTH: Final = 4  # folders below the trust folder

PURPOSE_FOLDERS: Final[Mapping[str, frozenset[Purpose]]] = MappingProxyType(
    {
        "seal-makers": frozenset({Purpose.SEAL_MAKER}),
        "signers": frozenset({Purpose.SIGNER}),
        "timestamps": frozenset({Purpose.TIMESTAMP}),
    }
)
INTERMEDIATES: Final = "intermediates"
KEEPS_EXPIRED: Final = "keeps-expired"
ALGORITHMS_FILE: Final = "algorithms.toml"
EVERY_PURPOSE: Final = DOCUMENT_PURPOSES  # who may call, or speak for a partner, is never said by a folder

_FOR_PEOPLE: Final = (".md", ".txt")
OF_LISTS: Final = frozenset({"lists", "archive", "held", "roots.json"})  # signed lists: gateway.trust.lists


class TrustFindingKind(StrEnum):
    """What there is to say about a file of a trust folder; all that are faults mean that it was not used."""

    EVERY_PURPOSE = "every-purpose"
    UNREADABLE = "unreadable"
    NOT_A_FILE = "not-a-file"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    TOO_DEEP = "too-deep"
    LOOP = "loop"
    UNRECOGNISED = "unrecognised"
    PRIVATE_KEY = "private-key"
    CERTIFICATE_MALFORMED = "certificate-malformed"
    LIST_MALFORMED = "list-malformed"
    NO_PURPOSE = "no-purpose"
    LIST_BY_OTHER_KEY = "list-by-other-key"
    ALGORITHMS_MALFORMED = "algorithms-malformed"


_SENTENCES: Final[Mapping[TrustFindingKind, tuple[str, str]]] = MappingProxyType(
    {
        TrustFindingKind.EVERY_PURPOSE: (
            "直接放在信任文件夹下的证书用于所有用途；放入 seal-makers、signers 或 timestamps 子文件夹可限定用途。",
            "certificates directly in this folder serve every purpose; seal-makers, signers, timestamps limit them",
        ),
        TrustFindingKind.UNREADABLE: ("无法读取，未使用。", "cannot be read; not used"),
        TrustFindingKind.NOT_A_FILE: ("既不是文件也不是文件夹，未使用。", "is neither a file nor a folder; not used"),
        TrustFindingKind.TOO_LARGE: ("文件过大，未使用。", "is larger than anything that belongs here; not used"),
        TrustFindingKind.TOO_MANY: (
            "文件或证书过多，其余未读取。",
            "holds more files or certificates than are read; the rest is not used",
        ),
        TrustFindingKind.TOO_DEEP: ("文件夹层次过深，未读取。", "lies too deep; not read"),
        TrustFindingKind.LOOP: ("符号链接指向已读取的文件夹，未再次读取。", "leads to a folder that was read already"),
        TrustFindingKind.UNRECOGNISED: (
            "既不是证书也不是吊销列表，未使用。",
            "is neither a certificate nor a revocation list; not used",
        ),
        TrustFindingKind.PRIVATE_KEY: (
            "含有私钥。私钥不应放在信任文件夹中；该私钥未读取。",
            "holds a private key, which has no place in a trust folder; it was not read",
        ),
        TrustFindingKind.CERTIFICATE_MALFORMED: ("含有无法解析的证书。", "holds a certificate that cannot be read"),
        TrustFindingKind.LIST_MALFORMED: (
            "含有无法解析的吊销列表。",
            "holds a revocation list that cannot be read",
        ),
        TrustFindingKind.NO_PURPOSE: (
            "证书所在的子文件夹不对应任何用途，未使用；请放入 seal-makers、signers 或 timestamps。",
            "is a certificate in a folder that stands for no purpose (seal-makers, signers, timestamps); not used",
        ),
        TrustFindingKind.LIST_BY_OTHER_KEY: (
            "吊销列表以已知 CA 的名义发布，但不是用该 CA 的已知密钥签名；不据以判断。",
            "holds a revocation list in the name of a known CA that none of its known keys signed; it proves nothing",
        ),
        TrustFindingKind.ALGORITHMS_MALFORMED: (
            "算法期限表有误，不依据任何算法判断。",
            "is no table of algorithms; until it is mended no algorithm is relied on",
        ),
    }
)


# A list by another key is said and not refused: it does no harm, and the CA may have a key that nobody told us of.
_NO_FAULTS: Final = frozenset(
    {TrustFindingKind.EVERY_PURPOSE, TrustFindingKind.LOOP, TrustFindingKind.LIST_BY_OTHER_KEY}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFinding:
    """Something to say about ``file``, a path inside the folder ("" is the folder itself); ``fault`` is where in it."""

    file: str
    kind: TrustFindingKind
    fault: AlgorithmFault | None = None

    @property
    def sentence(self) -> str:
        """Return the finding in English."""
        said = _SENTENCES[self.kind][1]
        if self.fault is None:
            return said
        return f"{said} ({self.fault.key or 'file'}: expected {EXPECTED[self.fault.flaw][1]})"

    @property
    def sentence_zh(self) -> str:
        """Return the finding in Chinese."""
        said = _SENTENCES[self.kind][0]
        if self.fault is None:
            return said
        return f"{said.rstrip('。')}（{self.fault.key or '文件'}：应为{EXPECTED[self.fault.flaw][0]}）。"

    def __str__(self) -> str:
        """Return the line for people: the file, then the sentence in English."""
        return f"{self.file or '.'}: {self.sentence}"

    @property
    def is_fault(self) -> bool:
        """Say whether something was left unused; otherwise it is only worth knowing."""
        return self.kind not in _NO_FAULTS


class TrustFolder(NamedTuple):
    """What a folder holds: the store, and what there is to say about it."""

    store: TrustStore
    findings: tuple[TrustFinding, ...]


def read_trust_folder(folder: Path) -> TrustFolder:
    """Read a trust folder.

    Raises:
        NotADirectoryError: there is no such folder.

    """
    if not folder.is_dir():
        raise NotADirectoryError(f"a folder of certificates was expected, got {folder.name}")
    reading = _Reading()
    algorithms = _read_algorithms(folder, reading)
    for path in _walk(folder, Path(), reading, seen=set(), depth=0):
        content = _read(folder / path, path, reading)
        if content is not None:
            _take(content, path, reading)
    anchors = [
        Anchor(certificate=reading.certificates[der], purposes=purposes) for der, purposes in reading.anchors.items()
    ]
    store = TrustStore(
        anchors=tuple(anchors),
        revocation_lists=tuple(revocations for _, revocations in reading.lists),
        intermediates=tuple(reading.intermediates.values()),
        keeps_expired=frozenset(reading.keeps_expired),
        algorithms=algorithms,
    )
    _verify_lists(store, reading)
    return TrustFolder(store, tuple(reading.findings))


def _read_algorithms(folder: Path, reading: "_Reading") -> AlgorithmSunsets:
    """Return the shipped table with what the folder says otherwise.

    One that cannot be read may have meant to forbid anything, so that nothing is relied on: `TrustKeeper` keeps the old
    trust, and who has none answers unknown.
    """
    path = Path(ALGORITHMS_FILE)
    if not os.path.lexists(folder / path):
        return DEFAULT_ALGORITHMS
    content = _read(folder / path, path, reading)
    if content is None:
        return AlgorithmSunsets()
    try:
        return DEFAULT_ALGORITHMS.overridden_by(parse_algorithms(content))
    except MalformedAlgorithmsError as error:
        for fault in error.faults:
            reading.find(path, TrustFindingKind.ALGORITHMS_MALFORMED, fault)
        return AlgorithmSunsets()


def _verify_lists(store: TrustStore, reading: "_Reading") -> None:
    """Verify the lists of the CAs at hand now, so that no question pays for it (0.1 s for a million entries).

    The answers are remembered in `keys.revocation_list_word`; a list of a CA that is not at hand stays as it is, since
    documents may bring that CA along.
    """
    for path, revocations in reading.lists:
        keys = {one.spki for one in store.certificates_named(revocations.issuer)}
        answers = {is_list_signed(revocations, key) for key in list(keys)[:MAX_KEYS]}  # all, so that all are remembered
        if answers == {False}:
            reading.find(path, TrustFindingKind.LIST_BY_OTHER_KEY)


@dataclass(slots=True)
class _Reading:
    """What has been read so far; certificates are told apart by their bytes."""

    certificates: dict[bytes, Certificate] = field(default_factory=dict)
    anchors: dict[bytes, frozenset[Purpose]] = field(default_factory=dict)
    lists: list[tuple[Path, RevocationList]] = field(default_factory=list)
    intermediates: dict[bytes, Certificate] = field(default_factory=dict)
    keeps_expired: set[str] = field(default_factory=set)
    findings: list[TrustFinding] = field(default_factory=list)
    files: int = 0
    total_bytes: int = 0

    def find(self, path: Path, kind: TrustFindingKind, fault: AlgorithmFault | None = None) -> None:
        """Note a finding; one of a kind for each file and fault is enough."""
        finding = TrustFinding(file="" if path == Path() else spell(path.as_posix()), kind=kind, fault=fault)
        if finding not in self.findings:
            self.findings.append(finding)


def _walk(folder: Path, inside: Path, reading: _Reading, *, seen: set[tuple[int, int]], depth: int) -> Iterator[Path]:
    """Yield the files to be read, in a stable order; symbolic links are followed, but no folder is read twice."""
    try:
        status = (folder / inside).stat()
        entries = sorted(os.scandir(folder / inside), key=lambda entry: entry.name)
    except OSError:
        reading.find(inside, TrustFindingKind.UNREADABLE)
        return
    if (status.st_dev, status.st_ino) in seen:
        reading.find(inside, TrustFindingKind.LOOP)
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in entries:
        path = inside / entry.name
        if entry.name.startswith(".") or entry.name.lower().endswith(_FOR_PEOPLE):
            continue
        if inside == Path() and (entry.name in OF_LISTS or entry.name == ALGORITHMS_FILE):
            continue
        try:
            is_folder = entry.is_dir()
        except OSError:  # a link that leads to itself
            reading.find(path, TrustFindingKind.UNREADABLE)
            continue
        if not is_folder:
            reading.files += 1
            if reading.files > MAX_FILES:
                reading.find(Path(), TrustFindingKind.TOO_MANY)
                return
            yield path
        elif depth == MAX_DEPTH:
            reading.find(path, TrustFindingKind.TOO_DEEP)
        else:
            yield from _walk(folder, path, reading, seen=seen, depth=depth + 1)


def _read(location: Path, path: Path, reading: _Reading) -> bytes | None:
    """Return the content of one file within the bounds; None after a finding."""
    try:
        content = read_file(location, MAX_FILE_BYTES)
    except NotAFileError:
        reading.find(path, TrustFindingKind.NOT_A_FILE)
        return None
    except OSError:
        reading.find(path, TrustFindingKind.UNREADABLE)
        return None
    reading.total_bytes += len(content)
    if len(content) > MAX_FILE_BYTES or reading.total_bytes > MAX_TOTAL_BYTES:
        reading.find(path, TrustFindingKind.TOO_LARGE)
        return None
    return content


def _take(content: bytes, path: Path, reading: _Reading) -> None:
    """Take what one file holds: PEM blocks, or one certificate or revocation list in DER."""
    if is_pem(content):
        _take_pem(content, path, reading)
        return
    try:
        _add_certificate(parse_certificate(content), path, reading)
    except MalformedCertificateError:
        try:
            reading.lists.append((path, parse_revocation_list(content)))
        except MalformedRevocationListError:
            kind = TrustFindingKind.LIST_MALFORMED if path.suffix == ".crl" else TrustFindingKind.UNRECOGNISED
            reading.find(path, kind)


def _take_pem(content: bytes, path: Path, reading: _Reading) -> None:
    blocks, is_whole = read_pem(content)
    if b"PRIVATE KEY-----" in content:
        reading.find(path, TrustFindingKind.PRIVATE_KEY)
    if not is_whole:
        reading.find(path, TrustFindingKind.UNRECOGNISED)
    for label, der in blocks:
        if label in CERTIFICATE_LABELS:
            try:
                _add_certificate(parse_certificate(der or b""), path, reading)
            except MalformedCertificateError:
                reading.find(path, TrustFindingKind.CERTIFICATE_MALFORMED)
        elif label in LIST_LABELS:
            try:
                reading.lists.append((path, parse_revocation_list(der or b"")))
            except MalformedRevocationListError:
                reading.find(path, TrustFindingKind.LIST_MALFORMED)
        elif "PRIVATE KEY" not in label:
            reading.find(path, TrustFindingKind.UNRECOGNISED)


def _add_certificate(certificate: Certificate, path: Path, reading: _Reading) -> None:
    """Take a certificate for what its folder stands for; the same one in two folders serves both."""
    parent = path.parent.as_posix()
    der = certificate.encoded
    purposes = EVERY_PURPOSE if parent == "." else PURPOSE_FOLDERS.get(parent)
    taken = len(reading.anchors) + len(reading.intermediates) + len(reading.keeps_expired)
    if taken >= MAX_ANCHORS and der not in reading.anchors and der not in reading.intermediates:
        reading.find(Path(), TrustFindingKind.TOO_MANY)
    elif parent == INTERMEDIATES:
        reading.intermediates[der] = certificate
    elif parent == KEEPS_EXPIRED:
        reading.keeps_expired.add(issuer_key(certificate.spki))
    elif purposes is None:
        reading.find(path, TrustFindingKind.NO_PURPOSE)
    else:
        if parent == ".":
            reading.find(Path(), TrustFindingKind.EVERY_PURPOSE)  # said once, however many there are
        reading.certificates[der] = certificate
        reading.anchors[der] = reading.anchors.get(der, frozenset()) | purposes
