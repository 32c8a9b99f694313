"""The checks of a document, one noun a file; each returns a Check and none does input or output."""
