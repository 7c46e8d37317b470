"""Faults on demand: what a network, a proxy or GitHub itself does to a request on a bad day, made for real."""
