"""measure.py TOOLS BINARY: a function, from the start of its process to its first answer, and from request to answer.

TOOLS is a folder with cargo-lambda and Python with moto. The key is in a secret, as the first of the processes made it.
"""

import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from ports import free_ports  # noqa: E402

TOOLS, BINARY = pathlib.Path(sys.argv[1]), sys.argv[2]
TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests"
STARTS, REQUESTS = 20, 200
PLAIN = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def running(command, log, **more):
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **more)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def until_open(port, log):
    for _ in range(1200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"no program listens on {port}:\n{log.read_text()}")


def invoke(port, path, method="GET"):
    """One request as a function URL hands it over; what the function said."""
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"stage": "$default", "domainName": "x.lambda-url.eu-west-1.on.aws", "http": {"method": method}},
        "body": "{}" if method == "POST" else None,
        "isBase64Encoded": False,
    }
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/_/invocations"
    with PLAIN.open(urllib.request.Request(url, json.dumps(event).encode()), timeout=60) as answer:
        said = json.load(answer)
    if said.get("statusCode") != 200:
        sys.exit(f"{method} {path}: {said}")
    return json.loads(said["body"])


def cold(port, environment, folder):
    """Seconds from the start of a process to its answer to a request that was waiting."""
    answered = []

    def ask():
        invoke(port, "/api/token/generate", "POST")
        answered.append(time.perf_counter())

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    time.sleep(0.05)  # so that the request is there before the process, as AWS has it
    started = time.perf_counter()
    with running([BINARY], folder / "function.log", env=environment, cwd=folder):
        asking.join(60)
        if not answered:
            sys.exit(f"no answer:\n{(folder / 'function.log').read_text()}")
    return answered[0] - started


def warm(port, environment, folder, path, method):
    with running([BINARY], folder / "function.log", env=environment, cwd=folder):
        invoke(port, path, method)
        taken = []
        for _ in range(REQUESTS):
            began = time.perf_counter()
            invoke(port, path, method)
            taken.append(time.perf_counter() - began)
    return taken


def told(what, taken):
    milliseconds = sorted(1000 * second for second in taken)
    middle, worst = statistics.median(milliseconds), milliseconds[-1]
    print(f"{what:44} {middle:6.1f} ms, {worst:.1f} at the most, of {len(milliseconds)}", flush=True)


def measure(algorithm, api, aws, folder):
    environment = {
        "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{api}/.rt",
        "AWS_LAMBDA_FUNCTION_NAME": "_",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws}",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "check",
        "AWS_SECRET_ACCESS_KEY": "check",
        "JWT_ALGORITHM": algorithm,
        "KEYS_SECRET": f"check/{algorithm}",
    }
    first = cold(api, environment, folder)
    print(f"{algorithm}: the very first start, which makes the key: {1000 * first:.0f} ms")
    told(f"{algorithm}: a cold start, to the first token", [cold(api, environment, folder) for _ in range(STARTS)])
    told(f"{algorithm}: a token", warm(api, environment, folder, "/api/token/generate", "POST"))
    told(f"{algorithm}: the key set", warm(api, environment, folder, "/api/jwks", "GET"))


def main():
    aws, api = free_ports(2)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        refusals = folder / "refusals"
        refusals.touch()
        moto = [TOOLS / "python", TESTS / "tools/moto.py", "-H", "127.0.0.1", "-p", str(aws)]
        lambdas = [TOOLS / "cargo-lambda", "lambda", "watch", "--only-lambda-apis", "--ignore-changes"]
        lambdas += ["--invoke-address", "127.0.0.1", "--invoke-port", str(api)]
        with (
            running(moto, folder / "moto.log", env={**os.environ, "MOTO_REFUSALS": str(refusals)}),
            running(lambdas, folder / "lambda.log"),
        ):
            until_open(aws, folder / "moto.log")
            until_open(api, folder / "lambda.log")
            for algorithm in ("RS256", "ES256"):
                measure(algorithm, api, aws, folder)


main()
