"""The access log: durable before release, provable after years, and without personal data in its tree."""
