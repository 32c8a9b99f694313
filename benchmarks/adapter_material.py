"""What ``tongban bench adapter`` measures with: a record of thirty fields, a JSON and an XML mapping of it, records."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.record.record import LicenceRecord, RecordHolder
from adapters.record.status import RecordStatus

NAME: Final = "bench.toml"
_SURFACE_FIELDS: Final = 17
_HEADS: Final = {
    "json": """
[message]
form = "json"
records = "$.data[*]"
[[outcome]]
at = "$.head.code"
codes = { "0" = "found" }
[status]
at = "$.status"
codes = { "1" = "active" }
""",
    "xml": """
[message]
form = "xml"
records = "/p:answer/p:list/p:row[*]"
namespaces = { p = "urn:example:licences" }
[[outcome]]
at = "/p:answer/p:head/p:code"
codes = { "0" = "found" }
[status]
at = "/p:status"
codes = { "1" = "active" }
""",
}
# With the status and the surface fields, thirty.
_FIELDS: Final = (
    ("identifier", ""),
    ("number", ""),
    ("type_code", ""),
    ("name", "null-string"),
    ("issuer", ""),
    ("issuer_code", ""),
    ("area", "area:6"),
    ("issued_on", "date:yyyy-MM-dd"),
    ("valid_from", "date:yyyyMMdd"),
    ("valid_to", "date:yyyy年MM月dd日"),
    ("holders[].name", ""),
    ("holders[].code", ""),
)
FIELDS: Final = len(_FIELDS) + 1 + _SURFACE_FIELDS


def mapping_of(form: str) -> bytes:
    """Return a mapping of thirty fields, "json" or "xml"."""
    start = "$." if form == "json" else "/p:"
    text = f'[system]\nid = "bench"\nzh = "测试"\nen = "Benchmark"\n{_HEADS[form]}'
    fields = [*_FIELDS, *((f"surface.KZ_{number}", "") for number in range(_SURFACE_FIELDS))]
    for number, (target, codec) in enumerate(fields):
        codecs = f'codec = ["{codec}"]\n' if codec else ""
        text += f'[[field]]\nto = "{target}"\nat = "{start}field_{number}"\n{codecs}'
    return text.encode("utf-8")


def make_record(number: int = 0) -> LicenceRecord:
    """Return a record in which all thirty fields are filled; another licence for each number."""
    return LicenceRecord(
        identifier=f"1.2.156.3005.2.11100000000013338W011.11430000006122244L.{number:011}.001.U",
        number=f"粤建安许证字（2024）第{number:08}号",
        type_code="11100000000013338W011",
        name="建筑施工企业安全生产许可证",
        holders=(RecordHolder(name="某某建设工程有限公司", code="91330105002500287C"),),
        issuer="某某省住房和城乡建设厅",
        issuer_code="11430000006122244L",
        area="440100",
        issued_on=date(2024, 2, 29),
        valid_from=date(2024, 2, 29),
        valid_to=date(2027, 2, 28),
        status=RecordStatus.ACTIVE,
        source="bench",
        surface={f"KZ_{place}": "建筑施工总承包壹级" for place in range(_SURFACE_FIELDS)},
        raw_status="1",
    )


def make_adapter(form: str) -> Adapter:
    """Return the adapter of a form, which reads what it writes.

    Raises:
        RuntimeError: it does not.

    """
    adapter = load_adapter(mapping_of(form), NAME)
    record = make_record()
    if adapter.parse(adapter.render([record])).records != (record,):
        raise RuntimeError(f"the record was expected to come back from {form}")
    return adapter


def make_lines(adapter: Adapter, count: int) -> Iterator[bytes]:
    """Return as many messages with a licence each, a message a line."""
    mould = make_record()
    for number in range(count):
        one = make_record(number)
        record = replace(mould, identifier=one.identifier, number=one.number)
        yield adapter.render([record]) + b"\n"
