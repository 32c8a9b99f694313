"""The witness that we are: its key, made when it is first asked for, and its state, below the state of the site."""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.book.settings import AuditSettings
from gateway.audit.tlog.note_signer import Cosigner
from gateway.audit.witness.state import FolderWitnessState
from gateway.audit.witness.witness import Witness
from gateway.audit.witness.witnessed import WitnessedLogs
from gateway.secret_file import read_or_make_secret
from keys.own.signer import SoftwareSigner

WITNESS_KEY: Final = "witness.key"  # beside the keys of the log
WITNESS_STATE: Final = "state/witness"  # below the site
_ED25519_SIZE: Final = 32


def read_witness_key(site: Path, settings: AuditSettings, *, region: str) -> Cosigner:
    """Return the key with which this site witnesses others; it is made where there is none.

    Raises:
        SecretError: it cannot be read or made, or others may read it.

    """
    secret = read_or_make_secret(site / settings.keys / WITNESS_KEY)
    key = Ed25519PrivateKey.from_private_bytes(secret[:_ED25519_SIZE])
    return Cosigner(settings.witness.name or f"witness.{region}", SoftwareSigner(key))


def open_witness(site: Path, settings: AuditSettings, logs: WitnessedLogs, *, region: str) -> Witness:
    """Open the witness of a site; blocks.

    Raises:
        SecretError: as `read_witness_key`.
        WitnessStateError: the folder of its state cannot be made.

    """
    return Witness(read_witness_key(site, settings, region=region), logs, FolderWitnessState(site / WITNESS_STATE))
