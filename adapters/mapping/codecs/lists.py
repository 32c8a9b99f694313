"""Codecs of lists: several values in one text, one value in several fields, one text for all holders."""

from collections.abc import Callable
from dataclasses import replace

from adapters.mapping.bounds import MAX_ROWS
from adapters.mapping.codecs.codec import Codec, MalformedCodecError, Sort
from adapters.mapping.fault import Words

BEFORE, AFTER = "before", "after"


class ForAll(tuple[str, ...]):
    """One text that counts for every holder."""

    __slots__ = ()


def for_all_codec(argument: str) -> Codec:
    """Return the codec of one text that counts for all holders: their code type, where a system writes it once."""
    if argument:
        raise MalformedCodecError(Words("不带参数的 for-all", "for-all without an argument"))

    def render(parts: tuple[str, ...]) -> str:
        if len(set(parts)) != 1:
            raise ValueError
        return parts[0]

    return Codec(
        name="for-all", foreign=Sort.TEXT, neutral=Sort.TEXTS, parse=lambda text: ForAll((text,)), render=render
    )


def each(codec: Codec) -> Codec:
    """Return a codec of texts as one of several texts, none of which may be nothing then."""

    def spread(change: Callable[[str], str]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
        def apply(parts: tuple[str, ...]) -> tuple[str, ...]:
            changed = tuple(change(part) if part else part for part in parts)
            if any(part and not after for part, after in zip(parts, changed, strict=True)):
                raise ValueError
            return ForAll(changed) if isinstance(parts, ForAll) else changed

        return apply

    return replace(
        codec, foreign=Sort.TEXTS, neutral=Sort.TEXTS, parse=spread(codec.parse), render=spread(codec.render)
    )


def side_codec(name: str, argument: str) -> Codec:
    """Return the codec of what stands before or after a separator, which is there once; it cannot be written alone.

    Both ends of a validity in one text are so read by two rules, which write it together (`adapters.mapping.sides`).
    """
    if not argument:
        raise MalformedCodecError(Words(f"{name}:分隔符", f"{name}:SEPARATOR"))

    def parse(text: str) -> str:
        before, _, after = text.partition(argument)
        if text.count(argument) != 1 or not before or not after:
            raise ValueError
        return before if name == BEFORE else after

    def render(text: str) -> str:
        if not text or argument in text:
            raise ValueError
        return text

    return Codec(
        name=f"{name}:{argument}",
        foreign=Sort.TEXT,
        neutral=Sort.TEXT,
        parse=parse,
        render=render,
        separator=argument,
        is_read_only=True,
        loses=Words("另一部分", "the other part"),
    )


def split_codec(argument: str) -> Codec:
    """Return the codec of several values in one text; none of them is empty, or has the separator in it."""
    if not argument:
        raise MalformedCodecError(Words("split:分隔符", "split:SEPARATOR"))

    def parse(text: str) -> tuple[str, ...]:
        parts = tuple(text.split(argument))
        if len(parts) > MAX_ROWS or "" in parts:
            raise ValueError
        return parts

    def render(parts: tuple[str, ...]) -> str:
        if any(not part or argument in part for part in parts) or len(parts) > MAX_ROWS:
            raise ValueError
        text = argument.join(parts)
        if tuple(text.split(argument)) != parts:  # separators that overlap with what stands beside them
            raise ValueError
        return text

    return Codec(
        name=f"split:{argument}",
        foreign=Sort.TEXT,
        neutral=Sort.TEXTS,
        parse=parse,
        render=render,
        separator=argument,
    )


def join_codec(argument: str) -> Codec:
    """Return the codec of one text in several fields: ``join:-`` reads ("a", "b") as "a-b"."""

    def parse(parts: tuple[str, ...]) -> str:
        if any(not part or (argument and argument in part) for part in parts):
            raise ValueError
        return argument.join(parts)

    def render(text: str) -> tuple[str, ...]:
        parts = tuple(text.split(argument))
        if "" in parts or parse(parts) != text:
            raise ValueError
        return parts

    if not argument:
        raise MalformedCodecError(Words("join:分隔符", "join:SEPARATOR"))
    return Codec(name=f"join:{argument}", foreign=Sort.TEXTS, neutral=Sort.TEXT, parse=parse, render=render)
