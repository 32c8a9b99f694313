"""A chain of codecs, composed once: from the foreign value of a field to its neutral one, and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from adapters.mapping.codecs.codec import Codec, MalformedCodecError, Sort, Special, same
from adapters.mapping.codecs.lists import each
from adapters.mapping.fault import Words

_Function = Callable[[Any], Any]

_TRIM: Final = "trim"  # the one codec that may leave an empty text behind
_NOTHING: Final[Mapping[str, Special]] = {"": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The functions of a field. ``parse`` is None where the neutral value is the foreign one, ``render`` likewise.

    ``parse`` returns None for "nothing is said"; ``written`` has the foreign values of the special ones.
    ``reads_empty`` says that the empty text means something here, and must not be passed over.
    """

    foreign: Sort
    neutral: Sort
    parse: _Function | None
    render: _Function | None
    written: Mapping[Special, object]
    reads_empty: bool
    losses: tuple[Words, ...]
    codecs: tuple[Codec, ...]


def compose(codecs: Sequence[Codec], *, default: Sort = Sort.TEXT) -> Chain:
    """Compose codecs, the one nearest to the message first; without any, values of the sort ``default`` pass.

    Raises:
        MalformedCodecError: one codec does not take what the one before it makes, or waits for a text that is another
            one then; or two read the same word.

    """
    codecs = _spread(codecs)
    for left, right in pairwise(codecs):
        if left.neutral is not right.foreign:
            raise MalformedCodecError(
                Words(
                    f"{right.name} 之前的编解码结果应为 {right.foreign}（{left.name} 得到 {left.neutral}）",
                    f"{right.foreign} before {right.name}, where {left.name} makes {left.neutral}",
                )
            )
    _check_reached(codecs)
    words = [word for codec in codecs for word in codec.words]
    if len(set(words)) != len(words):
        raise MalformedCodecError(Words("每个特殊词只出现一次", "every special word once only"))
    has_work = any(codec.name != "text" for codec in codecs)
    return Chain(
        foreign=codecs[0].foreign if codecs else default,
        neutral=codecs[-1].neutral if codecs else default,
        parse=_parser(codecs) if has_work else None,
        render=_renderer(codecs) if has_work else None,
        written=_written(codecs),
        reads_empty="" in words,
        losses=tuple(codec.loses for codec in codecs if codec.loses is not None),
        codecs=tuple(codecs),
    )


def _spread(codecs: Sequence[Codec]) -> list[Codec]:
    """Return the codecs; one of texts behind one that makes several texts is done with each of them."""
    found: list[Codec] = []
    for codec in codecs:
        is_of_texts = codec.foreign is codec.neutral is Sort.TEXT and not codec.words
        found.append(each(codec) if found and found[-1].neutral is Sort.TEXTS and is_of_texts else codec)
    return found


def _check_reached(codecs: Sequence[Codec]) -> None:
    """Refuse a codec whose separator or words never come: one before it makes another spelling of them."""
    for place, codec in enumerate(codecs):
        sought = [f"0{codec.separator}0"] if codec.separator else list(codec.words)
        for before in codecs[:place]:
            if before.is_normal and sought and all(before.parse(text) != text for text in sought):
                raise MalformedCodecError(
                    Words(
                        f"{before.name} 之后仍会出现的文本（{codec.name} 所查找的不会出现）",
                        f"a text that {before.name} leaves as it is, for {codec.name} to find",
                    )
                )


def _parser(codecs: Sequence[Codec]) -> _Function:
    """Build the function from the neutral end: each codec hands on to what was built before it."""
    after: _Function | None = None
    reads_empty = False
    for codec in reversed(codecs):
        if codec.words:
            after = _guard(codec.words, after)
            reads_empty = reads_empty or "" in codec.words
        elif codec.name == _TRIM and codec.foreign is Sort.TEXT:
            inner = after or same
            after = _then(codec.parse, inner if reads_empty else _guard(_NOTHING, after))
        elif codec.name != "text":
            after = codec.parse if after is None else _then(codec.parse, after)
    return after or same


def _renderer(codecs: Sequence[Codec]) -> _Function:
    """Build the function from the message's end."""
    after: _Function | None = None
    for codec in codecs:
        if codec.words:
            after = _refuse(codec.words, after)
        elif codec.name != "text":
            after = codec.render if after is None else _then(codec.render, after)
    return after or same


def _written(codecs: Sequence[Codec]) -> dict[Special, object]:
    """Return how special values are written: the word, taken back through the codecs before its own."""
    found: dict[Special, object] = {}
    if any(codec.is_read_only for codec in codecs):
        return found
    for place, codec in enumerate(codecs):
        for special, word in codec.written.items():
            value: object = word
            for before in reversed(codecs[:place]):
                try:
                    value = before.render(value)
                except (ValueError, KeyError) as error:
                    raise MalformedCodecError(
                        Words(
                            f"{before.name} 能写出 {codec.name} 的词",
                            f"a word of {codec.name} that {before.name} can write",
                        )
                    ) from error
            found.setdefault(special, value)
    return found


def _guard(words: Mapping[str, Special], after: _Function | None) -> _Function:
    if after is None:
        return lambda value: words.get(value, value)
    return lambda value: words[value] if value in words else after(value)


def _refuse(words: Mapping[str, Special], after: _Function | None) -> _Function:
    """Refuse to write a value that would be read back as a special word."""

    def render(value: object) -> object:
        if value in words:
            raise ValueError
        return value if after is None else after(value)

    return render


def _then(first: _Function, second: _Function) -> _Function:
    return lambda value: second(first(value))
