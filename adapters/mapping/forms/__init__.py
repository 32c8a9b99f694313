"""The forms of messages: bytes to a tree of dicts, lists and scalars, and back.

Every form makes the same kind of tree, so that paths, fields and unknown values are handled once for all of them.
"""
