"""Surface fields against the catalogue: what it does not have is told by name, and never by value."""

import pytest

from adapters.record.record import Surface
from gateway.surface import SurfaceFinding, SurfaceFlag, check_surface
from policies.catalogue import Field, LicenceType, ValueType


def field(source: str, value_type: ValueType) -> Field:
    return Field(type=value_type, source=source, zh="字段", en="field")


TYPE = LicenceType(
    id="permit",
    zh="许可证",
    en="permit",
    fields={
        "number": field("number", ValueType.CODE),
        "scope": field("KZ_JYFW", ValueType.LIST),
        "since": field("KZ_RQ", ValueType.DATE),
        "capital": field("KZ_ZB", ValueType.AMOUNT),
        "holder_id": field("KZ_SFZ", ValueType.CITIZEN_ID),
        "code": field("KZ_XYDM", ValueType.CREDIT_CODE),
        "plate": field("KZ_HPHM", ValueType.PLATE),
    },
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RQ", "2024年3月1日"),
        ("KZ_RQ", "长期"),  # under its tag, as a document has it
        ("RQ", ""),
        ("ZB", "1,000万元"),
        ("SFZ", "11010519491231002x"),
        ("SFZ", "110105********002X"),
        ("XYDM", "９１350100M000100Y43"),
        ("JYFW", ("热食类制售", "冷食类制售")),
        ("HPHM", "whatever is printed"),
    ],
)
def test_what_the_catalogue_has(name: str, value: Surface) -> None:
    """A value of its type is not told, nor one that is masked, missing, or a text that has no form."""
    assert check_surface({name: value}, TYPE) == ()


@pytest.mark.parametrize(
    ("name", "value", "flag"),
    [
        ("RQ", "soon", SurfaceFlag.FIELD_TYPE),
        ("RQ", "2023-02-29", SurfaceFlag.FIELD_TYPE),
        ("ZB", "much", SurfaceFlag.FIELD_TYPE),
        ("SFZ", "110105194912310021", SurfaceFlag.FIELD_TYPE),
        ("XYDM", "91350100M000100Y44", SurfaceFlag.FIELD_TYPE),
        ("JYFW", ({"column": "x"},), SurfaceFlag.FIELD_TYPE),
        ("number", "1", SurfaceFlag.FIELD_UNKNOWN),  # an attribute of every licence is no surface field
        ("OTHER", "1", SurfaceFlag.FIELD_UNKNOWN),
    ],
)
def test_what_is_odd(name: str, value: Surface, flag: SurfaceFlag) -> None:
    """A field that the type does not have, and a value of another type, are told by name."""
    assert check_surface({"JYFW": "x", name: value}, TYPE) == (SurfaceFinding(flag=flag, field=name),)


def test_a_type_that_the_catalogue_does_not_have() -> None:
    """It is told once, for nothing is known of its fields."""
    assert [one.flag for one in check_surface({"A": "1", "B": "2"}, None)] == [SurfaceFlag.TYPE_UNKNOWN]
