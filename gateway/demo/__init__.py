"""The demo: a TEST authority, licences that it seals, and forgeries; nothing here is for production."""
