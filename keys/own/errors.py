"""What goes wrong with a key of our own; no text here ever holds a secret or a part of one."""

from enum import StrEnum

from keys.errors import KeysError


class OwnKeyFault(StrEnum):
    """Why a key of ours cannot be read or used."""

    MALFORMED = "malformed"  # not the documented form: truncated, changed, another format
    UNKNOWN_FIELD = "unknown-field"  # a field that this version does not know, and so could not honour
    TOO_LARGE = "too-large"
    KDF_OUT_OF_BOUNDS = "kdf-out-of-bounds"  # scrypt parameters too weak to protect, or made to exhaust memory
    NO_MEMORY = "no-memory"  # scrypt is meant to need much, and this machine gave less
    WRONG_PASSPHRASE = "wrong-passphrase"  # noqa: S105 - a reason; or the file was changed: the cipher cannot tell
    WEAK_PASSPHRASE = "weak-passphrase"  # noqa: S105 - a reason
    KEY_MISMATCH = "key-mismatch"  # what the file holds is not the key that it names
    ON_A_TOKEN = "on-a-token"  # noqa: S105 - a reason; the private key is in a device, and this file only names it
    NOT_ACTIVE = "not-active"  # outside the time in which this key may sign
    DEVICE = "device"  # the device refused, or its signature did not verify


class OwnKeyError(KeysError):
    """A key of ours cannot be read or used; ``detail`` is for engineers."""

    def __init__(self, fault: OwnKeyFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail
