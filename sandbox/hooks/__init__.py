"""Webhooks out: what happened is told to one address, signed as GitHub signs it."""
