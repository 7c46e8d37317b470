"""A GitHub on this machine, met over HTTP and git. It imports no other room and none imports it."""
