"""Breaking one thing in valid DER: replace, repeat or drop one element, with all lengths above it put right."""

from adapters.strict.der import encode_element, parse_element


def element_at(data: bytes, *path: int) -> bytes:
    """Return the encoded element that the indexes lead to."""
    element = parse_element(data)
    for index in path:
        element = element.children()[index]
    return element.encoded


def replaced(data: bytes, path: tuple[int, ...], new: bytes) -> bytes:
    """Return the DER with the element at ``path`` replaced by ``new``, which may be no or several elements."""
    if not path:
        return new
    root = parse_element(data)
    parts = [child.encoded for child in root.children()]
    parts[path[0]] = replaced(parts[path[0]], path[1:], new)
    return encode_element(root.tag, b"".join(parts))


def appended(data: bytes, path: tuple[int, ...], new: bytes) -> bytes:
    """Return the DER with ``new`` added as the last element inside the one at ``path``."""
    root = parse_element(element_at(data, *path))
    return replaced(data, path, encode_element(root.tag, root.content + new))
