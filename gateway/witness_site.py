"""What a site says about witnesses, put to work: the desk for other logs, and the rounds with our own."""

from gateway.audit.metrics import AuditMetrics
from gateway.audit.witness.desk import WitnessDesk
from gateway.audit.witness.kept import KeptCosignatures
from gateway.audit.witness.own import open_witness
from gateway.audit.witness.rounds import Clock, FedLog, WitnessRounds
from gateway.site import Site


def open_desk(site: Site) -> WitnessDesk | None:
    """Return where other logs hand in their checkpoints; None for a site that witnesses none."""
    folder, logs, settings = site.folder, site.witnessing.logs, site.settings
    if folder is None or not logs:
        return None
    return WitnessDesk(lambda: open_witness(folder, settings.audit, logs, region=settings.region))


def open_kept(site: Site) -> KeptCosignatures | None:
    """Return what other processes know of the witnesses; None for a log in memory alone."""
    if site.folder is None:
        return None
    settings = site.settings.audit
    return KeptCosignatures(site.folder / settings.folder, interval_seconds=settings.witness.interval_seconds)


def open_rounds(site: Site, log: FedLog, *, clock: Clock, metrics: AuditMetrics) -> WitnessRounds | None:
    """Return the rounds with the site's log, for the process that writes it; None for a log in memory alone."""
    if site.folder is None:
        return None
    settings = site.settings.audit
    return WitnessRounds(
        log,
        folder=site.folder / settings.folder,
        policy=site.witnessing.policy,
        interval_seconds=settings.witness.interval_seconds,
        clock=clock,
        metrics=metrics,
    )
