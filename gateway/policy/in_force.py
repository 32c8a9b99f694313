"""Which policy is in force, as the site's state remembers it: a pointer, and every bundle that ever was.

``state/policy/in-force.json`` names the bundle; ``state/policy/archive/DIGEST.json`` holds it and all before it, so
that decisions can be computed again years later. Without the pointer nothing was ever in force, and nothing is shared.
``state/policy/activations.jsonl`` has a line for each time that anything came into force.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

from gateway.policy.durable import append_durably
from gateway.policy.moment import encode_moment, parse_moment
from gateway.trust.files import read_file, replace_file
from keys.canonical_json import encode_canonical, parse_canonical
from policies.bundle import (
    DIGEST_PREFIX,
    MAX_BUNDLE_BYTES,
    Bundle,
    MalformedBundleError,
    digest_bundle,
    encode_bundle,
    parse_bundle,
)
from policies.fault import Words

POLICY_STATE: Final = "policy"  # inside the state folder of the site
POINTER_FILE: Final = "in-force.json"
ARCHIVE_FOLDER: Final = "archive"
ACTIVATIONS_FILE: Final = "activations.jsonl"
SCHEMA: Final = "tongban-policy-in-force/1"
MAX_POINTER_BYTES: Final = 16 * 1024  # a dozen approvers with long ids take 1 KiB
MAX_ACTIVATIONS_BYTES: Final = 64 * 1024**2  # 30,000 activations of 2 KiB: more is no history of one site

Digest = Annotated[str, Meta(pattern=rf"^{DIGEST_PREFIX}[0-9a-f]{{64}}\Z")]
PartyId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\Z")]


class StateFault(StrEnum):
    """Why the state does not say which policy is in force."""

    POINTER = "pointer-malformed"
    ABSENT = "bundle-absent"
    BUNDLE = "bundle-malformed"
    OTHER = "bundle-differs"  # another bundle than its name says
    UNREADABLE = "unreadable"


STATE_SENTENCES: Final = {
    StateFault.POINTER: Words("不是本程序写入的内容", "this is not what the gateway wrote"),
    StateFault.ABSENT: Words("策略存档中没有此版本", "the archive has no such version"),
    StateFault.BUNDLE: Words("存档的策略已损坏", "the bundle in the archive is damaged"),
    StateFault.OTHER: Words("存档的策略与其文件名不符", "the archive holds another bundle than its name says"),
    StateFault.UNREADABLE: Words("无法读取", "it cannot be read"),
}


class StateError(Exception):
    """The state folder cannot be relied on; ``place`` is the file, below the site."""

    def __init__(self, fault: StateFault, place: str, detail: str = "") -> None:
        """Keep what is wrong, and where."""
        self.fault = fault
        self.place = place
        self.detail = detail
        super().__init__(": ".join(filter(None, (place, str(fault), detail))))

    @property
    def sentence(self) -> Words:
        """Say it."""
        words = STATE_SENTENCES[self.fault]
        return Words(f"{words.zh}（{self.detail}）", f"{words.en} ({self.detail})") if self.detail else words


class _Stored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Annotated[str, Meta(pattern=rf"^{SCHEMA}\Z")]
    bundle: Digest
    previous: Digest | None
    since: str
    approvers: tuple[PartyId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Which bundle is in force, since when, after which, and who approved it; nobody, where it widened nothing."""

    digest: str
    previous: str | None
    since: datetime
    approvers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a pointer; raises ValueError."""
        stored = parse_canonical(data, _Stored)
        return cls(
            digest=stored.bundle,
            previous=stored.previous,
            since=parse_moment(stored.since),
            approvers=stored.approvers,
        )

    def encode(self) -> bytes:
        """Return its bytes."""
        return encode_canonical(
            _Stored(
                schema=SCHEMA,
                bundle=self.digest,
                previous=self.previous,
                since=encode_moment(self.since),
                approvers=self.approvers,
            )
        )


class PolicyArchive:
    """The pointer and the bundles of a site; every method blocks. Writers hold `gateway.trust.files.locked`."""

    def __init__(self, state: Path) -> None:
        """Use the folder ``policy`` inside the state folder of a site; it is made on first writing."""
        self.folder = state / POLICY_STATE

    def pointer(self) -> Pointer | None:
        """Return what is in force; None: nothing ever was.

        Raises:
            StateError: it cannot be told.

        """
        place = f"{self.folder.name}/{POINTER_FILE}"
        try:
            data = read_file(self.folder / POINTER_FILE, MAX_POINTER_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(place, error) from error
        try:
            return Pointer.parse(data)
        except ValueError as error:
            raise StateError(StateFault.POINTER, place) from error

    def pointer_mark(self) -> tuple[int, int, int] | None:
        """Return what tells one pointer from another without reading it: times of its file in ns, inode."""
        try:
            status = (self.folder / POINTER_FILE).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ctime_ns, status.st_ino

    def bundle(self, digest: str) -> Bundle:
        """Return the bundle of this digest.

        Raises:
            StateError: the archive does not have it, or it is damaged.

        """
        name = digest.removeprefix(DIGEST_PREFIX)
        place = f"{self.folder.name}/{ARCHIVE_FOLDER}/{name}.json"
        if not _is_hexadecimal(name):
            raise StateError(StateFault.ABSENT, f"{self.folder.name}/{ARCHIVE_FOLDER}")
        try:
            data = read_file(self.folder / ARCHIVE_FOLDER / f"{name}.json", MAX_BUNDLE_BYTES)
        except FileNotFoundError as error:
            raise StateError(StateFault.ABSENT, place) from error
        except OSError as error:
            raise _unreadable(place, error) from error
        try:
            bundle = parse_bundle(data)
        except MalformedBundleError as error:
            raise StateError(StateFault.BUNDLE, place, str(error.flaw)) from error
        if digest_bundle(bundle) != digest:
            raise StateError(StateFault.OTHER, place)
        return bundle

    def longest_keep_days(self) -> int:
        """Return for how many days records are to be kept by any rule that ever was in force.

        Raises:
            StateError: a bundle is damaged.
            OSError: the archive cannot be listed.

        """
        bundles = (self.bundle(DIGEST_PREFIX + path.stem) for path in (self.folder / ARCHIVE_FOLDER).glob("*.json"))
        return max((rule.oblige.keep_days for bundle in bundles for rule in bundle.rules), default=0)

    def put(self, bundle: Bundle, pointer: Pointer, line: bytes) -> None:
        """Keep the bundle, then the line of its activation, then point to it: a crash leaves the old one in force.

        So nothing comes into force without a line; a line without effect is followed by one of the same ``previous``.

        Raises:
            OSError: the folder cannot be written; the old bundle is still in force.

        """
        name = pointer.digest.removeprefix(DIGEST_PREFIX)
        replace_file(self.folder / ARCHIVE_FOLDER / f"{name}.json", encode_bundle(bundle))
        append_durably(self.folder / ACTIVATIONS_FILE, line + b"\n", most=MAX_ACTIVATIONS_BYTES)
        replace_file(self.folder / POINTER_FILE, pointer.encode())


def _is_hexadecimal(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")  # noqa: PLR2004 - SHA-256


def _unreadable(place: str, error: OSError) -> StateError:
    return StateError(StateFault.UNREADABLE, place, error.strerror or type(error).__name__)
