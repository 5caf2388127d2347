#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drop_first.py PORT FOLDER SUFFIX: a static HTTP server that ends the connection, without an
answer, on the first two requests for a name with that end."""
import functools
import http.server
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    left = 2

    def do_GET(self):
        if self.path.endswith(sys.argv[3]) and Handler.left:
            Handler.left -= 1
            self.close_connection = True
            return
        super().do_GET()


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), functools.partial(
    Handler, directory=sys.argv[2])).serve_forever()
