"""What an operator sees: the ``shipline`` command line."""
