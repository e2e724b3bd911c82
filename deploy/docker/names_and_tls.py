#!/usr/bin/env python3
"""A name server and an HTTPS server that see whether a container can resolve names and check certificates.

  names_and_tls.py --certificate FILE --key FILE --jwks URL

Answers every A question for *.check.test with 127.0.0.1, and one SRV question as a MongoDB cluster would have it; serves
what URL gives at https://…:8443/. Prints each question and each connection, for the caller to look for.
"""
import argparse, http.server, socket, socketserver, ssl, struct, threading, urllib.request

A, TXT, SRV = 1, 16, 33
TYPES = {A: "A", 28: "AAAA", TXT: "TXT", SRV: "SRV"}
CLUSTER, MEMBER = "_mongodb._tcp.cluster.check.test", "member.check.test"


def say(*words):
    print(*words, flush=True)


def encoded(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"


class Names(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += data[at] + 1
        question = data[12:at + 5]
        name, kind = ".".join(labels).lower(), struct.unpack(">H", data[at + 1:at + 3])[0]
        say("question", TYPES.get(kind, kind), name)
        answers = []
        if kind == SRV and name == CLUSTER:
            answers = [struct.pack(">HHH", 0, 0, 27017) + encoded(MEMBER)]
        elif kind == A and name.endswith(".check.test"):
            answers = [socket.inet_aton("127.0.0.1")]
        head = data[:2] + struct.pack(">HHHHH", 0x8580, 1, len(answers), 0, 0)
        body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 5, len(x)) + x for x in answers)
        sock.sendto(head + question + body, self.client_address)


class Member(socketserver.BaseRequestHandler):
    def handle(self):
        say("connection to", MEMBER)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--certificate", "--key", "--jwks"):
        ap.add_argument(name, required=True)
    a = ap.parse_args()

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = urllib.request.urlopen(a.jwks).read()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            say("served over TLS")

        def log_message(self, *_):
            pass

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        def handle_error(self, *_):
            pass  # a client that does not trust us

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(a.certificate, a.key)
    https = Server(("127.0.0.1", 8443), Keys)
    https.socket = tls.wrap_socket(https.socket, server_side=True, do_handshake_on_connect=False)
    socketserver.TCPServer.allow_reuse_address = True
    for server in (https, socketserver.UDPServer(("127.0.0.1", 53), Names),
                   socketserver.TCPServer(("127.0.0.1", 27017), Member)):
        threading.Thread(target=server.serve_forever).start()
    say("ready")


main()
