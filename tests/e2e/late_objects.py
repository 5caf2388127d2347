#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""late_objects.py PORT FOLDER N [CUT]: a static HTTP server that answers in a certain order.

A pack as a whole when an object has been asked for, and no more than CUT bytes of it, where
the connection ends when all parts but one have been asked for; parts of it when N of them have been asked for at the same time; and objects after that.
Who waits longer than 20 seconds gets 503.
"""
import http.server
import os
import re
import sys
import threading

changed = threading.Condition()
objects = parts = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def wait_for(self, condition):
        with changed:
            return changed.wait_for(condition, 20)

    def wait(self):
        global objects, parts
        is_part = "Range" in self.headers
        with changed:
            objects += self.path.startswith("/objects/")
            parts += is_part
            changed.notify_all()
        if "/packs/" in self.path and not is_part:
            return self.wait_for(lambda: objects)
        if is_part or self.path.startswith("/objects/"):
            return self.wait_for(lambda: parts >= int(sys.argv[3]))
        return True

    def do_GET(self):
        path = sys.argv[2] + self.path
        in_time = self.wait()
        if not in_time or not os.path.isfile(path):
            self.send_response(404 if in_time else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        with open(path, "rb") as file:
            body = file.read()
        size = len(body)
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if match:
            first, last = int(match[1]), int(match[2] or size - 1)
            body = body[first:last + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = "/packs/" in self.path and not match and len(sys.argv) > 4
        try:
            self.wfile.write(body[:int(sys.argv[4])] if cut else body)
            if cut:
                self.close_connection = True
                self.wait_for(lambda: parts >= int(sys.argv[3]) - 1)
        except ConnectionError:
            self.close_connection = True


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
