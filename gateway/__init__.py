"""The gateway: joins adapters, keys and policies, and is the only package that does input and output."""
