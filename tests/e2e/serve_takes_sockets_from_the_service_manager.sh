#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# Socket activation: sockets that were opened before are used, the one named "metrics" for
# metrics; readiness and stopping are reported; a client that connects between two servers
# waits in the socket and is answered by the second.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

for io in auto epoll; do
	python3 - "$STORE" "$io" "$(serve_http url small)" <<'PYTHON'
import os, signal, socket, sys, urllib.request

store, engine, url = sys.argv[1:]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind("\0cfs-serve-test-%d" % os.getpid())
notify.settimeout(10)

def listener():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(10)
    return s

objects, metrics = listener(), listener()

def serve():
    pid = os.fork()
    if pid == 0:
        saved = [os.dup(s.fileno()) for s in (objects, metrics)]
        for i, fd in enumerate(saved):
            os.dup2(fd, 3 + i, inheritable=True)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2",
                          LISTEN_FDNAMES="objects:metrics",
                          NOTIFY_SOCKET="@cfs-serve-test-%d" % os.getppid())
        os.execvp("cfs-serve", ["cfs-serve", "--unsealed", "--io=" + engine, store])
    return pid

def told(word):
    while True:
        if word in notify.recv(4096).decode().split("\n"):
            return

def get(sock, path):
    port = sock.getsockname()[1]
    return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10).read()

def stop(pid):
    os.kill(pid, signal.SIGTERM)
    told("STOPPING=1")
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"exit status {status}"

content = open(store + url, "rb").read()
pid = serve()
told("READY=1")
for _ in range(20):
    assert get(objects, url) == content
assert b"cfs_serve_connections_total" in get(metrics, "/metrics")
stop(pid)

early = socket.create_connection(("127.0.0.1", objects.getsockname()[1]), timeout=10)
early.sendall(f"GET {url} HTTP/1.0\r\n\r\n".encode())
pid = serve()
told("READY=1")
answer = b""
while data := early.recv(65536):
    answer += data
assert answer.endswith(content), answer[:200]
stop(pid)
PYTHON
done
