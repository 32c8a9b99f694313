"""Licences as credentials that their holders carry (SD-JWT VC): what one says, who may issue it, what it is worth."""
