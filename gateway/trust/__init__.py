"""Trust as a gateway has it: folders and lists read, kept fresh, approved, published."""
