#!/usr/bin/env python3
"""Logs users in as a browser without scripts does, and prints as JSON what the load generator needs: of each user the cookies of the
session, and the refresh token of a grant."""

import argparse
import base64
import html.parser
import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request

# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
PASSWORD = "correct horse"
# More redirects and forms than any log-in has.
MAX_STEPS = 20


class FirstForm(html.parser.HTMLParser):
    """The first form of a page: its action and its fields, with the first of its buttons."""

    def __init__(self):
        super().__init__()
        self.action, self.fields, self.is_open, self.is_pressed = None, [], False, False

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self.is_open = attributes.get("action"), True
        elif self.is_open and attributes.get("name") and (tag == "input" or (tag == "button" and not self.is_pressed)):
            self.is_pressed = self.is_pressed or tag == "button"
            self.fields.append((attributes["name"], attributes.get("value") or ""))

    def handle_endtag(self, tag):
        if tag == "form":
            self.is_open = False


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """Cookies, redirects and forms."""

    def __init__(self, username):
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(NoRedirects, urllib.request.HTTPCookieProcessor(self.jar))
        self.typed = {"username": username, "login": username, "password": PASSWORD}

    def open(self, url, redirect_uri):
        """Fills every form until the server sends the browser to the redirect URI, and returns that address."""
        form = None
        for _ in range(MAX_STEPS):
            status, location, page = self.send(url, form)
            if location is not None:
                url, form = urllib.parse.urljoin(url, location), None
                if url.startswith(redirect_uri):
                    return url
                continue
            if status != 200:
                raise SystemExit(f"{url} answered {status}: {page}")
            first = FirstForm()
            first.feed(page)
            fields = [(name, self.typed.get(name, value)) for name, value in first.fields]
            url, form = urllib.parse.urljoin(url, first.action or url), urllib.parse.urlencode(fields).encode()
        raise SystemExit(f"the log-in does not end: {url}")

    def send(self, url, form=None, headers=None):
        request = urllib.request.Request(url, form, headers or {})
        try:
            with self.opener.open(request) as answer:
                return answer.status, None, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("location"), error.read().decode()

    def cookies(self):
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar if cookie.path == "/")


def authorization_path(options):
    return options.path + "?" + urllib.parse.urlencode({
        "client_id": options.client,
        "response_type": "code",
        "redirect_uri": options.redirect_uri,
        "scope": options.scope,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    })


def register(browser, options, username):
    user = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    status, _, answer = browser.send(
        options.base + options.register, json.dumps(user).encode(), {"content-type": "application/json"})
    if status != 201:
        raise SystemExit(f"{username} is not registered: {status} {answer}")


def redeem(browser, options, code):
    """The refresh token of a code."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": options.redirect_uri, "code_verifier": VERIFIER}
    basic = base64.b64encode(f"{options.client}:{options.secret}".encode()).decode()
    _, _, answer = browser.send(
        options.base + options.token_path, urllib.parse.urlencode(form).encode(), {"authorization": f"Basic {basic}"})
    return json.loads(answer)["refresh_token"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="the address of the server")
    parser.add_argument("--path", default="/oauth/authorize", help="the path of the authorization endpoint")
    parser.add_argument("--token-path", default="/oauth/token", help="the path of the token endpoint")
    parser.add_argument("--client", required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--redirect-uri", required=True)
    parser.add_argument("--scope", required=True)
    parser.add_argument("--users", type=int, default=1)
    parser.add_argument("--register", help="the path at which the users are registered before")
    options = parser.parse_args()
    path, users = authorization_path(options), []
    for number in range(options.users):
        username = f"user-{number}"
        browser = Browser(username)
        if options.register:
            register(browser, options, username)
        # oidc-provider issues a refresh token only if the user is asked; then the session is enough.
        asks = "&prompt=consent" if "offline_access" in options.scope else ""
        answer = browser.open(options.base + path + asks, options.redirect_uri)
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(answer).query)["code"][0]
        users.append({"cookies": browser.cookies(), "refresh_token": redeem(browser, options, code)})
    print(json.dumps({"path": path, "users": users}))


main()
