#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""serve.py: the lab's servers. Requests in, answers and a log out.

    serve.py web PORT...      HTTP on both families; the body is the client's
                              address as the server sees it; /big is a megabyte
    serve.py dns ADDRESS...   UDP and TCP port 53 on each address; every name
                              has one A record; each question is logged

One log line a request, on standard output; "ready" once all ports are open.
"""
import selectors
import socket
import struct
import sys

ANSWER = socket.inet_aton("203.0.113.80")


def listen(kind, addr, port):
    info = socket.getaddrinfo(addr, port, type=kind)[0]
    s = socket.socket(info[0], kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if info[0] == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, addr != "::")
    s.bind(info[4])
    if kind == socket.SOCK_STREAM:
        s.listen(64)
    return s


def log(*words):
    print(*words, flush=True)


def web(conn, peer):
    request = conn.recv(4096).split(b"\r\n")[0].decode("ascii", "replace")
    body = "hello %s\n" % peer[0].removeprefix("::ffff:")
    if " /big " in request:
        conn.settimeout(10)
        body = "x" * 1000000
    conn.sendall(("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
                  "Content-Length: %d\r\n\r\n%s" % (len(body), body)).encode())
    log("web", peer[0], request)


def dns_answer(query, peer):
    """RFC 1035: the question back, with one A record or none."""
    if len(query) < 17:
        return b""
    end = query.index(0, 12) + 5
    name, at = [], 12
    while query[at]:
        name.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    is_a = struct.unpack("!H", query[end - 4:end - 2])[0] == 1
    log("dns", peer[0], ".".join(name))
    head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, int(is_a), 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + ANSWER
    return head + query[12:end] + (record if is_a else b"")


def dns_stream(conn, peer):
    query = conn.recv(4096)
    answer = dns_answer(query[2:], peer)
    conn.sendall(struct.pack("!H", len(answer)) + answer)


def serve(streams, datagrams):
    sel = selectors.DefaultSelector()
    for s, handler in streams + datagrams:
        sel.register(s, selectors.EVENT_READ, handler)
    log("ready")
    while True:
        for ready, _ in sel.select():
            s, handler = ready.fileobj, ready.data
            try:
                if s.type == socket.SOCK_DGRAM:
                    query, peer = s.recvfrom(4096)
                    s.sendto(handler(query, peer), peer)
                    continue
                conn, peer = s.accept()
                with conn:
                    conn.settimeout(1)
                    handler(conn, peer)
            except (OSError, ValueError, IndexError) as e:
                log("error", e)


def main(kind, *args):
    if kind == "web":
        serve([(listen(socket.SOCK_STREAM, "::", int(p)), web) for p in args],
              [])
    elif kind == "dns":
        serve([(listen(socket.SOCK_STREAM, a, 53), dns_stream) for a in args],
              [(listen(socket.SOCK_DGRAM, a, 53), dns_answer) for a in args])


if __name__ == "__main__":
    main(*sys.argv[1:])
