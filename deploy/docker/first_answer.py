#!/usr/bin/env python3
"""Starts a container that was created before, and prints the milliseconds until its service answers.

  first_answer.py URL ENGINE…   such as: first_answer.py http://127.0.0.1:3000/health podman start NAME

Two numbers: since the command was given, and since the moment that the engine notes as the start of the process.
"""
import subprocess, sys, threading, time, urllib.error, urllib.request

url, command = sys.argv[1], sys.argv[2:]
done = []


def ask():
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).read()
            done.append(time.time())
            return
        except OSError:
            time.sleep(0.001)


asking = threading.Thread(target=ask)
asking.daemon = True
asking.start()
given = time.time()
subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
asking.join(30)
if not done:
    sys.exit("no answer within 30 s")
started = subprocess.run([command[0], "inspect", "--format", "{{.State.StartedAt.UnixMilli}}", command[-1]],
                         check=True, capture_output=True, text=True).stdout
print(f"{(done[0] - given) * 1000:.0f} {done[0] * 1000 - int(started):.0f}")
