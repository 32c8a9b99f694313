"""Compatibility kits: signed cases of one system, by which a partner and we see whether we read it alike."""
