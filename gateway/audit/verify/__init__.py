"""The offline verifier of a log or an export, which needs nothing else of the gateway."""
