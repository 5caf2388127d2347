#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A web server over a folder that logs what clients prove to it.

    secretd.py ADDRESS PORT FOLDER LOG [--tls CERT KEY] [--ca FILE [--demand]] [--to URL]

A line for each request: path, Authorization or -, Cookie or -, X-Api-Key or -, X-Plain or
-, and the name in the client's certificate or -.  --ca: asks for a certificate of that
authority, --demand: and insists; --to: redirects everything there.
"""
import argparse
import http.server
import ssl

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("port", type=int)
parser.add_argument("folder")
parser.add_argument("log")
parser.add_argument("--tls", nargs=2)
parser.add_argument("--ca")
parser.add_argument("--demand", action="store_true")
parser.add_argument("--to")
args = parser.parse_args()
log = open(args.log, "a", buffering=1)


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *rest):
        super().__init__(*rest, directory=args.folder)

    def log_message(self, *_):
        pass

    def do_GET(self):
        cert = self.connection.getpeercert() if args.tls else None
        names = [v for rdn in (cert or {}).get("subject", ()) for k, v in rdn if k == "commonName"]
        fields = [self.headers.get(n, "-").replace(" ", "_")
                  for n in ("Authorization", "Cookie", "X-Api-Key", "X-Plain")]
        print(self.path, *fields, *(names or ["-"]), file=log)
        if args.to:
            self.send_response(302)
            self.send_header("Location", args.to + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()


server = http.server.ThreadingHTTPServer((args.address, args.port), Handler)
if args.tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*args.tls)
    if args.ca:
        context.load_verify_locations(args.ca)
        context.verify_mode = ssl.CERT_REQUIRED if args.demand else ssl.CERT_OPTIONAL
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
