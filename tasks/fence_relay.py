"""Inside the fence: a port of the loopback that leads to the proxy's socket outside, then the agent.

Run as ``python -I -S fence_relay.py SOCKET PORT PROGRAM ARGUMENTS…``; standard library only.
"""

from __future__ import annotations

import os
import socket
import sys
import threading


def main(path: str, port: int, argv: list[str]) -> None:
    """Become the agent, with a child that relays."""
    listener = socket.create_server(("127.0.0.1", port))
    if os.fork():
        listener.close()
        os.execvp(argv[0], argv)  # noqa: S606 - there is no shell to want here
    while True:
        inside, _ = listener.accept()
        outside = socket.socket(socket.AF_UNIX)
        outside.connect(path)
        for source, sink in ((inside, outside), (outside, inside)):
            threading.Thread(target=_pour, args=(source, sink), daemon=True).start()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
