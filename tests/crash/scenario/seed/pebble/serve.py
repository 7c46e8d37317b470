"""The phrase book over HTTP."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

from pebble.words import WORDS


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(sorted(WORDS)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    asked = parser.parse_args()
    HTTPServer((asked.host, asked.port), Handler).serve_forever()
