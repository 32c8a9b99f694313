"""How the elements of an OFD package are spelt when we write them: one namespace, numbers without noise."""

from collections.abc import Mapping

from lxml import etree

NAMESPACE = "http://www.ofdspec.org/2016"

# A thousandth of a millimetre is finer than any printer; more digits only make files larger.
_DECIMALS = 3


def root(name: str, attributes: Mapping[str, str] | None = None) -> etree._Element:
    """Start an XML part whose root is ``ofd:name``."""
    return etree.Element(f"{{{NAMESPACE}}}{name}", dict(attributes or {}), nsmap={"ofd": NAMESPACE})


def child(
    parent: etree._Element,
    name: str,
    text: str | None = None,
    attributes: Mapping[str, str] | None = None,
) -> etree._Element:
    """Append ``ofd:name`` to the parent, with text and attributes where given."""
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", dict(attributes or {}))
    element.text = text
    return element


def encode(element: etree._Element) -> bytes:
    """Spell an XML part as bytes: UTF-8 with its declaration, as GB/T 33190 asks."""
    return etree.tostring(element, xml_declaration=True, encoding="UTF-8")


def number(value: float) -> str:
    """Spell a length in millimetres without exponent, trailing zeros or a negative zero."""
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def numbers(*values: float) -> str:
    """Spell several lengths as an OFD array (ST_Array, ST_Box, ST_Pos)."""
    return " ".join(number(value) for value in values)
