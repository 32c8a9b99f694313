"""What other systems ask for at their border: encrypted payloads, signed requests and wrapped secrets, by name.

A recipe names a function and its parameters (`registry`); keys come from elsewhere and never stand in a recipe.
Everything here is bytes and values: no file, no network, no clock.
"""
