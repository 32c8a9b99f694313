"""Checkpoints: origin, size and root of a log in a signed note (C2SP tlog-checkpoint).

The key that signs as the log has the log's origin as its name, so that a key of one log cannot speak for another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.audit.errors import LogFault, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.merkle import HASH_SIZE, MAX_TREE_SIZE
from gateway.audit.tlog.note import Note, NoteSignature, encode_note, parse_note, verify_note
from gateway.audit.tlog.note_key import MAX_NAME, NoteKey
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.tlog.spelling import encode_base64, is_clean_text, parse_hash, parse_number

MAX_EXTENSIONS: Final = 16  # lines; the specification advises against any, and we write none
_FIXED_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of a log: all that its tree of ``size`` entries is, in 32 bytes."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """A checkpoint and the note that it was read from; `parse_checkpoint` and `sign_checkpoint` are the doors."""

    checkpoint: Checkpoint
    note: Note

    def with_signatures(self, signatures: Iterable[NoteSignature]) -> "SignedCheckpoint":
        """Return it with these lines too, such as the cosignatures of witnesses."""
        return SignedCheckpoint(checkpoint=self.checkpoint, note=self.note.with_signatures(signatures))


def encode_checkpoint_text(checkpoint: Checkpoint) -> str:
    """Write the text that is signed; ValueError for what no checkpoint can say."""
    lines = (checkpoint.origin, *checkpoint.extensions)
    if not all(line and "\n" not in line and is_clean_text(line) for line in lines):
        raise ValueError("an origin and extensions were expected, each one line that is not empty")
    if len(checkpoint.origin.encode()) > MAX_NAME or len(checkpoint.extensions) > MAX_EXTENSIONS:
        raise ValueError(f"an origin of {MAX_NAME} bytes and {MAX_EXTENSIONS} extensions were expected at most")
    if not 0 <= checkpoint.size <= MAX_TREE_SIZE or len(checkpoint.root) != HASH_SIZE:
        raise ValueError("the size of a tree and a root of 32 bytes were expected")
    head = (checkpoint.origin, str(checkpoint.size), encode_base64(checkpoint.root))
    return "".join(f"{line}\n" for line in (*head, *checkpoint.extensions))


def parse_checkpoint_text(text: str) -> Checkpoint:
    """Read the text of a note, which ends in a newline.

    Raises:
        MalformedLogDataError: LINES, TOO_LARGE, NAME, NUMBER, BASE64, LENGTH.

    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _FIXED_LINES or not all(lines):
        raise MalformedLogDataError(LogFlaw.LINES, "origin, size and root were expected, and no empty line")
    origin, size, root, *extensions = lines
    if len(extensions) > MAX_EXTENSIONS:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"up to {MAX_EXTENSIONS} extension lines were expected")
    if len(origin.encode()) > MAX_NAME:
        raise MalformedLogDataError(LogFlaw.NAME, f"an origin of up to {MAX_NAME} bytes was expected")
    return Checkpoint(
        origin=origin,
        size=parse_number(size, "the size"),
        root=parse_hash(root, "the root"),
        extensions=tuple(extensions),
    )


def parse_checkpoint(data: bytes) -> SignedCheckpoint:
    """Read a checkpoint with its signatures, of which none is verified yet.

    Raises:
        MalformedLogDataError: no note (`parse_note`), or no checkpoint in it (`parse_checkpoint_text`).

    """
    note = parse_note(data)
    return SignedCheckpoint(checkpoint=parse_checkpoint_text(note.text), note=note)


def encode_checkpoint(signed: SignedCheckpoint) -> bytes:
    """Write it as it was read."""
    return encode_note(signed.note)


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[NoteSigner]) -> SignedCheckpoint:
    """Sign as the log, one line for each key.

    Raises ValueError for a signer whose name is not the origin, and what `keys.own.signer.Signer.sign` raises.
    """
    text = encode_checkpoint_text(checkpoint)
    signatures = []
    for signer in signers:
        if signer.key.name != checkpoint.origin:
            raise ValueError("a key named as the origin was expected")
        signatures.append(signer.sign(text))
    return SignedCheckpoint(checkpoint=checkpoint, note=Note(text=text, signatures=tuple(signatures)))


def verify_checkpoint(signed: SignedCheckpoint, keys: Iterable[NoteKey]) -> Mapping[NoteKey, NoteSignature]:
    """Verify that the log signed with at least one of ``keys``, and return all lines by known keys.

    Keys of witnesses may be among them; their lines are verified and do not count as the log's.

    Raises:
        UnprovenError: BAD_SIGNATURE as `verify_note`; UNSIGNED, no line by a known key of any log;
            OTHER_ORIGIN, only by known keys of other logs than the one in the origin.

    """
    verified = verify_note(signed.note, keys)
    names = {key.name for key in verified if key.is_of_log}
    if not names:
        raise UnprovenError(LogFault.UNSIGNED, "no signature by a known key of a log")
    if signed.checkpoint.origin not in names:
        raise UnprovenError(LogFault.OTHER_ORIGIN, "signed by the keys of other logs only")
    return verified
