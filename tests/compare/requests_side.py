"""Plays scenarios with Python's requests: one JSON document per line in, one per line out.

Started by the `compare` program, which substitutes the ports, records what arrives, and compares what is printed
here with what `session` makes of the same scenario. Octets are written as Latin-1 text, one character for each.
"""

import base64
import io
import json
import socket
import sys
import warnings

import requests
import urllib3
from requests.auth import AuthBase, HTTPDigestAuth

EXPECTED = ("2.34.2", "2.7.0")


class Bearer(AuthBase):
    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = "Bearer " + self.token
        return request


def only_loopback(lookup=socket.getaddrinfo):
    """Every name is this machine, except those that end in `.invalid`."""

    def resolve(host, *rest, **named):
        name = host.decode() if isinstance(host, bytes) else host
        if name and name.rstrip(".").endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return lookup("127.0.0.1", *rest, **named)

    socket.getaddrinfo = resolve


def auth(spec):
    if spec is None:
        return None
    kind, rest = spec[0], spec[1:]
    if kind == "basic":
        return tuple(rest)
    if kind == "bearer":
        return Bearer(*rest)
    if kind == "digest":
        return HTTPDigestAuth(*rest)
    raise KeyError(kind)


def pairs(spec):
    """A list of pairs stays one where a key repeats, and is a dict otherwise: both forms get exercised."""
    if not isinstance(spec, list):
        return spec
    names = [name for name, _ in spec]
    if len(set(names)) == len(names):
        return dict((name, value) for name, value in spec)
    return [(name, value) for name, value in spec]


def body(spec, named):
    if spec is None:
        return
    kind, value = spec
    if kind == "text":
        named["data"] = value
    elif kind == "bytes":
        named["data"] = base64.b64decode(value)
    elif kind == "form":
        named["data"] = pairs(value)
    elif kind == "json":
        named["json"] = value
    elif kind == "nan":
        named["json"] = {"x": float("nan")}
    elif kind == "file":
        named["data"] = io.BytesIO(value.encode())
    elif kind == "file from":
        file = io.BytesIO(value[1].encode())
        file.seek(value[0])
        named["data"] = file
    elif kind == "chunks":
        named["data"] = (item.encode() for item in value)
    elif kind == "text and json":
        named["data"], named["json"] = value
    elif kind == "multipart":
        fields = [(part["name"], part["value"]) for part in value if "value" in part]
        files = [(part["name"], file_part(part)) for part in value if "content" in part]
        if fields:
            named["data"] = fields
        named["files"] = files
    else:
        raise KeyError(kind)


def file_part(part):
    content = part["content"]
    if part.get("kind") == "bytes":
        content = content.encode("latin-1")
    elif part.get("kind") == "file":
        content = io.BytesIO(content.encode())
    spec = [part["filename"], content]
    if "type" in part or "headers" in part:
        spec.append(part.get("type"))
    if "headers" in part:
        spec.append(dict(part["headers"]))
    return tuple(spec)


def latin(octets):
    return octets.decode("latin-1")


def causes(error):
    """Class names of the error and of everything it was made from."""
    seen, queue = [], [error]
    while queue and len(seen) < 20:
        one = queue.pop(0)
        seen.append(type(one).__name__)
        queue += [arg for arg in getattr(one, "args", ()) if isinstance(arg, BaseException)]
        for link in (getattr(one, "reason", None), one.__context__):
            if isinstance(link, BaseException):
                queue.append(link)
    return seen


def kind(error):
    """The exception in the words of `session`, as far as requests tells it apart."""
    names = causes(error)
    known = requests.exceptions
    for classes, word in (
        ((known.MissingSchema, known.InvalidSchema, known.InvalidURL), "request"),
        (known.JSONDecodeError, "decode"),
        (known.InvalidJSONError, "request"),
        (known.TooManyRedirects, "redirect"),
        (known.UnrewindableBodyError, "redirect"),
        (known.HTTPError, "status"),
        (known.ConnectTimeout, "timeout"),
        (known.ReadTimeout, "timeout"),
        (known.ChunkedEncodingError, "body"),
        (known.ContentDecodingError, "decode"),
        (known.SSLError, "tls"),
        (known.ProxyError, "proxy"),
    ):
        if isinstance(error, classes):
            return word
    if isinstance(error, known.InvalidHeader):
        return "protocol" if "InvalidHeader" in names[1:] else "request"
    if isinstance(error, known.ConnectionError):
        for cause, word in (
            ("NameResolutionError", "resolve"),
            ("NewConnectionError", "connect"),
            ("ReadTimeoutError", "timeout"),
            ("RemoteDisconnected", "closed"),
            ("ConnectionResetError", "closed"),
            ("BadStatusLine", "protocol"),
            ("LineTooLong", "protocol"),
            ("HTTPException", "protocol"),
            ("UnknownProtocol", "protocol"),
        ):
            if cause in names:
                return word
        return "connection: " + " ".join(names)
    if isinstance(error, (ValueError, TypeError, NotImplementedError, UnicodeError, AttributeError)):
        return "request"
    return "other: " + " ".join(names)


def hop(response):
    return [response.status_code, response.url]


def answer(response, step):
    """What the caller can see of an answer."""
    told = {
        "status": response.status_code,
        "reason": response.reason,
        "url": response.url,
        "history": [hop(past) for past in response.history],
        "ok": response.ok,
        "is_redirect": response.is_redirect,
        "is_permanent_redirect": response.is_permanent_redirect,
        "headers": [[name.lower(), value] for name, value in response.headers.items()],
        "cookies": sorted([name, value] for name, value in response.cookies.items()),
        "method": response.request.method,
    }
    how = step.get("read", "text")
    if how == "text":
        told["octets"] = latin(response.content)
        told["text"] = response.text
    elif how == "json":
        told["json"] = json.loads(json.dumps(response.json()), parse_constant=str)
    elif how == "raise":
        response.raise_for_status()
        told["raised"] = False
    elif how == "lines":
        told["lines"] = [latin(line) for line in response.iter_lines()]
    elif how == "small lines":
        told["lines"] = [latin(line) for line in response.iter_lines(chunk_size=2)]
    elif how == "delimiter":
        told["lines"] = [latin(line) for line in response.iter_lines(delimiter=step["delimiter"].encode())]
    elif how == "stream":
        told["octets"] = b"".join(response.iter_content(step.get("chunk", 7))).decode("latin-1")
    elif how == "links":
        told["links"] = response.links
    elif how == "next":
        following = response.next
        told["next"] = following and [following.method, following.url]
    elif how == "history bodies":
        told["bodies"] = [latin(past.content) for past in response.history]
    elif how == "drop":
        response.close()
    return told


def hooks(spec, log):
    if spec is None:
        return None

    def note(tag):
        def after(response, *_, **__):
            log.append([tag, response.status_code])

        return after

    def replace(response, *_, **__):
        fake = requests.Response()
        fake.status_code, fake.url, fake.request = 299, response.url, response.request
        fake._content, fake.reason, fake.encoding = b"replaced", "", "utf-8"
        return fake

    made = [replace if tag == "replace" else note(tag) for tag in spec]
    return {"response": made[0] if len(made) == 1 else made}


def play(scenario):
    log = []
    session = requests.Session()
    setup = scenario.get("session", {})
    for name, value in setup.get("headers", []):
        if value is None:
            del session.headers[name]
        else:
            session.headers[name] = value
    if "params" in setup:
        session.params = pairs(setup["params"])
    session.auth = auth(setup.get("auth"))
    for name, value in setup.get("cookies", []):
        session.cookies.set(name, value)
    if "max_redirects" in setup:
        session.max_redirects = setup["max_redirects"]
    if "hooks" in setup:
        session.hooks = hooks(setup["hooks"], log)
    steps = []
    for step in scenario["steps"]:
        named = {}
        if "params" in step:
            named["params"] = pairs(step["params"])
        if "headers" in step:
            named["headers"] = dict((name, value) for name, value in step["headers"])
        if "cookies" in step:
            named["cookies"] = dict((name, value) for name, value in step["cookies"])
        if "auth" in step:
            named["auth"] = auth(step["auth"])
        if "redirects" in step:
            named["allow_redirects"] = step["redirects"]
        if "timeout" in step:
            named["timeout"] = step["timeout"]
        if "hooks" in step:
            named["hooks"] = hooks(step["hooks"], log)
        if step.get("read") in ("lines", "small lines", "delimiter", "stream", "drop"):
            named["stream"] = True
        try:
            body(step.get("body"), named)
            if "call" in step:
                response = getattr(session, step["call"])(step["url"], **named)
            else:
                response = session.request(step["method"], step["url"], **named)
            steps.append(answer(response, step))
        except Exception as error:  # every failure is an outcome to compare
            failure = {"error": kind(error)}
            seen = getattr(error, "response", None)
            if seen is not None:
                failure["error_status"] = seen.status_code
                failure["error_history"] = len(seen.history)
            if isinstance(error, requests.HTTPError):
                failure["error_text"] = str(error)
            steps.append(failure)
    jar = sorted([cookie.name, cookie.value] for cookie in session.cookies)
    session.close()
    return {"steps": steps, "jar": jar, "hooks": log}


def main():
    found = (requests.__version__, urllib3.__version__)
    if found != EXPECTED:
        sys.exit("requests and urllib3 are %s and %s, not %s and %s" % (found + EXPECTED))
    warnings.simplefilter("ignore")
    only_loopback()
    for line in sys.stdin:
        print(json.dumps(play(json.loads(line))), flush=True)


main()
