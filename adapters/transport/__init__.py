"""The transport recipe: how a foreign system is called, as data; pure values, read strictly, without any network."""
