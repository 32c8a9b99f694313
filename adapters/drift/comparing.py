"""Compares recorded messages with a mapping."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from adapters.crosswalk import Crosswalk
from adapters.draft.value import find_traits
from adapters.drift.finding import Drift, DriftKind, confidence_missing, show_code
from adapters.drift.walking import values_at
from adapters.mapping.adapter import Adapter
from adapters.mapping.code import compile_code, meaning_of
from adapters.mapping.codecs.chain import Chain
from adapters.mapping.error import AdapterError
from adapters.mapping.path import ROOT, MessagePath
from adapters.mapping.rule import Direction, FieldRule

_INDEX: Final = re.compile(r"\[[0-9]+\]")
_ASIDE: Final = ("$.", "$@")  # how paths begin that no rule has
_JOINTS: Final = re.compile(r"(\.|@json\b|@xml\b)")
_PLAIN: Final = re.compile(r"[$/\w.:@\[\]*-]*[./]@?[\w-]+")  # of names that a path and a target can have as they are
_TABLES: Final = ("table:", "holder-type:")
_DATE: Final = "date:"
_SURFACE_CONFIDENCE: Final = 0.5  # that a field nobody knows is one of the licence's face
_LEAST: Final = 0.6  # of the dictionary, for a target that is proposed
# Targets that take a text as it is; for all others codecs would have to be guessed too.
_TEXT_TARGETS: Final = frozenset({"identifier", "number", "type_code", "name", "issuer", "issuer_code", "trust_level"})
_MAX_TEXTS: Final = 1_000  # different values kept of one path, to find their form


class Comparison:
    """The messages compared so far; memory grows with the number of different paths and codes, not of messages."""

    def __init__(self, adapter: Adapter, crosswalk: Crosswalk) -> None:
        """Begin with nothing."""
        self._adapter = adapter
        self._crosswalk = crosswalk
        self._rules = [one for one in adapter.rules.fields if one.direction is not Direction.OUT and one.paths]
        self._paths = {path.text: rule for rule in self._rules for path in (*rule.paths, *rule.also)}
        self.messages = 0
        self.records = 0
        self._unreadable: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._nested: set[str] = set()  # unknown paths with more inside
        self._present: Counter[int] = Counter()
        self._codes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._odd: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, message: bytes) -> None:
        """Compare one message."""
        self.messages += 1
        try:
            parsed = self._adapter.parse(message)
            tree = self._adapter.rules.message.form.read(message)
            nodes = self._adapter.read_nodes(message)
        except AdapterError as error:
            self._unreadable[f"{error.fault}: {error.where}" if error.where else str(error.fault)] += 1
            return
        for rule in self._adapter.rules.outcomes:
            self._look_up(tree, rule.path, rule.chain, rule.meanings)
        for rule in self._adapter.rules.record_outcomes:
            for node in nodes:
                self._look_up(node, rule.path, rule.chain, rule.meanings)
        status = self._adapter.rules.status
        for node in [tree] if status is not None and status.of_message else nodes:
            if status is not None:
                self._look_up(node, status.path, status.chain, status.meanings)
        message_form = self._adapter.rules.message
        self._note_aside(parsed.aside, is_xml=message_form.is_xml)
        for record in parsed.records:
            self._note_aside(record.aside, is_xml=message_form.has_xml_records)
        for node in nodes:
            self._note_record(node)

    def findings(self) -> Iterator[Drift]:
        """Return what differs, kind by kind."""
        for why, count in self._unreadable.most_common():
            yield Drift(kind=DriftKind.UNREADABLE, at=why, count=count, of=self.messages, confidence=0.0)
        for path, codes in self._codes.items():
            words = tuple(dict.fromkeys(show_code(code) for code in codes))
            count = codes.total()
            yield Drift(kind=DriftKind.UNSEEN_CODE, at=path, count=count, of=self.messages, confidence=0.0, words=words)
        for path, texts in self._odd.items():
            yield self._judge_odd(path, texts)
        for path, count in self._unknown.most_common():
            to, confidence = self._propose(path)
            of = max(self.records, self.messages)
            yield Drift(kind=DriftKind.UNKNOWN_FIELD, at=path, count=count, of=of, confidence=confidence, to=to)
        for number, rule in enumerate(self._rules):
            if self.records and not self._present[number] and rule.target is not None and rule.constant is None:
                sure = confidence_missing(self.records)
                at = rule.paths[0].text
                yield Drift(kind=DriftKind.MISSING_FIELD, at=at, count=self.records, of=self.records, confidence=sure)

    def _note_aside(self, aside: Mapping[str, str], *, is_xml: bool) -> None:
        for spelt, value in aside.items():
            path = _as_rule(_INDEX.sub("[*]", spelt), is_xml=is_xml)
            rule = self._paths.get(path)
            if rule is None:
                self._unknown[path] += 1
                if value[:1] in {"{", "["}:
                    self._nested.add(path)
            elif any(codec.name.startswith(_TABLES) for codec in rule.chain.codecs):
                self._codes[path][value] += 1
            else:  # a constant that says something else
                self._odd[path][value] += 1

    def _note_record(self, node: object) -> None:
        self.records += 1
        for number, rule in enumerate(self._rules):
            found = [value for path in (*rule.paths, *rule.also) for value in values_at(node, path)]
            if not found:
                continue
            self._present[number] += 1
            if len(rule.paths) == 1:
                self._check(rule, found)

    def _check(self, rule: FieldRule, values: Iterable[object]) -> None:
        """Note the values that the codecs of a field do not read."""
        parse = rule.chain.parse
        if parse is None or (rule.target is not None and rule.target.is_whole_surface):
            return
        odd = self._odd.get(rule.paths[0].text, Counter[str]())
        for value in values:
            try:
                parse(value)
            except KeyError:  # stands aside, and was noted there
                continue
            except (ValueError, TypeError, AttributeError):
                text = value if isinstance(value, str) else repr(value)
                if text in odd or len(odd) < _MAX_TEXTS:
                    self._odd[rule.paths[0].text][text] += 1

    def _look_up(self, tree: object, path: MessagePath, chain: Chain, meanings: Mapping[str, object]) -> None:
        """Note the codes that a table of status or outcome does not name."""
        find = compile_code(chain)
        for value in values_at(tree, path):
            code = find(value)
            if code is not None and meaning_of(code, meanings) is None:
                self._codes[path.text][str(code)] += 1

    def _judge_odd(self, path: str, texts: Counter[str]) -> Drift:
        """Tell whether values that are not read are days in another form."""
        count = texts.total()
        rule = self._paths[path]
        has_dates = any(codec.name.startswith(_DATE) for codec in rule.chain.codecs)
        forms = find_traits(list(texts)).date_forms if has_dates else ()
        kind = DriftKind.DATE_FORM if forms else DriftKind.OTHER_VALUE
        sure = round(count / (count + 1), 2) if forms else 0.0
        return Drift(kind=kind, at=path, count=count, of=self.records, confidence=sure, words=forms)

    def _propose(self, path: str) -> tuple[str, float]:
        """Return the target for an unknown field; "" where a person must look: more inside, or an odd name."""
        if path in self._nested or not _PLAIN.fullmatch(path):
            return "", 0.0
        name = re.split(r"[./]", path)[-1].removeprefix("@")
        taken = {rule.target.text for rule in self._adapter.rules.fields if rule.target is not None}
        for one in self._crosswalk.suggest(name):
            if one.concept in _TEXT_TARGETS and one.concept not in taken and one.confidence >= _LEAST:
                return one.concept, one.confidence
        return f"surface.{name}", _SURFACE_CONFIDENCE


def _as_rule(path: str, *, is_xml: bool) -> str:
    """Return the path of what stands aside as a rule spells it: with "/" for what is in XML."""
    if not path.startswith(_ASIDE):
        return path  # that of a rule already
    spelt = ""
    for part in _JOINTS.split(path.removeprefix(ROOT)):
        spelt += "/" if part == "." and is_xml else part
        is_xml = part == "@xml" or (is_xml and part != "@json")
    return spelt if spelt.startswith("/") else ROOT + spelt
