"""Signed notes: a text, and lines by which keys sign it (C2SP signed-note).

A note says who claims to have signed; `verify_note` decides who has. Lines by unknown keys are carried along.
A note has one spelling: what is read is written back byte for byte.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.audit.errors import LogFault, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.note_key import KEY_ID_SIZE, NoteKey, is_key_name
from gateway.audit.tlog.spelling import encode_base64, is_clean_text, parse_base64, parse_text

MAX_SIGNATURES: Final = 64  # lines; the specification asks for at least 16, a log with 32 witnesses may change keys
MAX_NOTE: Final = 256 * 1024  # bytes; as many lines of ML-DSA-44, which take 3.4 kB each, and a text
_SIGNATURE_START: Final = "— "


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line: the key that it names, and what that key is said to have signed with."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text, which ends in a newline, and the lines under it in their order; nothing is verified."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def with_signatures(self, signatures: Iterable[NoteSignature]) -> "Note":
        """Return the note with these lines after its own, without repeating any."""
        return Note(text=self.text, signatures=tuple(dict.fromkeys((*self.signatures, *signatures))))


def parse_note(data: bytes) -> Note:
    """Read a note.

    Raises:
        MalformedLogDataError: TOO_LARGE, TEXT, LINES, NAME, BASE64, LENGTH.

    """
    whole = parse_text(data, "the note", largest=MAX_NOTE)
    text, separator, lines = whole.rpartition("\n\n")  # the last empty line separates; the text may have others
    if not separator:
        raise MalformedLogDataError(LogFlaw.LINES, "an empty line before the signatures was expected")
    return Note(text=text + "\n", signatures=_parse_lines(lines))


def encode_note(note: Note) -> bytes:
    """Write a note; ValueError for a text or lines that no note can have."""
    if not note.text.endswith("\n") or not is_clean_text(note.text):
        raise ValueError("a text without control characters that ends in a newline was expected")
    return f"{note.text}\n".encode() + encode_signature_lines(note.signatures)


def parse_signature_lines(data: bytes) -> tuple[NoteSignature, ...]:
    """Read one or more signature lines without a text, as a witness answers (tlog-witness, add-checkpoint).

    Raises:
        MalformedLogDataError: TOO_LARGE, TEXT, LINES, NAME, BASE64, LENGTH.

    """
    return _parse_lines(parse_text(data, "the signatures", largest=MAX_NOTE))


def encode_signature_lines(signatures: Iterable[NoteSignature]) -> bytes:
    """Write signature lines; ValueError for none, too many, or one that no note can have."""
    lines = [_encode_line(signature) for signature in signatures]
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise ValueError(f"1 to {MAX_SIGNATURES} signatures were expected, got {len(lines)}")
    return "".join(lines).encode()


def _parse_lines(text: str) -> tuple[NoteSignature, ...]:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"up to {MAX_SIGNATURES} signatures were expected")
    return tuple(_parse_line(line) for line in lines)


def _parse_line(line: str) -> NoteSignature:
    name, separator, encoded = line.removeprefix(_SIGNATURE_START).partition(" ")
    if not line.startswith(_SIGNATURE_START) or not separator:
        raise MalformedLogDataError(LogFlaw.LINES, "a signature line was expected")
    if not is_key_name(name):
        raise MalformedLogDataError(LogFlaw.NAME, "the name in a signature line")
    data = parse_base64(encoded, "a signature line")
    if len(data) <= KEY_ID_SIZE:
        raise MalformedLogDataError(LogFlaw.LENGTH, "a key id and a signature were expected")
    return NoteSignature(name=name, key_id=data[:KEY_ID_SIZE], value=data[KEY_ID_SIZE:])


def _encode_line(signature: NoteSignature) -> str:
    if not is_key_name(signature.name) or len(signature.key_id) != KEY_ID_SIZE or not signature.value:
        raise ValueError("a key name, a key id and a signature were expected")
    return f"{_SIGNATURE_START}{signature.name} {encode_base64(signature.key_id + signature.value)}\n"


def verify_note(note: Note, keys: Iterable[NoteKey]) -> Mapping[NoteKey, NoteSignature]:
    """Verify every line by one of ``keys`` and return these lines by their keys; other lines are ignored.

    A key is known by name and id together. Where one key signed twice, the first line is returned.

    Raises:
        UnprovenError: BAD_SIGNATURE, a line by a known key does not verify, whatever the others do;
            UNSIGNED, there is no line by a known key.

    """
    known = {(key.name, key.key_id): key for key in keys}
    verified: dict[NoteKey, NoteSignature] = {}
    for signature in dict.fromkeys(note.signatures):  # a line that is there again costs no second verification
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            key.verify(note.text, signature.value)
            verified.setdefault(key, signature)
    if not verified:
        raise UnprovenError(LogFault.UNSIGNED, "no signature by a known key")
    return MappingProxyType(verified)
