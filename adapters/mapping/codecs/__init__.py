"""The codecs: small lenses between how a system writes a value and how the neutral record has it."""
