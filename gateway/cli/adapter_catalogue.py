"""The catalogue beside a mapping: which surface fields (照面信息) the policy of a site knows, and which it does not."""

from collections.abc import Iterable
from pathlib import Path

from adapters.mapping.adapter import Adapter
from adapters.metadata import EXTENSION_PREFIX
from adapters.record.record import LicenceRecord
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.facts import LicenceTypes
from gateway.policy.folder import POLICIES_FOLDER, read_policy_files
from gateway.sources.records import state
from gateway.surface import SurfaceFinding, SurfaceFlag, check_surface, surface_sources
from policies.bundle import Bundle
from policies.fault import PolicyError
from policies.loader import load_policy


class Catalogue:
    """The licence types of a site's policy, as it is written now."""

    def __init__(self, bundle: Bundle) -> None:
        """Index the types."""
        self._types = LicenceTypes(bundle)
        self._sources = frozenset(name for one in bundle.licences for name in surface_sources(one))

    def check_mapping(self, adapter: Adapter) -> tuple[SurfaceFinding, ...]:
        """Return the surface fields that a mapping names and no licence type has."""
        targets = (rule.target for rule in adapter.rules.fields if rule.target is not None)
        names = dict.fromkeys(one.surface_name for one in targets if one.surface_name and not one.is_whole_surface)
        unknown = (name for name in names if name.removeprefix(EXTENSION_PREFIX) not in self._sources)
        return tuple(SurfaceFinding(flag=SurfaceFlag.FIELD_UNKNOWN, field=name) for name in unknown)

    def check_record(self, record: LicenceRecord) -> tuple[SurfaceFinding, ...]:
        """Return what is odd about the surface fields of a record."""
        return check_surface(record.surface, self._types.select(state(record).licence))


def read_catalogue(site: Path) -> Catalogue:
    """Return the catalogue of a site folder; raises UsageError where its policy has faults, and OSError."""
    try:
        return Catalogue(load_policy(read_policy_files(site / POLICIES_FOLDER)).bundle)
    except PolicyError as error:
        zh, en = "其中有错误，见 tongban policy check", "it has faults, see `tongban policy check`"
        raise UsageError(say(f"{site / POLICIES_FOLDER}：{zh}", f"{site / POLICIES_FOLDER}: {en}")) from error


def describe_findings(findings: Iterable[SurfaceFinding]) -> list[dict[str, str | None]]:
    """Return findings as JSON can spell them."""
    return [{"flag": one.flag.value, "field": one.field or None} for one in findings]


def tell_finding(one: SurfaceFinding) -> str:
    """Return a finding in words."""
    match one.flag:
        case SurfaceFlag.TYPE_UNKNOWN:
            return say("目录中没有该证照类型", "the catalogue has no such licence type")
        case SurfaceFlag.FIELD_UNKNOWN:
            return say(f"目录中没有照面字段：{one.field}", f"no surface field of the catalogue: {one.field}")
        case SurfaceFlag.FIELD_TYPE:
            return say(
                f"取值不符合目录中的类型：{one.field}", f"not of the type that the catalogue states: {one.field}"
            )
