"""The manifest of a finding, and the note by which the log signs for it, and so for every byte beside it."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Final

from msgspec import Meta, Struct

from gateway.audit.errors import LogFault, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.note import Note, encode_note, parse_note, verify_note
from gateway.audit.tlog.note_key import NoteKey
from gateway.audit.tlog.note_signer import NoteSigner
from keys.canonical_json import encode_canonical, parse_canonical

FINDING_FILE: Final = "finding.json"
NOTE_FILE: Final = "finding.note"
ENTRIES_FILE: Final = "entries.jsonl"
QUERY_FILE: Final = "query.json"
FINDING_SCHEMA: Final = "tongban-finding/1"
MAX_FINDING: Final = 64 * 1024  # bytes of the manifest: 300 files take 45 kB
# No name of a log has a space, so that no checkpoint begins like this.
NOTE_TITLE: Final = "tongban finding v1"

_Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Path = Annotated[
    str, Meta(pattern=r"^(?:checkpoint|trust\.policy|entries\.jsonl|query\.json|policies/[0-9a-f]{64}\.json)\Z")
]


class FindingManifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which log a finding is of, and the SHA-256 of every file beside the manifest and its note."""

    schema: Annotated[str, Meta(pattern=rf"^{FINDING_SCHEMA}\Z")] = FINDING_SCHEMA
    log: Annotated[str, Meta(min_length=1, max_length=255)]
    files: dict[_Path, _Hash]


def encode_finding(manifest: FindingManifest) -> bytes:
    """Write the manifest."""
    return encode_canonical(manifest)


def parse_finding(data: bytes) -> FindingManifest:
    """Read it.

    Raises:
        MalformedLogDataError: TOO_LARGE; TEXT, not canonical JSON of this form.

    """
    if len(data) > MAX_FINDING:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"{FINDING_FILE}: up to {MAX_FINDING} bytes were expected")
    try:
        return parse_canonical(data, FindingManifest)
    except ValueError:  # the cause may quote the content
        raise MalformedLogDataError(LogFlaw.TEXT, f"{FINDING_FILE}: canonical JSON of its form") from None


def sign_finding(data: bytes, log: str, signers: Iterable[NoteSigner]) -> bytes:
    """Return the note for a manifest, with a line for each key of the log; raises what signers raise."""
    text = _note_text(data, log)
    return encode_note(Note(text=text, signatures=tuple(signer.sign(text) for signer in signers)))


def verify_finding_note(
    note: bytes, data: bytes, log: str, *, own: Iterable[NoteKey], given: Iterable[NoteKey]
) -> None:
    """Verify that the log signed for a manifest.

    There is exactly one line for each of the ``own`` keys that the finding says the log has, in their order, so that no
    line can be turned into one by an unknown key; all of them verify, one at least by a ``given`` key.

    Raises:
        MalformedLogDataError: as `parse_note` does.
        UnprovenError: UNSIGNED or BAD_SIGNATURE.

    """
    parsed, keys = parse_note(note), [key for key in own if key.name == log]
    if parsed.text != _note_text(data, log):
        raise UnprovenError(LogFault.BAD_SIGNATURE, "another manifest was signed")
    if [(one.name, one.key_id) for one in parsed.signatures] != [(key.name, key.key_id) for key in keys]:
        raise UnprovenError(LogFault.UNSIGNED, f"a line by each of {len(keys)} keys was expected")
    verify_note(parsed, [key for key in given if key.name == log])
    verify_note(parsed, keys)


def _note_text(data: bytes, log: str) -> str:
    return f"{NOTE_TITLE}\n{log}\n{b64encode(sha256(data).digest()).decode()}\n"
