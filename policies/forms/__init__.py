"""The forms of a field: masks, coarser values, pseudonyms, comparisons and yes-or-no answers. Pure."""
