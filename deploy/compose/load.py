#!/usr/bin/env python3
"""Asks a service without pause from several connections, has an instance taken away meanwhile, and tells what failed.

  load.py URL FILE COMMAND…

Half of the requests are GETs, half POSTs that change nothing. After 3 s it runs COMMAND, goes on for 6 s more, and counts. The exit
status is 0 where every failure is of a request that was under way when the command was carried out: begun before it had
ended, and not ended before it began. FILE has the failures.
"""
import http.client, json, subprocess, sys, threading, time
from urllib.parse import urlsplit

url, report, command = urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3:]
CLIENTS, BEFORE, AFTER = 12, 3, 6
BODY = json.dumps({"token": "a.b.c"})
ending = threading.Event()
done, failures, slowest = [], [], []


def client(number):
    asked = 0
    while not ending.is_set():
        began = time.monotonic()
        get = (asked + number) % 2
        asked += 1
        try:
            connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
            if get:
                connection.request("GET", "/api/jwks")
            else:
                connection.request("POST", "/api/token/validate", BODY, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            bad = None if answer.status == (200 if get else 401) else answer.status
        except (OSError, http.client.HTTPException) as error:
            bad = repr(error)
        ended = time.monotonic()
        slowest.append(ended - began)
        if bad is None:
            done.append(answer.status)
        else:
            failures.append((began, ended, "GET" if get else "POST", bad))


threads = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
for thread in threads:
    thread.start()
time.sleep(BEFORE)
cut = time.monotonic()
subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
gone = time.monotonic()
time.sleep(AFTER)
ending.set()
for thread in threads:
    thread.join()
held = [f for f in failures if f[0] <= gone and f[1] >= cut]
with open(report, "w") as file:
    for began, ended, method, what in failures:
        print(f"{began - cut:+.3f} s to {ended - cut:+.3f} s, the command ended at {gone - cut:+.3f} s: {method} {what}", file=file)
print(f"{len(done) + len(failures)} requests, {len(failures)} failed, {len(held)} of these under way when it happened; "
      f"the slowest took {max(slowest):.2f} s")
sys.exit(len(held) != len(failures) or len(failures) > CLIENTS)
