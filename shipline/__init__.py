"""What every room needs: configuration, logging, redaction, errors, ids. Nothing else moves in."""
