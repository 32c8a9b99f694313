"""Façades: addresses at which a caller of another system asks us as if we were that system.

The recipe and the mapping of the system say how it is asked and how it answers; a façade is the side that is asked.
What is answered is decided, recorded and receipted as every other question is.
"""
