"""A site at work: what a request begins with, and keeps until it is answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.facade.desk import FacadeDesk
from gateway.reload.held import Held
from gateway.site import Site
from gateway.sources.registry import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInForce:
    """A site with what was made of it. ``sources`` may serve the site before and the one after, too."""

    site: Site
    sources: Held[Sources]
    facades: FacadeDesk | None

    @property
    def licences(self) -> Sources:
        """The sources of licences."""
        return self.sources.value

    async def close(self) -> None:
        """Let go of what is used by nobody any more."""
        self.sources.release()
        if self.facades is not None:
            self.facades.close()
        await self.sources.closed()


# Makes a site work, beside the one that is in force, which may share with it; None: it is the first.
MakeInForce = Callable[[Site, SiteInForce | None], Awaitable[SiteInForce]]
