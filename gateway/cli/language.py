"""Chinese or English for people, by locale; JSON stays free of language."""

import os


def is_chinese() -> bool:
    """Return whether the locale asks for Chinese (LC_ALL, LC_MESSAGES, LANG in the order of POSIX)."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return value.lower().startswith("zh")
    return False


def say(zh: str, en: str) -> str:
    """Return the sentence in the language of the locale."""
    return zh if is_chinese() else en
