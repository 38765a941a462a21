"""Stops a service during an in-flight request, and checks that the request is answered.

drain.py ADDRESS CA.PEM KEY FILE STOP...: begins to upload FILE, waits until the server asks for its body, runs the
command STOP at the same time, and only then sends the body.
"""

import pathlib
import socket
import ssl
import subprocess
import sys

SECONDS = 120

address, authority, key, file, *stop = sys.argv[1:]
host, port = address.split(":")
body = pathlib.Path(file).read_bytes()
# Different bytes than the demo already uploaded; data after the end of a demo is ignored.
body += b"another"

trust = ssl.create_default_context(cafile=authority)
with trust.wrap_socket(socket.create_connection((host, int(port)), SECONDS), server_hostname=host) as link:
    head = [
        "POST /api/demos HTTP/1.1",
        f"Host: {address}",
        f"Authorization: Bearer {key}",
        f"Content-Length: {len(body)}",
        "Content-Type: application/octet-stream",
        "Expect: 100-continue",
        "Connection: close",
    ]
    link.sendall("\r\n".join([*head, "", ""]).encode())
    go_on = link.recv(4096)
    assert go_on.startswith(b"HTTP/1.1 100"), go_on
    stopping = subprocess.Popen(stop)
    # Send the first half immediately, and the second once the stop has had time to begin.
    link.sendall(body[: len(body) // 2])
    try:
        stopping.wait(2)
    except subprocess.TimeoutExpired:
        pass
    link.sendall(body[len(body) // 2 :])
    answer = b""
    while part := link.recv(65536):
        answer += part
print(answer.decode(errors="replace"))
assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")), "the request was cut off"
assert stopping.wait(SECONDS) == 0, "the service did not stop"
