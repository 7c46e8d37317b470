"""The HTTP service: the standard library's server around the table of routes."""

import logging
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tally.errors import NotFoundError, TallyError
from tally.routes import ROUTES
from tally.routing import Request, Response
from tally.store import Store

MAX_BODY = 64 * 1024
log = logging.getLogger("tally.server")


class TallyServer(ThreadingHTTPServer):
    """A server with a store."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], store: Store) -> None:
        self.store = store
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: TallyServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def answer(self) -> None:
        """Find the route, call its handler, write what it answers."""
        try:
            response = self.respond()
        except NotFoundError as error:
            response = Response.json({"error": str(error)}, 404)
        except TallyError as error:
            response = Response.json({"error": str(error)}, 400)
        self.send_response(response.status)
        if response.status not in (204, 304):
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def respond(self) -> Response:
        """The answer to this request."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            return Response.json({"error": f"at most {MAX_BODY} bytes"}, 413)
        body, url = self.rfile.read(int(length)), urlsplit(self.path)
        allowed = []
        for route in ROUTES:
            params = route.match(url.path)
            if params is None:
                continue
            if route.method == self.command:
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = dict(parse_qsl(url.query))
                return route.handler(
                    Request(self.server.store, params, query, headers, body)
                )
            allowed.append(route.method)
        if not allowed:
            raise NotFoundError(f"there is nothing at {url.path}")
        return Response(405, headers={"Allow": ", ".join(allowed)})

    def log_message(self, format: str, *args: Any) -> None:
        """One line a request, to the log rather than to stderr."""
        log.info("%s %s", self.address_string(), format % args)
