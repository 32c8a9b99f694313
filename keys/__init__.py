"""Who may sign: algorithms, certificates, trust, revocation as values. No document formats, no network."""
