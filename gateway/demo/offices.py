"""The demo's issuing offices: seven in an invented city of each of two provinces, with the formats of that province."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.demo.numbers import credit_code

_OFFICE_KIND = "11"  # registered by the staffing office, an organ of government


class Branch(StrEnum):
    """The branch of government that issues a licence; the value names the office after its city."""

    MARKET = "市场监督管理局"
    PROPERTY = "自然资源和规划局"
    CONSTRUCTION = "住房和城乡建设局"
    HEALTH = "卫生健康委员会"
    CIVIL_AFFAIRS = "民政局"
    LABOUR = "人力资源和社会保障局"
    TRANSPORT = "交通运输局"


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """A province as the demo needs it: an invented city on unassigned area codes, and how its systems write dates."""

    code: str
    slug: str
    name: str
    short_name: str
    city: str
    date_format: str

    @property
    def area(self) -> str:
        """Name the unassigned area (county 99) that stands in every number of this province."""
        return f"{self.code}9901"

    def spell_date(self, day: date) -> str:
        """Write a date the way this province's metadata has it."""
        return day.strftime(self.date_format)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """An issuing office: its name and its unified social credit code."""

    province: Province
    branch: Branch
    name: str
    code: str


# Date forms as the systems of the two provinces write them: Anhui compact, Shandong with hyphens.
ANHUI = Province(code="34", slug="anhui", name="安徽省", short_name="皖", city="云溪市", date_format="%Y%m%d")
SHANDONG = Province(code="37", slug="shandong", name="山东省", short_name="鲁", city="海棠市", date_format="%Y-%m-%d")
PROVINCES = (ANHUI, SHANDONG)


def _office(province: Province, branch: Branch, position: int) -> Office:
    organisation = f"DEM{province.code}{position:03d}"
    return Office(
        province=province,
        branch=branch,
        name=f"{province.name}{province.city}{branch}",
        code=credit_code(_OFFICE_KIND, province.area, organisation),
    )


OFFICES: Mapping[tuple[Province, Branch], Office] = {
    (province, branch): _office(province, branch, position)
    for province in PROVINCES
    for position, branch in enumerate(Branch, start=1)
}
