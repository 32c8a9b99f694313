"""The dictionary of field names: what systems call each concept of a licence, and which concept a new name may mean.

The names are data (crosswalk.toml). A suggestion is a guess with a confidence, for a person to confirm.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from adapters.mapping.fault import Words, nearest, quote, show
from adapters.mapping.table import Table, one_of
from adapters.mapping.target import EXPECTED, parse_target
from adapters.mapping.toml import parse_toml
from adapters.strict.bounds import MAX_LICENCE_NAME

MAX_CONCEPTS: Final = 500  # of one file; the record has twenty, a ministry may add its own surface fields
MAX_NAMES: Final = 500  # of one concept in one system or language

_FILE: Final = "crosswalk.toml"
STATUS: Final = "status"

# How sure a match makes us, from 0 to 1; judged by how often the name of one concept was met with another meaning.
EXACT: Final = 0.95  # a system spells it so
SPELT: Final = 0.9  # the same words in another spelling
INITIALS: Final = 0.7  # of its pinyin: a few letters, which other words may have too
CONTAINED: Final = 0.65  # a Chinese name of it stands inside a longer one
SIMILAR: Final = 0.6  # a typing error away
WORDS_MOST: Final = 0.8  # all words in common, in another order or by synonyms
WORDS_LEAST: Final = 0.4  # half of the words in common
GENERIC: Final = 0.5  # at most, for a word that says little alone
_LEAST_COMMON: Final = 0.5
_LEAST_SIMILAR: Final = 0.87  # of difflib: one letter of eight
_LEAST_LETTERS: Final = 4  # below, a typing error makes another word

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[\u3400-\u9fff]+")


class Role(StrEnum):
    """What a field around the records is for; no target of a record takes it."""

    OUTCOME = "outcome"
    MESSAGE = "message"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One concept that a name may mean: a target of the mapping language, or a `Role`; confidence from 0 to 1."""

    concept: str
    confidence: float
    why: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One concept with its names: as systems spell them (name, system), and as words of each language."""

    concept: str
    names: tuple[tuple[str, str], ...]
    zh: tuple[str, ...]
    en: tuple[str, ...]
    pinyin: tuple[str, ...]


class Crosswalk:
    """Concepts by every spelling of their names."""

    def __init__(
        self,
        concepts: Iterable[Concept],
        *,
        systems: Mapping[str, Words],
        synonyms: Mapping[str, str],
        suffixes: Iterable[str],
        generic: Iterable[str],
    ) -> None:
        """Index the names; ``synonyms`` maps a word to the one that stands for it."""
        self.concepts = tuple(concepts)
        self._synonyms = synonyms
        self._suffixes = frozenset(suffixes)
        self._generic = frozenset(generic)
        self._exact: dict[str, list[Suggestion]] = {}
        self._spelt: dict[str, list[Suggestion]] = {}
        self._words: list[tuple[frozenset[str], Suggestion]] = []
        self._han: list[tuple[str, Suggestion]] = []
        for concept in self.concepts:
            self._add(concept, systems)

    def suggest(self, name: str) -> list[Suggestion]:
        """Return what a name may mean, the surest first; none for a name that nothing is like.

        Of a name that means several concepts equally well, each gets its share of the confidence.
        """
        if len(name) > MAX_LICENCE_NAME:
            return []
        words = split_words(name)
        if not words:
            return []
        best: dict[str, Suggestion] = {}
        for entry in self._matches(name, words):
            if entry.concept not in best or best[entry.concept].confidence < entry.confidence:
                best[entry.concept] = entry
        limit = GENERIC if len(words) == 1 and words[0] in self._generic else 1.0
        sure = [entry.confidence for entry in best.values()]
        found = [
            replace(entry, confidence=round(min(entry.confidence, limit) / sure.count(entry.confidence), 2))
            for entry in best.values()
        ]
        return sorted(found, key=lambda one: (-one.confidence, one.concept))

    def _matches(self, name: str, words: tuple[str, ...]) -> Iterable[Suggestion]:
        yield from self._exact.get(name, ())
        joined = "".join(words)
        yield from self._spelt.get(joined, ())
        if len(words) > 1 and words[-1] in self._suffixes:
            yield from self._spelt.get("".join(words[:-1]), ())
        yield from self._sharing(words)
        yield from self._containing(joined)
        if joined not in self._spelt and len(joined) >= _LEAST_LETTERS:
            for near in difflib.get_close_matches(joined, self._spelt, n=3, cutoff=_LEAST_SIMILAR):
                for entry in self._spelt[near]:
                    why = Words(f"拼写接近“{near}”", f"spelt nearly like {near}")
                    yield replace(entry, confidence=min(SIMILAR, entry.confidence), why=why)

    def _sharing(self, words: tuple[str, ...]) -> Iterable[Suggestion]:
        """Yield the concepts with whose names at least half of all words are shared."""
        own = self._meanings(words)
        for others, entry in self._words:
            share = len(own & others) / len(own | others)
            if share >= _LEAST_COMMON:
                confidence = WORDS_LEAST + (WORDS_MOST - WORDS_LEAST) * (2 * share - 1)
                yield replace(entry, confidence=round(confidence, 2))

    def _containing(self, joined: str) -> Iterable[Suggestion]:
        """Yield the concept whose Chinese name is the longest inside this one."""
        inside = [(len(name), entry) for name, entry in self._han if name in joined and name != joined]
        longest = max((length for length, _ in inside), default=0)
        yield from (entry for length, entry in inside if length == longest)

    def _meanings(self, words: Iterable[str]) -> frozenset[str]:
        return frozenset(self._synonyms.get(word, word) for word in words)

    def _add(self, concept: Concept, systems: Mapping[str, Words]) -> None:
        for name, system in concept.names:
            title = systems[system]
            why = Words(f"{title.zh}的“{name}”", f"{name} of {title.en}")
            self._note(self._exact, name, concept, EXACT, why)
            self._note(self._spelt, "".join(split_words(name)), concept, SPELT, why)
            self._share(name, concept, why)
        for name in concept.zh:
            why = Words(f"中文名称“{name}”", f"its Chinese name {name}")
            self._note(self._spelt, "".join(split_words(name)), concept, SPELT, why)
            inside = Words(f"名称中含“{name}”", f"the Chinese name {name} inside it")
            self._han.append((name, Suggestion(concept=concept.concept, confidence=CONTAINED, why=inside)))
        for name in concept.en:
            why = Words(f"英文名称“{name}”", f"its English name {name}")
            self._note(self._spelt, "".join(split_words(name)), concept, SPELT, why)
            self._share(name, concept, why)
        for name in concept.pinyin:
            why = Words(f"拼音“{name}”", f"the pinyin {name}")
            self._note(self._spelt, "".join(name.split()), concept, SPELT, why)
            initials = "".join(syllable[0] for syllable in name.split())
            why = Words(f"拼音首字母“{initials}”（{name}）", f"the initials {initials} of the pinyin {name}")
            self._note(self._spelt, initials, concept, INITIALS, why)

    def _share(self, name: str, concept: Concept, why: Words) -> None:
        words = split_words(name)
        if len(words) > 1:
            entry = Suggestion(
                concept=concept.concept, confidence=WORDS_LEAST, why=Words(f"词语同于{why.zh}", f"words of {why.en}")
            )
            self._words.append((self._meanings(words), entry))

    @staticmethod
    def _note(index: dict[str, list[Suggestion]], key: str, concept: Concept, confidence: float, why: Words) -> None:
        if key:
            index.setdefault(key, []).append(Suggestion(concept=concept.concept, confidence=confidence, why=why))


def split_words(name: str) -> tuple[str, ...]:
    """Split a name into its words in small letters: camelCase, snake_case, kebab-case, Han as one word.

    Digits, punctuation, widths and the tones of pinyin are left out: zhèng-zhào_2, zheng4zhao4 and ZhengZhao are one.
    """
    folded = unicodedata.normalize("NFKC", name)
    plain = "".join(one for one in unicodedata.normalize("NFD", folded) if unicodedata.category(one) != "Mn")
    return tuple(word.lower() for word in _WORD.findall(plain))


def suggest(name: str) -> list[Suggestion]:
    """Return what a name may mean by the dictionary that comes with the package, the surest first."""
    return shipped_crosswalk().suggest(name)


@cache
def shipped_crosswalk() -> Crosswalk:
    """Return the dictionary that comes with the package."""
    return load_crosswalk(files("adapters").joinpath(_FILE).read_bytes(), _FILE)


def load_crosswalk(data: bytes, file: str) -> Crosswalk:
    """Read a dictionary; ``file`` is how faults name it.

    Raises:
        MappingError: with all faults of the file.

    """
    toml = parse_toml(data, file)
    root = Table(toml.tables, (), toml.faults)
    systems = _read_systems(root)
    synonyms = _read_synonyms(root)
    words = root.table("word")
    suffixes, generic = words.texts("suffix", most=MAX_NAMES), words.texts("generic", most=MAX_NAMES)
    words.finish()
    concepts = [_read(table, systems) for table in root.tables("concept", most=MAX_CONCEPTS)]
    root.finish()
    toml.faults.raise_if_any()
    return Crosswalk(concepts, systems=systems, synonyms=synonyms, suffixes=suffixes, generic=generic)


def _read_systems(root: Table) -> dict[str, Words]:
    """Read the names of the systems, Chinese and English."""
    table = root.table("system")
    names = {key: table.texts(key, most=2) for key in root.raw("system")}
    for key, both in names.items():
        if len(both) != len(Words._fields):
            expected = Words("两项：中文名称与英文名称", "two texts: the Chinese name and the English one")
            table.fault(key, expected=expected, found=show(list(both)))
    return {key: Words(both[0], both[-1]) for key, both in names.items() if both}


def _read_synonyms(root: Table) -> dict[str, str]:
    """Read which words stand for others; each for one only."""
    table = root.table("synonym")
    synonyms: dict[str, str] = {}
    for meaning in root.raw("synonym"):
        for word in table.texts(meaning, most=MAX_NAMES):
            if word in synonyms:
                expected = Words("只出现一次的词", "a word that stands nowhere else")
                table.fault(meaning, expected=expected, found=quote(word))
            synonyms[word] = meaning
    return synonyms


def _read(table: Table, systems: Mapping[str, Words]) -> Concept:
    to, role = table.text("to", default=""), table.text("role", default="")
    if bool(to) == bool(role):
        table.fault("to", expected=Words("to 或 role 之一", "either to or role"), found=show(to or None))
    elif to and to != STATUS and parse_target(to) is None:
        table.fault("to", expected=EXPECTED, found=quote(to))
    elif role and role not in {one.value for one in Role}:
        table.fault("role", expected=one_of([one.value for one in Role]), found=quote(role))
    inner = table.table("names")
    names = []
    for system in table.raw("names"):
        listed = inner.texts(system, most=MAX_NAMES)
        if system not in systems:
            expected = Words("[system] 中的系统", "a system of [system]")
            inner.fault(system, expected=expected, found=quote(system), meant=nearest(system, systems))
            continue
        names += [(name, system) for name in listed]
    concept = Concept(
        concept=to or role,
        names=tuple(names),
        zh=table.texts("zh", most=MAX_NAMES),
        en=table.texts("en", most=MAX_NAMES),
        pinyin=table.texts("pinyin", most=MAX_NAMES),
    )
    table.finish()
    return concept
