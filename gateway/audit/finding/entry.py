"""One line of ``entries.jsonl``: an entry, its proof, and what of it was opened, in canonical JSON.

    {"index": …, "leaf": "…", "proof": ["…"], "opened": {"lic": {"salt": "…", "value": "…"}}, "context": ["…"]}

``proof`` are the hashes from the leaf's sibling upwards, in base64, against the finding's one checkpoint. Without an
opening there are neither ``opened`` nor ``context``. The context, by which a policy decided, is committed to by no
leaf: it is the gateway's word, under the signature of the finding.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from gateway.audit.commitment import is_opened_by
from gateway.audit.committed import erased_commitments
from gateway.audit.entry import MAX_CONTEXT, MAX_PRIVATE_TEXT, MAX_SUBJECTS, SEPARATOR, committed_values
from gateway.audit.errors import LogFlaw, MalformedLogDataError
from gateway.audit.leaf import MAX_LEAF, Commits
from gateway.audit.private import OpenedPart
from gateway.audit.tlog.merkle import MAX_PROOF, MAX_TREE_SIZE
from gateway.audit.tlog.spelling import encode_base64, parse_hash
from keys.canonical_json import encode_canonical, parse_canonical

MAX_ENTRIES: Final = 10_000  # of one finding, as of every other export
MAX_LINE: Final = 32 * 1024  # bytes; the longest context and sixteen subjects take 14 kB, leaf and proof 5
MAX_ENTRIES_FILE: Final = (
    64 * 1024 * 1024
)  # bytes; an opened entry takes 2.5 kB, so this ends 10,000 of no kind we know

_Salt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
_Text = Annotated[str, Meta(min_length=1, max_length=MAX_PRIVATE_TEXT)]


class OpenedText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The official, the case or the licence: the value is the text in UTF-8."""

    salt: _Salt
    value: _Text


class OpenedSubjects(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The holders: the value is their numbers, joined by a zero byte."""

    salt: _Salt
    value: Annotated[list[_Text], Meta(min_length=1, max_length=MAX_SUBJECTS)]


class OpenedDigest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The released fields: the value is their SHA-256, written in hexadecimal."""

    salt: _Salt
    value: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Opened(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the commitments of a leaf were made of, by their names."""

    op: OpenedText | None = None
    case: OpenedText | None = None
    lic: OpenedText | None = None
    subj: OpenedSubjects | None = None
    resp: OpenedDigest | None = None

    def differing(self, commits: Commits) -> list[str]:
        """Return the names of those that the leaf does not commit to with this salt and value."""
        found = []
        for name in self.__struct_fields__:
            if (one := getattr(self, name)) is not None:
                commitment = getattr(commits, name)
                value = _bytes_of(one)
                if commitment is None or not is_opened_by(commitment, salt=bytes.fromhex(one.salt), value=value):
                    found.append(name)
        return found


class FindingEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry. ``erased`` and ``damaged`` say why commitments of an opened one stay closed."""

    index: Annotated[int, Meta(ge=0, lt=MAX_TREE_SIZE)]
    leaf: Annotated[str, Meta(max_length=MAX_LEAF)]
    proof: Annotated[list[str], Meta(max_length=MAX_PROOF)]
    opened: Opened | None = None
    context: Annotated[list[Annotated[str, Meta(max_length=MAX_PRIVATE_TEXT)]], Meta(max_length=MAX_CONTEXT)] = []
    erased: Annotated[list[Annotated[str, Meta(max_length=8)]], Meta(max_length=5)] = []
    damaged: bool = False

    def hashes(self) -> tuple[bytes, ...]:
        """Return the proof; raises MalformedLogDataError."""
        return tuple(parse_hash(text, "a hash of the proof") for text in self.proof)


def make_entry(index: int, leaf: bytes, proof: Iterable[bytes]) -> FindingEntry:
    """Return the line of an entry whose private part stays closed."""
    return FindingEntry(index=index, leaf=leaf.decode(), proof=[encode_base64(one) for one in proof])


def open_entry(entry: FindingEntry, commits: Commits, opened: OpenedPart | None, *, damaged: bool) -> FindingEntry:
    """Return the line with its private part, which the leaf commits to.

    None: it is damaged, and not shown; or it was removed after its time; or there never was any, and then nothing is
    committed to.
    """
    if opened is None:
        named = [name for name in Opened.__struct_fields__ if getattr(commits, name) is not None]
        return replace(entry, erased=[] if damaged else named, damaged=damaged)
    erased = [name for name in erased_commitments(opened) if getattr(commits, name) is not None]
    return replace(entry, opened=_open(opened), context=list(opened.part.context), erased=erased)


def encode_entries(entries: Iterable[FindingEntry]) -> Iterator[bytes]:
    """Yield the lines, each with its end."""
    for entry in entries:
        yield encode_canonical(entry) + b"\n"


def parse_entry(line: bytes) -> FindingEntry:
    """Read a line without its end.

    Raises:
        MalformedLogDataError: TOO_LARGE; TEXT, not canonical JSON of this form.

    """
    if len(line) > MAX_LINE:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"a line of up to {MAX_LINE} bytes was expected")
    try:
        return parse_canonical(line, FindingEntry)
    except ValueError:  # the cause may quote the content
        raise MalformedLogDataError(LogFlaw.TEXT, "canonical JSON of an entry was expected") from None


def _bytes_of(one: OpenedText | OpenedSubjects | OpenedDigest) -> bytes:
    match one:
        case OpenedText():
            return one.value.encode()
        case OpenedSubjects():
            return SEPARATOR.join(one.value).encode()
        case OpenedDigest():
            return bytes.fromhex(one.value)


def _open(opened: OpenedPart) -> Opened:
    """Return what can be opened: what is erased has no value any more."""
    part, salts = opened.part, opened.part.salts
    named = committed_values(part)
    texts = {
        name: OpenedText(salt=getattr(salts, name).hex(), value=named[name].decode())
        for name in ("op", "case", "lic")
        if name in named
    }
    return Opened(
        **texts,
        subj=OpenedSubjects(salt=salts.subj.hex(), value=list(part.subjects)) if part.subjects else None,
        resp=OpenedDigest(salt=salts.resp.hex(), value=part.response.hex()) if part.response else None,
    )
