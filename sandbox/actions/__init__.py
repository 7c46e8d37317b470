"""GitHub Actions on this machine: the repository's workflows, run by ``act`` without containers.

What differs from GitHub is said here: the runner is this machine, the actions that cannot be downloaded have stand-ins
beside this file, a workflow's token may do what the operator may, and ``uses: $/…``, which act does not know, is read
as ``./…`` with the repository's files at hand.
"""
