"""The neutral record: one licence as every foreign system's message about it is read, and from which it is written."""
