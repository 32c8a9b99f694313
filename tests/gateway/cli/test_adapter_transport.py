"""``tongban adapter check`` judges the transport recipe with the functions that there are."""

from pathlib import Path

import pytest

from adapters.mapping.adapter import load_adapter
from adapters.mapping.fault import MappingError
from gateway.cli.adapter_transport import check_transport
from tests.support.adapters import SHIPPED, SHIPPED_FILES


@pytest.mark.parametrize("path", SHIPPED_FILES, ids=lambda path: path.stem)
def test_shipped_recipes_are_sound(path: Path) -> None:
    """Every shipped mapping has a sound recipe, or none."""
    check_transport(load_adapter(path.read_bytes(), path.name))


@pytest.mark.parametrize(
    ("system", "before", "after", "key"),
    [
        ("exchange", 'time_form = "epoch-ms"', 'time_form = "epoch"', "transport.signature.time_form"),
        ("exchange", 'name = "hmac-sha256"', 'name = "hmac"', "transport.signature.name"),
        ("exchange", 'name = "aes-ecb"', 'name = "aes-ecb", iv = "x"', "transport.sign_in.wrapping.iv"),
        ("shandong", 'form = "c1c3c2"', "", "transport.encryption[1].form"),
        ("zhejiang", 'key = "app_secret"', 'key = "app"', "transport.signature.key"),
    ],
)
def test_a_broken_recipe_is_named(system: str, before: str, after: str, key: str) -> None:
    """A wrong name or parameter of a function is a fault at its place, in both languages."""
    text = (SHIPPED / f"{system}.toml").read_text("utf-8")
    assert text.count(before) >= 1
    adapter = load_adapter(text.replace(before, after).encode(), f"{system}.toml")
    with pytest.raises(MappingError) as caught:
        check_transport(adapter)
    assert key in [fault.key for fault in caught.value.faults]
    assert all(fault.sentence_zh and str(fault) for fault in caught.value.faults)


def test_a_field_that_no_request_carries_is_a_fault() -> None:
    """A signature over what only the sender knows could never be verified."""
    text = (SHIPPED / "zhejiang.toml").read_text("utf-8")
    assert "{value.request_time}" in text
    adapter = load_adapter(text.replace("{value.request_time}", "{request_id}").encode(), "zhejiang.toml")
    with pytest.raises(MappingError) as caught:
        check_transport(adapter)
    (fault,) = caught.value.faults
    assert (fault.key, fault.found.en) == ("transport.values", "request_time")
