"""Three instances behind nginx, and attackers: do they get anywhere, and does the user still log in?

python attacks.py NGINX PROGRAM FOLDER
"""

import collections
import contextlib
import itertools
import json
import math
import re
import time

from front import NAME, Connection, ask, folder, in_words, proxy, service
from ports import free_ports

INSTANCES = 3
MANY = 10_000
# Of an outer proxy that nginx believes; it has a client at each address.
OUTER = "127.0.0.9"
HOME, WORK, ATTACKER = "127.0.2.1", "127.0.2.2", "127.0.2.66"
# What jwt-generator.conf allows one /48 of IPv6: requests at once and in each second.
AT_ONCE, IN_A_SECOND = 800, 400
# The most connections of one /64 of IPv6.
CONNECTIONS = 100
# What the service allows by default (docs/operations.md), at each instance.
LOGINS_OF_ADDRESS, VERDICTS_OF_ACCOUNT = 60, 5
PASSWORD = "a long and rare pass phrase"


class Client:
    """A client with a connection that lasts."""

    def __init__(self, address):
        self.address, self.connection = address, Connection(address)

    def log_in(self, name, password, headers=()):
        return ask("/api/auth/login", "POST", {"username": name, "password": password}, headers, connection=self.connection)

    def own(self, name):
        return self.log_in(name, PASSWORD)

    def guess(self, name, headers=()):
        return self.log_in(name, "a wrong guess", headers)


def spoofed(number):
    """What an attacker says of its address."""
    address = f"198.51.{number // 250 % 250}.{number % 250}"
    names = ("X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "X-Address")
    return {name: address for name in names} | {"Forwarded": f"for={address}"}


def codes(answers):
    """How many answers there were of each status."""
    return dict(collections.Counter(answer.status for answer in answers))


def register(name):
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    with contextlib.closing(Connection(HOME)) as connection:
        answer = ask("/api/auth/register", "POST", body, connection=connection)
    assert answer.status == 201, answer


def logs_in(client, name):
    answer = client.own(name)
    assert answer.status == 200, f"{name} at {client.address}: {answer.status} {answer.body}"


def many_accounts_from_one_address():
    """Each guess is for another account, and says that it comes from another address."""
    register("ada")
    user, attacker, began, answers = Client(HOME), Client(ATTACKER), time.monotonic(), []
    for number in range(MANY):
        answers.append(attacker.guess(f"user{number}", spoofed(number)))
        if number % 1000 == 0:
            logs_in(user, "ada")
    allowed = INSTANCES * (LOGINS_OF_ADDRESS + (time.monotonic() - began) * LOGINS_OF_ADDRESS / 60 + 1)
    counted = codes(answers)
    assert counted.keys() == {401, 429} and counted[401] <= allowed, (counted, allowed)
    refusals = collections.Counter(json.loads(answer.body)["code"] for answer in answers if answer.status == 429)
    # nginx lets 50 a second through, of which the service refuses nearly all.
    assert refusals["rate_limited"] > 0, refusals
    print(f"{MANY:,} accounts from one address, with spoofed headers: {counted[401]} guesses had a verdict; the user logged in 10 times")


def one_account_from_many_addresses():
    """Each guess really comes from another address."""
    register("bea")
    user, attacker, began, answers = Client(HOME), Client(OUTER), time.monotonic(), []
    for number in range(MANY):
        address = f"203.{number // 250}.{number % 250}.7"
        answers.append(attacker.guess("bea", {"X-Address": address}))
        if number % 1000 == 0:
            logs_in(user, "bea")
    # After five, each wait is twice as long as the one before, and begins with a second.
    allowed = VERDICTS_OF_ACCOUNT + 1 + math.log2(time.monotonic() - began + 1)
    counted = codes(answers)
    assert counted.keys() == {401, 429} and counted[401] <= allowed, (counted, allowed)
    print(f"one account from {MANY:,} addresses: {counted[401]} guesses had a verdict; the user logged in 10 times")


def guesses_from_the_users_own_address():
    """At home and at work, the user has logged in before. The attacker is at home, too."""
    register("cleo")
    home, work, attacker = Client(HOME), Client(WORK), Client(HOME)
    for client in (home, work):
        logs_in(client, "cleo")
    # A wait may have ended on a slow machine, and each next one is longer.
    answers = []
    while not answers or answers[-1].status == 401:
        answers.append(attacker.guess("cleo", spoofed(len(answers))))
        assert len(answers) < VERDICTS_OF_ACCOUNT + 10, codes(answers)
    guesses, refused = len(answers) - 1, answers[-1]
    in_words(refused, 429, "login_throttled")
    logs_in(work, "cleo")
    waited = 0.0
    while (answer := home.own("cleo")).status != 200:
        in_words(answer, 429, "login_throttled")
        waited += (pause := int(answer.headers["Retry-After"]))
        time.sleep(pause)
    print(f"{guesses} guesses from the user's own address: the user logs in elsewhere at once, and there after {waited:g} s")


def pipelined(connection, requests):
    """The statuses of so many requests that are sent at once. nginx answers them from its cache, so that they are fast."""
    connection.connect()
    heads = [f"GET /api/jwks HTTP/1.1\r\nHost: {NAME}\r\nX-Address: {address}\r\n" for address in requests]
    connection.sock.sendall(("\r\n".join(heads) + "Connection: close\r\n\r\n").encode())
    answers = b"".join(iter(lambda: connection.sock.recv(65536), b""))
    statuses = [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", answers)]
    assert len(statuses) == len(requests), (len(statuses), answers[-300:])
    return statuses


def one_subscriber_floods():
    """Each request comes from another /64 of one /48."""
    assert ask("/api/jwks").status == 200
    began, statuses = time.monotonic(), collections.Counter()
    for block in range(5):
        with contextlib.closing(Connection(OUTER)) as connection:
            statuses.update(pipelined(connection, [f"2001:db8:1:{block:x}{number:03x}::1" for number in range(900)]))
    allowed = AT_ONCE + 1 + (time.monotonic() - began) * IN_A_SECOND
    assert statuses.keys() <= {200, 429} and statuses[200] <= allowed, (statuses, allowed)
    print(f"{statuses.total():,} requests from as many /64s of one IPv6 subscriber: {statuses[200]} passed nginx")


def holds(held, address):
    """Whether nginx lets a request wait for its body, on a connection of its own."""
    connection = held.enter_context(contextlib.closing(Connection(OUTER)))
    connection.connect()
    head = f"POST /api/token/validate HTTP/1.1\r\nHost: {NAME}\r\nX-Address: {address}\r\nContent-Type: application/json\r\n"
    connection.sock.sendall(f"{head}Content-Length: 10\r\nExpect: 100-continue\r\n\r\n".encode())
    status = connection.sock.recv(12)
    assert status in (b"HTTP/1.1 100", b"HTTP/1.1 429"), status
    return status == b"HTTP/1.1 100"


def one_subscriber_holds_connections():
    """The subscriber uses four /64s, and asks for as many connections as four /64s may hold."""
    with contextlib.ExitStack() as held:
        addresses = [f"2001:db8:2:{number % 4:x}::1" for number in range(4 * CONNECTIONS)]
        number = sum(1 for _ in itertools.takewhile(lambda address: holds(held, address), addresses))
        assert number < len(addresses), f"one subscriber holds {number} connections"
        user = Client(HOME)
        register("dora")
        logs_in(user, "dora")
    print(f"one IPv6 subscriber may hold {number} connections; the user logs in")


def main():
    ports = free_ports(INSTANCES)
    shared = {"DATA_DIR": folder / "attacked", "KEYS_DIR": folder / "attacked-keys"}
    believed = f"    set_real_ip_from {OUTER};\n    real_ip_header X-Address;\n"
    with contextlib.ExitStack() as stack:
        for port in ports:
            stack.enter_context(service(port, **shared))
        stack.enter_context(proxy(ports, believed))
        assert ask("/readyz").status == 200
        one_subscriber_floods()
        one_subscriber_holds_connections()
        many_accounts_from_one_address()
        one_account_from_many_addresses()
        guesses_from_the_users_own_address()


main()
