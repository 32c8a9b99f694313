"""What things are called for people: items, licence types and fields of the policies that decided, and provinces.

An old entry is told in the words of the policy that decided then. Where the site has no such policy any more, the codes
have to do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from gateway.policy.in_force import PolicyArchive, StateError
from gateway.policy.keeper import PolicyKeeper
from gateway.toml_table import Words
from policies.bundle import Bundle
from policies.catalogue import LicenceType
from policies.dimension import Context

MAX_BUNDLES: Final = 16  # whose names are kept; a page seldom meets more than three, each some 100 kB
_LICENCE: Final = Context._fields.index("licence")  # its place among the facts of an entry

ReadBundle = Callable[[str], Bundle]


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceNames:
    """A licence type and its fields, these in the order in which entries have their forms: by the names of fields."""

    name: Words
    fields: tuple[Words, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNames:
    """What one policy calls its items and licence types."""

    items: Mapping[str, Words]
    licences: Mapping[str, LicenceNames]

    def licence(self, facts: tuple[str, ...]) -> LicenceNames | None:
        """Return the names of the licence type that the facts of an entry name; None where they name none."""
        return self.licences.get(facts[_LICENCE]) if len(facts) >= len(Context._fields) else None


NO_NAMES: Final = PolicyNames(items=MappingProxyType({}), licences=MappingProxyType({}))


def reads_bundles(keeper: PolicyKeeper, archive: PolicyArchive | None) -> ReadBundle:
    """Return what reads the policy in force, and those before it from the archive of the site."""

    def read(digest: str) -> Bundle:
        in_force = keeper.settled.in_force
        if in_force is not None and in_force.digest == digest:
            return in_force.bundle
        if archive is None:
            raise KeyError(digest)
        try:
            return archive.bundle(digest)
        except StateError as error:
            raise KeyError(digest) from error

    return read


class BundleNames:
    """The names of policies by their digests; reads each once. May be used from several threads."""

    def __init__(self, read: ReadBundle) -> None:
        """Use ``read`` to get at a bundle; it raises KeyError where there is none, and may block."""
        self._names = lru_cache(MAX_BUNDLES)(lambda digest: name_bundle(read(digest)))

    def of(self, digest: str) -> PolicyNames:
        """Return the names of a policy; none where it cannot be read, which is tried again."""
        try:
            return self._names(digest) if digest else NO_NAMES
        except KeyError:
            return NO_NAMES


def name_bundle(bundle: Bundle) -> PolicyNames:
    """Return the names that a bundle has."""
    return PolicyNames(
        items={item.id: Words(item.zh, item.en) for item in bundle.items},
        licences={one.id: _name_licence(one) for one in bundle.licences},
    )


def _name_licence(licence: LicenceType) -> LicenceNames:
    fields = tuple(Words(field.zh, field.en) for _, field in sorted(licence.fields.items()))
    return LicenceNames(name=Words(licence.zh, licence.en), fields=fields)


# The first two digits of a region, GB/T 2260.
PROVINCES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "11": Words("北京市", "Beijing"),
        "12": Words("天津市", "Tianjin"),
        "13": Words("河北省", "Hebei"),
        "14": Words("山西省", "Shanxi"),
        "15": Words("内蒙古自治区", "Inner Mongolia"),
        "21": Words("辽宁省", "Liaoning"),
        "22": Words("吉林省", "Jilin"),
        "23": Words("黑龙江省", "Heilongjiang"),
        "31": Words("上海市", "Shanghai"),
        "32": Words("江苏省", "Jiangsu"),
        "33": Words("浙江省", "Zhejiang"),
        "34": Words("安徽省", "Anhui"),
        "35": Words("福建省", "Fujian"),
        "36": Words("江西省", "Jiangxi"),
        "37": Words("山东省", "Shandong"),
        "41": Words("河南省", "Henan"),
        "42": Words("湖北省", "Hubei"),
        "43": Words("湖南省", "Hunan"),
        "44": Words("广东省", "Guangdong"),
        "45": Words("广西壮族自治区", "Guangxi"),
        "46": Words("海南省", "Hainan"),
        "50": Words("重庆市", "Chongqing"),
        "51": Words("四川省", "Sichuan"),
        "52": Words("贵州省", "Guizhou"),
        "53": Words("云南省", "Yunnan"),
        "54": Words("西藏自治区", "Tibet"),
        "61": Words("陕西省", "Shaanxi"),
        "62": Words("甘肃省", "Gansu"),
        "63": Words("青海省", "Qinghai"),
        "64": Words("宁夏回族自治区", "Ningxia"),
        "65": Words("新疆维吾尔自治区", "Xinjiang"),
        "71": Words("台湾省", "Taiwan"),
        "81": Words("香港特别行政区", "Hong Kong"),
        "82": Words("澳门特别行政区", "Macao"),
    }
)
