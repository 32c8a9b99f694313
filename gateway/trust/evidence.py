"""What the site's gateway keeps about revocation, read without asking anybody and without writing anything."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.site import STATE_FOLDER, STATUS_STATE, SiteError
from gateway.status.minded import open_track
from gateway.status.shelf import Shelf
from gateway.status.source import load_status_sources
from gateway.toml_table import Fault
from keys.certificate import Certificate
from keys.revocation import find_list_signers_of
from keys.revocation_evidence import RevocationEvidence
from keys.trust import TrustStore

_ROUNDS: Final = 2  # whether another key of a CA may sign its lists depends on lists that are known after the first


def read_kept_evidence(site: Path, store: TrustStore, *, at: datetime) -> tuple[RevocationEvidence, ...]:
    """Return the kept answers of the site's sources, each verified again as of ``at``; a bad one is left out.

    ``store`` are the anchors and lists of the trust folder, which sources are allowed to speak for.

    Raises:
        SiteError: a source is described wrongly.

    """
    faults = list[Fault]()
    sources = load_status_sources(site, store=store, faults=faults)
    if faults:
        raise SiteError(faults)
    shelf = Shelf(site / STATE_FOLDER / STATUS_STATE)
    known = store

    def find_signers(issuer: Certificate, moment: datetime) -> Sequence[Certificate]:
        return find_list_signers_of(issuer, store=known, now=moment)

    evidence: list[RevocationEvidence] = []
    for _ in range(_ROUNDS):
        evidence = []
        for source in sources:
            track = open_track(source, find_signers=find_signers)
            track.load(shelf.read(source.name).answers, at)
            evidence += track.evidence()
        known = store.with_lists((*store.revocation_lists, *evidence))
    return tuple(evidence)
