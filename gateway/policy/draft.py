"""A policy as it is written now: read, compiled, analysed, tested; only one without any fault can come into force."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gateway.policy.folder import read_policy_files
from policies.analysis.analyse import Analysis, analyse
from policies.bundle import Bundle, digest_bundle
from policies.engine import Engine
from policies.fault import Place, PolicyError, PolicyFault, Words
from policies.loader import load_policy
from policies.testing import TestResult, run_tests


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A bundle that is right in its language, with what is found when it is compiled."""

    bundle: Bundle
    engine: Engine
    analysis: Analysis
    tests: tuple[TestResult, ...]
    places: Mapping[str, Place] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """The version of the bundle."""
        return digest_bundle(self.bundle)

    @property
    def failed(self) -> tuple[TestResult, ...]:
        """The tests that failed."""
        return tuple(one for one in self.tests if not one.passed)

    @property
    def faults(self) -> tuple[PolicyFault, ...]:
        """Return what forbids it to come into force: a policy that contradicts its own examples is wrong too."""
        return (*self.analysis.faults(self.places, self.bundle.name), *map(self._fault, self.failed))

    def _fault(self, failed: TestResult) -> PolicyFault:
        key = f"test {failed.name}"
        place = self.places.get(key, Place(self.bundle.name, None))
        expected = ", ".join(f"{one.field} = {one.expected}" for one in failed.differences)
        got = ", ".join(f"{one.field} = {one.got}" for one in failed.differences)
        got = f"{got} ({' / '.join(failed.context)})"
        return PolicyFault(
            file=place.file, line=place.line, key=key, expected=Words(expected, expected), found=Words(got, got)
        )


def read_draft(folder: Path) -> Draft:
    """Read the policy of a folder.

    Raises:
        PolicyError: with every fault of its files; those of the compiled rules stand in `Draft.faults`.

    """
    loaded = load_policy(read_policy_files(folder))
    return make_draft(loaded.bundle, loaded.places)


def make_draft(bundle: Bundle, places: Mapping[str, Place] | None = None) -> Draft:
    """Compile a bundle, analyse it, run its tests.

    Raises:
        PolicyError: it would reach too many plans.

    """
    engine = Engine(bundle)
    return Draft(bundle=bundle, engine=engine, analysis=analyse(engine), tests=run_tests(engine), places=places or {})


def read_sound_draft(folder: Path) -> Draft:
    """Read the policy of a folder that is to come into force.

    Raises:
        PolicyError: with every fault.

    """
    draft = read_draft(folder)
    if draft.faults:
        raise PolicyError(draft.faults)
    return draft
