"""A GitHub on this machine, met over HTTP and git. It imports no other room and none imports it.

This is a stand-in, not GitHub: the part of the REST API that Shipline uses, over real bare repositories, with GitHub's
statuses, error bodies and pagination. One process, one folder of state, 127.0.0.1 only.
"""
