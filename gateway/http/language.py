"""The language of sentences for people, by ``Accept-Language`` (RFC 9110 section 12.5.4): Chinese or English."""

import re
from enum import StrEnum
from typing import Final

from gateway.toml_table import Words

_RANGE: Final = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,64})?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?")


class Language(StrEnum):
    """The languages that there are; the first one where nothing else is asked for."""

    ZH = "zh-CN"
    EN = "en"

    def say(self, words: Words) -> str:
        """Return the words in this language."""
        return words.zh if self is Language.ZH else words.en


def select_language(header: str) -> Language:
    """Return English where it is wanted more than Chinese; whatever cannot be read wants nothing."""
    wanted = {"zh": 0.0, "en": 0.0}
    for part in header.split(","):
        found = _RANGE.fullmatch(part)
        if found is not None and found[1].lower() in wanted:
            name = found[1].lower()
            wanted[name] = max(wanted[name], float(found[2] or 1))
    return Language.EN if wanted["en"] > wanted["zh"] else Language.ZH
