"""Hypothesis strategies that damage valid bytes."""

from hypothesis import strategies as st


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """Draw the original with one byte changed, some inserted, some deleted, or the tail cut off."""
    position = draw(st.integers(0, len(original) - 1))
    kind = draw(st.sampled_from(("change", "insert", "delete", "cut")))
    if kind == "change":
        return original[:position] + bytes((draw(st.integers(0, 255)),)) + original[position + 1 :]
    if kind == "insert":
        return original[:position] + draw(st.binary(min_size=1, max_size=4)) + original[position:]
    if kind == "delete":
        return original[:position] + original[position + draw(st.integers(1, 4)) :]
    return original[:position]
