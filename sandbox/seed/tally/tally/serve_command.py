"""``tally serve``."""

import argparse
from typing import Any

from tally import __version__
from tally.server import TallyServer
from tally.store import Store


def register_serve(commands: Any, common: argparse.ArgumentParser) -> None:
    """Bring the command to the parser."""
    serve = commands.add_parser("serve", parents=[common], help="answer over HTTP")
    serve.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    serve.add_argument("--port", type=int, default=8000, help="default: 8000")
    serve.set_defaults(run=run_serve)


def run_serve(args: argparse.Namespace, store: Store) -> int:
    """``tally serve``: until Ctrl-C."""
    with TallyServer((args.host, args.port), store) as server:
        url = f"http://{args.host}:{server.server_port}"
        print(f"Tally {__version__} on {url}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("bye")
    return 0
