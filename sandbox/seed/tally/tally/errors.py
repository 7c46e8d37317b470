"""What can go wrong, in words a person can act on."""


class TallyError(Exception):
    """The request cannot be carried out; the message says why."""


class NotFoundError(TallyError):
    """What was named does not exist."""
