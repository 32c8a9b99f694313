"""Daily seals of the index."""
