"""Codecs of lists: several values in one text, one value in several fields, one text for all holders."""

from adapters.mapping.bounds import MAX_ROWS
from adapters.mapping.codecs.codec import Codec, MalformedCodecError, Sort
from adapters.mapping.fault import Words


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

    return Codec(name=f"split:{argument}", foreign=Sort.TEXT, neutral=Sort.TEXTS, parse=parse, render=render)


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
