"""The link to the log: how other processes of this machine hand entries to the one that writes it."""
