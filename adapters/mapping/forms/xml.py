"""XML as a tree: an element is a text, or a dict of its attributes, children and text; repeated children are a list.

Keys are names as expat spells them, ``{namespace}local``; attributes begin with "@"; the text of an element that has
attributes or children stands under "". White space between elements says nothing and is left out.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import count
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element

from adapters.errors import Malformed, MalformedDocumentError
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.charset import Charset, decode, encode
from adapters.mapping.forms.form import Form, FormName
from adapters.mapping.path import ATTRIBUTE
from adapters.strict.xml import WHITE_SPACE, parse_xml

TEXT: Final = ""  # the key of an element's own text

_FAULTS: Final = {Malformed.TOO_LARGE: AdapterFault.TOO_LARGE, Malformed.XML_ENCODING: AdapterFault.CHARSET}
_DECLARED: Final = re.compile(r"""(<\?xml\s[^>]*?)\s+encoding\s*=\s*(?:"([^"]*)"|'([^']*)')""")
# Beyond what mark-up needs, the white space that a reader would change in an attribute or at the end of a line.
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0 section 2.2
_NAME: Final = re.compile(r"[^\W\d][\w.-]*")
_NO_NAMESPACES: Final[Mapping[str, str]] = MappingProxyType({})


def xml_form(charset: Charset, limit: int, namespaces: Mapping[str, str], *, declaration: bool) -> Form:
    """Return the form; ``namespaces`` maps the prefixes to write with to names, "" to the default one."""
    prefixes = {name: prefix for prefix, name in namespaces.items()}
    head = f'<?xml version="1.0" encoding="{charset.value.upper()}"?>' if declaration else ""

    def read(data: bytes) -> object:
        if len(data) > limit:
            raise AdapterError(AdapterFault.TOO_LARGE)
        if charset is not Charset.UTF_8:
            data = _declare_utf8(decode(data, charset), charset)
        return _read(data)

    def write(tree: object) -> bytes:
        return encode(head + _write_root(tree, prefixes), charset)

    return Form(name=FormName.XML, read=read, write=write)


def read_xml_text(text: str) -> object:
    """Read XML that stands in a text of a message, whatever encoding it declares; raises AdapterError."""
    return _read(encode(_DECLARED.sub(r"\1", text, count=1), Charset.UTF_8))


def write_xml_text(tree: object, namespaces: Mapping[str, str] = _NO_NAMESPACES) -> str:
    """Spell a tree as XML, for a text in a message; raises AdapterError.

    It declares the namespaces that are in the tree, and no others: with the prefixes of ``namespaces`` where they have
    one that fits, else with prefixes of its own.
    """
    return _write_root(tree, _select_prefixes(tree, namespaces))


def _declare_utf8(text: str, charset: Charset) -> bytes:
    """Take the declared encoding out of a text that was decoded; another one than it was in is refused."""
    declared = _DECLARED.match(text)
    if declared is not None and (declared[2] or declared[3] or "").lower() not in _ALIASES[charset]:
        raise AdapterError(AdapterFault.CHARSET)
    return encode(_DECLARED.sub(r"\1", text, count=1), Charset.UTF_8)


_ALIASES: Final = {
    Charset.UTF_8: {"utf-8", "utf8"},
    Charset.GBK: {"gbk", "gb2312"},
    Charset.GB18030: {"gb18030", "gbk", "gb2312"},
}


def _read(data: bytes) -> object:
    try:
        root = parse_xml(data, root=None)
    except MalformedDocumentError as error:
        raise AdapterError(_FAULTS.get(error.malformed, AdapterFault.SYNTAX)) from error
    return {root.tag: _tree_of(root)}


def _tree_of(element: Element) -> object:
    """Return an element as a tree; the depth was bounded by the reader."""
    if not len(element) and not element.attrib:
        return element.text or ""
    tree: dict[str, object] = {ATTRIBUTE + name: value for name, value in element.attrib.items()}
    text = element.text or ""
    has_children = False
    for child in element:
        tag: object = child.tag
        if isinstance(tag, str):
            has_children = True
            value = _tree_of(child)
            if tag not in tree:
                tree[tag] = value
            elif isinstance(found := tree[tag], list):
                found.append(value)
            else:
                tree[tag] = [found, value]
        elif text.strip(WHITE_SPACE) or (child.tail or "").strip(WHITE_SPACE):
            raise AdapterError(AdapterFault.SYNTAX)  # a comment in a text: some readers join the pieces, some do not
        if child.tail and child.tail.strip(WHITE_SPACE):
            raise AdapterError(AdapterFault.SYNTAX)  # text between elements
    if not has_children:
        tree[TEXT] = text
    elif text.strip(WHITE_SPACE):
        raise AdapterError(AdapterFault.SYNTAX)
    return tree


def _select_prefixes(tree: object, namespaces: Mapping[str, str]) -> dict[str, str]:
    """Return the prefix of each namespace in a tree.

    The default one, "", is for elements: an attribute without a prefix has no namespace. It would also take in the
    elements without a namespace, so that beside any of these a prefix is made up.
    """
    keys = dict.fromkeys(_keys(tree))
    names = dict.fromkeys(key.lstrip(ATTRIBUTE)[1:].partition("}")[0] for key in keys if "}" in key)
    needs_prefix = {key[2:].partition("}")[0] for key in keys if key[:1] == ATTRIBUTE and "}" in key}
    has_plain = any(key and key[0] not in {ATTRIBUTE, "{"} for key in keys)
    known = {name: prefix for prefix, name in namespaces.items() if prefix}
    known |= {name: "" for prefix, name in namespaces.items() if not (prefix or has_plain or name in needs_prefix)}
    fresh = (prefix for prefix in map("n{}".format, count(1)) if prefix not in namespaces)
    return {name: known[name] if name in known else next(fresh) for name in names}


def _keys(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from tree
    for one in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _keys(one)


def _write_root(tree: object, prefixes: Mapping[str, str]) -> str:
    if not isinstance(tree, dict) or len(tree) != 1:
        raise AdapterError(AdapterFault.SHAPE)
    declared = "".join(
        f' xmlns:{prefix}="{name.translate(_ESCAPES)}"' if prefix else f' xmlns="{name.translate(_ESCAPES)}"'
        for name, prefix in prefixes.items()
    )
    pieces: list[str] = []
    ((name, value),) = tree.items()
    _write(name, value, prefixes, declared, pieces)
    return "".join(pieces)


def _write(name: str, value: object, prefixes: Mapping[str, str], declared: str, pieces: list[str]) -> None:
    if isinstance(value, list):
        for one in value:
            _write(name, one, prefixes, declared, pieces)
        return
    spelt = _spell_name(name, prefixes)
    if not isinstance(value, dict):
        pieces.append(f"<{spelt}{declared}>{_escape(value)}</{spelt}>")
        return
    pieces.append(f"<{spelt}{declared}")
    for key, one in value.items():
        if key[:1] == ATTRIBUTE:
            pieces.append(f' {_spell_name(key[1:], prefixes)}="{_escape(one)}"')
    pieces.append(">")
    for key, one in value.items():
        if key == TEXT:
            pieces.append(_escape(one))
        elif key[0] != ATTRIBUTE:
            _write(key, one, prefixes, "", pieces)
    pieces.append(f"</{spelt}>")


def _spell_name(name: str, prefixes: Mapping[str, str]) -> str:
    namespace, _, local = name[1:].partition("}") if name[:1] == "{" else ("", "", name)
    if not _NAME.fullmatch(local):  # the name of a surface field that XML has no element for
        raise AdapterError(AdapterFault.VALUE)
    if not namespace:
        return local
    prefix = prefixes.get(namespace)
    if prefix is None:
        raise AdapterError(AdapterFault.VALUE)
    return f"{prefix}:{local}" if prefix else local


def _escape(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    if _FORBIDDEN.search(text):
        raise AdapterError(AdapterFault.VALUE)
    return text.translate(_ESCAPES)
