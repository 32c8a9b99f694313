"""Which text of a request is signed: fields and fixed characters joined, as in ``{sid}{rid}{rtime}``.

Fields that stand side by side without a separator can be cut elsewhere and give the same text. It is the other side's
scheme; times of a fixed length (`time_form`) and secrets found by the sender's id leave nothing to gain by it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from keys.payload.bounds import MAX_FIELD, MAX_FIELDS, MAX_TEMPLATE
from keys.payload.errors import RequestFault, RequestSignatureError

SECRET: Final = "secret"  # noqa: S105 - the name of a placeholder: where a digest without a key has the shared secret
_PART: Final = re.compile(r"\{([a-z][a-z0-9_]{0,63})\}|([^{}]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Names of fields and fixed texts in their order; a name may stand twice."""

    parts: tuple[tuple[str, str], ...]  # (name of a field or "", fixed text or "")

    @property
    def fields(self) -> frozenset[str]:
        """The fields of the request that it covers, without the secret."""
        return frozenset(name for name, _ in self.parts if name and name != SECRET)

    @property
    def has_secret(self) -> bool:
        """Whether the secret is part of the text."""
        return any(name == SECRET for name, _ in self.parts)

    def fill(self, fields: Mapping[str, str], secret: bytes = b"") -> bytes:
        """Return the text in UTF-8; fields that it does not name play no part.

        Raises:
            RequestSignatureError: FIELD_MISSING, FIELD_FORM.

        """
        filled = []
        for name, text in self.parts:
            if name == SECRET:
                filled.append(secret)
            elif not name:
                filled.append(text.encode())
            else:
                filled.append(_encode_field(fields, name))
        return b"".join(filled)


def parse_template(text: str) -> Template:
    """Read a template: names of small letters, digits and underscores in braces, everything else as it stands.

    Raises:
        ValueError: a stray brace, no field, too many fields, or too long.

    """
    if len(text) > MAX_TEMPLATE:
        raise ValueError(f"at most {MAX_TEMPLATE} characters were expected, got {len(text)}")
    matches = list(_PART.finditer(text))
    if sum(len(match[0]) for match in matches) != len(text):
        raise ValueError("field names in braces were expected, got a stray brace")
    template = Template(parts=tuple((match[1] or "", match[2] or "") for match in matches))
    if not 0 < len(template.fields) <= MAX_FIELDS:
        raise ValueError(f"1 to {MAX_FIELDS} fields were expected, got {len(template.fields)}")
    return template


def _encode_field(fields: Mapping[str, str], name: str) -> bytes:
    value = fields.get(name)
    if value is None:
        raise RequestSignatureError(RequestFault.FIELD_MISSING, name)
    if not 0 < len(value) <= MAX_FIELD:
        raise RequestSignatureError(RequestFault.FIELD_FORM, f"{name}: 1 to {MAX_FIELD} characters were expected")
    try:
        return value.encode()
    except UnicodeEncodeError:  # half a surrogate pair; not chained, since it carries the value
        raise RequestSignatureError(RequestFault.FIELD_FORM, f"{name}: text was expected") from None
