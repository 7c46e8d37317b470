"""Pure functions over the tree and the run: no I/O, no clock. What may happen next is decided here."""
