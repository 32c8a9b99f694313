"""The spelling by which numbers, names and codes of two records are compared; never written into a record."""

import unicodedata
from typing import Final

# NFKC makes full-width brackets round ones; document numbers use others for the same: 京建〔2020〕1号, 京建[2020]1号.
_BRACKETS: Final = str.maketrans("〔〕【】［］[]〖〗｛｝{}", "()()()()()()()")


def normal_text(text: str) -> str:
    """Return a text in compatibility form (NFKC), with one kind of brackets, without case and white space.

    Domain rule for certificate numbers: half- and full-width brackets name the same licence.
    """
    folded = unicodedata.normalize("NFKC", text).translate(_BRACKETS)
    return "".join(folded.casefold().split())
