"""Ports of 127.0.0.1 that nothing else takes before their user listens."""

import itertools
import os
import socket

# The system gives out ports from 32768 up to connections and to who asks for any port; the Rust tests take them up to 30000.
# Checks that run at the same time begin at different places.
FIRST, LAST, APART = 30_100, 32_700, 100
_next = itertools.count(FIRST + os.getpid() * APART % (LAST - FIRST))


def free_ports(count):
    """As many ports that are free. No two calls in one process give the same one."""
    return list(itertools.islice(filter(_is_free, _next), count))


def _is_free(port):
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    print(*free_ports(1))
