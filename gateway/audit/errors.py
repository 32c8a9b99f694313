"""What reading and verifying the log raises, split by whose fault it is; reasons are enums, texts quote no content.

AuditError
├── MalformedLogDataError   theirs: bytes are not of the form that docs/audit-format.md describes, with its LogFlaw
└── UnprovenError           not to be relied on: well formed, and yet no proof of what it claims, with its LogFault

Who calls with impossible arguments (a negative size, a text without its last newline) gets a ValueError.
"""

from enum import StrEnum


class AuditError(Exception):
    """The root of all errors of this package."""


class LogFlaw(StrEnum):
    """Why bytes are not of the form they should have."""

    TOO_LARGE = "too-large"  # more bytes, lines, signatures or hashes than a reader accepts
    TEXT = "text"  # not UTF-8, or with a control character
    LINES = "lines"  # a line is missing, empty, surplus, or does not end
    NUMBER = "number"  # not the one decimal spelling, or beyond what a tree can hold
    BASE64 = "base64"  # not the one spelling of these bytes
    LENGTH = "length"  # a hash, a key, a signature, a tile or a bundle of another length
    NAME = "name"  # a key name or an origin that is empty, too long, or has a space or a plus
    KEY = "key"  # a verifier key whose parts contradict each other
    UNKNOWN_TYPE = "unknown-type"  # a signature type that we do not verify, or not in this place
    PATH = "path"  # not the path of a tile, or of one that no tree has
    PACKAGE = "package"  # not a ZIP as a finding is one
    WORD = "word"  # a policy line that begins with another word, or has too few or too many
    DUPLICATE = "duplicate"  # a name, a key or a member twice
    UNDEFINED = "undefined"  # a name that no earlier line defines
    THRESHOLD = "threshold"  # asks for more members than the group has, or for none
    NO_QUORUM = "no-quorum"  # a policy must say its quorum, once


class MalformedLogDataError(AuditError):
    """The bytes are not of the form; ``detail`` says where, and holds no content."""

    def __init__(self, flaw: LogFlaw, detail: str = "") -> None:
        super().__init__(f"{flaw}: {detail}" if detail else str(flaw))
        self.flaw = flaw
        self.detail = detail


class LogFault(StrEnum):
    """Why a well-formed artefact proves nothing."""

    UNSIGNED = "unsigned"  # no line by a key that we know
    BAD_SIGNATURE = "bad-signature"  # a line by a key that we know, and it does not verify
    OTHER_ORIGIN = "other-origin"  # signed by a key of another log than the one it speaks for
    OUTSIDE_TREE = "outside-tree"  # an index at or beyond the size
    SHRUNK = "shrunk"  # the later tree is smaller than the earlier
    FORKED = "forked"  # two roots of one size
    PROOF_LENGTH = "proof-length"  # more or fewer hashes than a proof between these sizes has
    ROOT_MISMATCH = "root-mismatch"  # the hashes lead to another root
    TOO_FEW_WITNESSES = "too-few-witnesses"  # the quorum is not reached


class UnprovenError(AuditError):
    """Well formed, and yet no proof; ``detail`` holds numbers and key names."""

    def __init__(self, fault: LogFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail
