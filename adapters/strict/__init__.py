"""Strict, bounded readers of the encodings that documents are made of; they know no document format."""
