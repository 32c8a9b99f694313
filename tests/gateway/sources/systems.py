"""A system as a source whose client answers as a test says."""

from prometheus_client import CollectorRegistry

from gateway.adapters.access import SystemAccess
from gateway.adapters.asked import AskedSystem
from gateway.adapters.error import AskError
from gateway.adapters.functions import load_recipe
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.cache.local import LocalCache
from gateway.metrics import SystemMetrics
from gateway.settings import SourcesSettings
from gateway.sources.kept import KeptAnswers
from gateway.sources.line import SystemLine
from gateway.sources.system import SystemSource
from tests.support.stand_ins import ADAPTERS, NOW


class Client:
    """A client that answers in order, and keeps what it was asked."""

    def __init__(self, *answers: Answer | AskError) -> None:
        self.answers = list(answers)
        self.asked: list[Inquiry] = []

    async def ask(self, inquiry: Inquiry) -> Answer:
        """Answer."""
        self.asked.append(inquiry)
        answer = self.answers.pop(0)
        if isinstance(answer, AskError):
            raise answer
        return answer


def make_source(name: str, *answers: Answer | AskError) -> tuple[SystemSource, Client]:
    """Return a system that answers so."""
    adapter = ADAPTERS[name]
    system = AskedSystem(adapter=adapter, recipe=load_recipe(adapter), access=SystemAccess(base=""))
    line = SystemLine(system, settings=SourcesSettings(), clock=lambda: NOW, metrics=SystemMetrics(CollectorRegistry()))
    client = Client(*answers)
    line._client = client  # type: ignore[assignment]  # which asks nobody
    return SystemSource(system, line, KeptAnswers(LocalCache(), b"a secret")), client
