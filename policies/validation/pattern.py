r"""Patterns of case numbers: the part of regular expressions that is matched in one pass, and nothing else.

A pattern is a sequence of atoms. An atom is a character (a letter, a digit, Han, one of ``- _ / : # @ （）〔〕``, or
``\`` before punctuation) or a class ``[…]`` of such characters and of ranges in ``0-9``, ``A-Z`` and ``a-z``; it may be
repeated by ``{n}``, ``{m,n}`` or ``?``. There are no groups, no alternatives, no references, no ``.``, ``*``, ``+``,
``^``, ``$`` or ``\d``. An atom that is repeated a varying number of times shares no character with what may follow it.
So the next character always decides, and matching never goes back.
"""

import re
from typing import Final, NamedTuple

from policies.fault import Words, spell

MAX_CASE: Final = 128  # characters of a case number that a pattern accepts; those met have at most 40

_LITERAL: Final = r"[0-9A-Za-z_/:#@\u4e00-\u9fff（）〔〕-]"
_ESCAPED: Final = r"\\[!-/:-@\[-`{-~]"
_RANGE: Final = r"(?:[0-9]-[0-9]|[A-Z]-[A-Z]|[a-z]-[a-z])"
# In a class the hyphen stands last or is escaped, so that it is never mistaken for a range.
_MEMBER: Final = rf"(?:{_RANGE}|{_ESCAPED}|[0-9A-Za-z_/:#@\u4e00-\u9fff（）〔〕](?!-[^\]]))"
_ATOM: Final = re.compile(
    rf"(?:(?P<one>{_ESCAPED}|{_LITERAL})|\[(?P<members>(?:{_MEMBER})+-?|-)\])"
    r"(?:\{(?P<low>[0-9]{1,3})(?:,(?P<high>[0-9]{1,3}))?\}|(?P<maybe>\?))?"
)
_MEMBERS: Final = re.compile(rf"{_MEMBER}|-")


class _Atom(NamedTuple):
    characters: frozenset[str]
    low: int
    high: int


def find_pattern_fault(pattern: str) -> Words | None:
    """Say what of a pattern is outside of the subset, None when it is inside."""
    atoms: list[_Atom] = []
    at = 0
    while at < len(pattern):
        match = _ATOM.match(pattern, at)
        if match is None:
            rest = spell(pattern[at : at + 12])
            return Words(f"第 {at + 1} 个字符起的 {rest}", f"{rest} at character {at + 1}")
        atom = _read_atom(match)
        if atom is None:
            return Words(f"范围颠倒的 {match[0]}", f"{match[0]}, which is the wrong way round")
        atoms.append(atom)
        at = match.end()
    longest = sum(atom.high for atom in atoms)
    if not 0 < longest <= MAX_CASE:
        return Words(f"长达 {longest} 个字符的编号", f"case numbers of {longest} characters")
    return _find_ambiguity(atoms)


def _read_atom(match: re.Match[str]) -> _Atom | None:
    low = int(match["low"] or (0 if match["maybe"] else 1))
    high = int(match["high"] or match["low"] or 1)
    members = [match["one"]] if match["one"] else _MEMBERS.findall(match["members"])
    characters: set[str] = set()
    for member in members:
        first, last = (member[0], member[-1]) if len(member) == 3 else (member[-1], member[-1])  # noqa: PLR2004 — a-z
        if first > last:
            return None
        characters.update(map(chr, range(ord(first), ord(last) + 1)))
    return _Atom(frozenset(characters), low, high) if low <= high else None


def _find_ambiguity(atoms: list[_Atom]) -> Words | None:
    for place, atom in enumerate(atoms):
        if atom.low == atom.high:
            continue
        for after in atoms[place + 1 :]:
            shared = atom.characters & after.characters
            if shared:
                one = min(shared)
                return Words(
                    f"第 {place + 1} 部分重复次数不定，且其后也可为“{one}”",
                    f"part {place + 1}, repeated a varying number of times, before one that may begin with {one} too",
                )
            if after.low > 0:
                break
    return None
