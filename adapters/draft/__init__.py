"""A draft of a mapping file from sample messages: every line a guess with its confidence, for a person to finish."""
