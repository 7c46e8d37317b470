"""Servers that answer as the services' contracts say, errors included. They think nothing: tests script them."""
