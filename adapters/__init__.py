"""What a document or a foreign record says: bytes in, neutral values out — and back. No trust, no network."""
