"""What a site publishes of its log: the trust policy, the cosigned checkpoint, and the policies that entries name."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.audit.book.place import POLICY_FILE, FolderPlace
from gateway.audit.errors import MalformedLogDataError
from gateway.audit.reader import LogReader
from gateway.audit.tlog.checkpoint import SignedCheckpoint
from gateway.audit.tlog.quorum import MAX_POLICY, Policy, PolicyLog, parse_policy
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.witness.cosigned import read_cosigned
from gateway.http.state import POLICY, SITES
from gateway.policy.in_force import PolicyArchive, StateError
from gateway.site import STATE_FOLDER
from gateway.trust.files import read_file
from policies.bundle import encode_bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The keys of one half-year of the log with its witnesses, and the newest checkpoint that they cosigned."""

    policy: Policy
    cosigned: tuple[SignedCheckpoint, ...] = ()


def read_published(app: web.Application, reader: LogReader) -> Published:
    """Read what is published of a half-year; without a site folder its keys are all there is. It blocks.

    Raises:
        LogUnavailableError: UNUSABLE, it cannot be read.

    """
    site = app[SITES].current().site
    if site.folder is None:
        return Published(policy=Policy(logs=tuple(PolicyLog(key=signer.key) for signer in reader.signers)))
    place = FolderPlace(site.folder, site.settings.audit, region=site.settings.region)
    folder = place.folder(reader.origin.rpartition("/")[2])
    try:
        policy = parse_policy(read_file(folder / POLICY_FILE, MAX_POLICY))
        cosigned = read_cosigned(folder, policy)
    except (OSError, MalformedLogDataError) as error:
        detail = getattr(error, "strerror", None) or type(error).__name__
        raise LogUnavailableError(Unavailable.UNUSABLE, f"{POLICY_FILE}: {detail}") from error
    return Published(policy=policy, cosigned=() if cosigned is None else (cosigned.signed,))


def reads_policies(app: web.Application) -> Callable[[str], bytes]:
    """Return what reads a policy bundle by its digest, and raises KeyError where the site has none."""
    site, keeper = app[SITES].current().site, app[POLICY]
    archive = None if site.folder is None else PolicyArchive(site.folder / STATE_FOLDER)

    def read(digest: str) -> bytes:
        in_force = keeper.settled.in_force
        if in_force is not None and in_force.digest == digest:
            return encode_bundle(in_force.bundle)
        if archive is None:
            raise KeyError(digest)
        try:
            return encode_bundle(archive.bundle(digest))
        except StateError:
            raise KeyError(digest) from None

    return read
