# SPDX-License-Identifier: BSD-2-Clause
"""Free ports on 127.0.0.1 below the ephemeral range, also with several runs beside each other.

A process claims one block of ports by binding an abstract Unix socket named after the block: the
kernel gives it back when the process ends, however it ends, and nothing is left in the file system.
"""
import os
import socket
import threading

FIRST, LAST, BLOCK = 12000, 32000, 1000

_claim = None
_base = 0
_next = 0
_lock = threading.Lock()


def _claim_block():
    global _claim, _base
    blocks = (LAST - FIRST) // BLOCK
    for i in range(blocks):
        number = (os.getpid() + i) % blocks
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            s.bind("\0tocsin-rig-ports-%d" % number)
        except OSError:
            s.close()
            continue
        _claim, _base = s, FIRST + number * BLOCK
        return
    raise RuntimeError("all %d port blocks are claimed by other runs" % blocks)


def is_free(port):
    """True if 127.0.0.1:port can be bound now, UDP and TCP, also against a wildcard listener."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as s:
            if kind == socket.SOCK_STREAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def take(count=1):
    """The first of `count` consecutive free ports. The block is used round and round."""
    with _lock:
        return _take(count)


def _take(count):
    global _next
    if _claim is None:
        _claim_block()
    for _ in range(2 * BLOCK):
        if _next + count > BLOCK:
            _next = 0
        base = _base + _next
        busy = [p for p in range(base, base + count) if not is_free(p)]
        if not busy:
            _next += count
            return base
        _next = busy[-1] + 1 - _base
    raise RuntimeError("no %d free ports in a row at %d" % (count, _base))
