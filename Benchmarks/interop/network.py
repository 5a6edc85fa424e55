"""Uses our programs through TLS with an authority of its own, through proxies, and with a disk that gets full.

Usage: network.py LOCAL_HUB BIN, with the LocalHubServer program and the folder of ours

Before the local Hub stands a server with a certificate of an authority that is made here with openssl, and beside it
a proxy that notes what it is asked. A full disk is a small tmpfs, which takes root; without it that check is left
out. Prints a line per check and exits 1 where one fails. Nothing leaves this machine.

Tried with Python 3.11 and huggingface_hub 2.4.0.
"""

import base64
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse

from local_hub import TOKEN, call, check, run_checks, serving

ROOT = pathlib.Path(__file__).resolve().parents[2]
LARGE = 12_000_000
VARIABLES = (
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY",
    "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def pass_on(self, host, target):
        """Sends the request to `host` and its answer back."""
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("proxy-authorization", "proxy-connection", "connection"):
                connection.putheader(name, value)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        shutil.copyfileobj(answer, self.wfile)
        self.close_connection = True


def tls_front(hub, certificate, key):
    """A server with a certificate, before `hub`."""

    class Front(Quiet):
        def do_GET(self):
            self.pass_on(hub, self.path)

        do_HEAD = do_POST = do_PUT = do_GET

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    # Clients that do not trust it hang up.
    server.handle_error = lambda *_: None
    return server


class Proxy(http.server.ThreadingHTTPServer):
    """Forwards requests and connections, and keeps what it was asked."""

    def __init__(self):
        self.asked, self.authorizations, self.tokens, self.refusal = [], [], [], None
        super().__init__(("127.0.0.1", 0), Proxying)

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_):
        pass


class Proxying(Quiet):
    def note(self):
        self.server.asked.append(f"{self.command} {self.path}")
        self.server.authorizations.append(self.headers.get("Proxy-Authorization"))
        self.server.tokens += [self.headers.get("Authorization")]
        if self.server.refusal:
            self.send_error(self.server.refusal)
        return self.server.refusal is None

    def do_GET(self):
        if self.note():
            parts = urllib.parse.urlsplit(self.path)
            self.pass_on(parts.netloc, urllib.parse.urlunsplit(("", "", *parts[2:])))

    do_HEAD = do_GET

    def do_CONNECT(self):
        if not self.note():
            return
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as other:
            self.send_response_only(200)
            self.end_headers()
            ends = {self.connection: other, other: self.connection}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    ends[end].sendall(data)


class World:
    def __init__(self, folder, programs, proxy):
        self.folder, self.programs, self.proxy = folder, programs, proxy
        self.hub = os.environ["HF_ENDPOINT"]
        self.ca = folder / "ca.pem"
        self.number = 0
        make_certificates(folder)
        front = tls_front(self.hub.removeprefix("http://"), folder / "server.pem", folder / "server.key")
        threading.Thread(target=front.serve_forever, daemon=True).start()
        self.tls = f"https://localhost:{front.server_address[1]}"

    def run(self, name="me/small", **variables):
        """Runs the pretokenizer with a cache and a store of its own unless they are given."""
        self.number += 1
        own = self.folder / f"run-{self.number}"
        cache = variables.setdefault("HF_HUB_CACHE", str(own / "cache"))
        pipeline = self.folder / f"{self.number}.json5"
        pipeline.write_text(json.dumps({
            "name": "network", "store": str(own / "store"),
            "pretokenize": {
                "tokenizer_name": str(ROOT / "pipelines/demo/model"), "dataset_path": name, "context_size": 16}}))
        environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        result = subprocess.run(
            [str(self.programs / "saeline-pretokenize"), str(pipeline), "--quiet"],
            env={**environment, "HF_ENDPOINT": self.hub, "HF_TOKEN": TOKEN, **variables},
            capture_output=True, text=True, timeout=120)
        assert TOKEN not in result.stdout + result.stderr
        return result.returncode, result.stderr, pathlib.Path(cache)


def make_certificates(folder):
    """An authority, and a server's certificate by it."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    (folder / "server.ext").write_text("subjectAltName=DNS:localhost\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=Authority of a test", "-addext", "keyUsage=critical,keyCertSign",
            "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj",
            "/CN=localhost")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
            "2", "-extfile", "server.ext", "-out", "server.pem")
    (folder / "certificates").mkdir()
    shutil.copy(folder / "ca.pem", folder / "certificates")
    openssl("rehash", "certificates")


def lines(text):
    return [line for line in text.splitlines() if line]


def blobs(cache):
    return sorted(path.name for path in cache.glob("*/blobs/*"))


@check
def unknown_authority(world):
    """A certificate of an unknown authority is one sentence and code 1, at once"""
    code, said, cache = world.run(HF_ENDPOINT=world.tls)
    first, second = lines(said)
    assert code == 1, said
    assert first.startswith(f"error: {world.tls} cannot be trusted: "), said
    assert second.startswith("hint: Set REQUESTS_CA_BUNDLE to the certificates"), said
    assert blobs(cache) == []


@check
def other_name(world):
    """A certificate for another name is not trusted either"""
    wrong = world.tls.replace("localhost", "127.0.0.1")
    code, said, _ = world.run(HF_ENDPOINT=wrong, SSL_CERT_FILE=str(world.ca))
    assert code == 1 and len(lines(said)) == 2, said
    assert lines(said)[0].startswith(f"error: {wrong} cannot be trusted: "), said


@check
def authorities(world):
    """SSL_CERT_FILE, SSL_CERT_DIR, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE name the authority"""
    places = {name: world.ca for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")}
    places["SSL_CERT_DIR"] = world.folder / "certificates"
    for name, place in places.items():
        code, said, cache = world.run(HF_ENDPOINT=world.tls, **{name: str(place)})
        assert code == 0 and len(blobs(cache)) == 1, (name, said)


@check
def same_as_python(world):
    """huggingface_hub takes the same server by SSL_CERT_FILE, and refuses it without"""
    script = ("import huggingface_hub; "
              "print(huggingface_hub.hf_hub_download('me/small', 'train.jsonl', repo_type='dataset'))")
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment.update(HF_ENDPOINT=world.tls, HF_HUB_CACHE=str(world.folder / "python"))
    for extra, code in (({"SSL_CERT_FILE": str(world.ca)}, 0), ({}, 1)):
        shutil.rmtree(world.folder / "python", ignore_errors=True)
        result = subprocess.run(
            [sys.executable, "-c", script], env={**environment, **extra}, capture_output=True, text=True)
        assert result.returncode == code, result.stderr


@check
def no_authority(world):
    """A file of certificates that is not there is one sentence"""
    code, said, _ = world.run(HF_ENDPOINT=world.tls, SSL_CERT_FILE="/nowhere/ca.pem")
    assert code == 1 and len(lines(said)) == 2, said
    assert lines(said)[0].startswith(f"error: {world.tls} cannot be trusted: "), said


@check
def plain_proxy(world):
    """HTTP_PROXY and http_proxy lead through the proxy, with its user and password"""
    for name in ("HTTP_PROXY", "http_proxy"):
        world.proxy.asked.clear(), world.proxy.authorizations.clear()
        code, said, cache = world.run(**{name: f"http://me:geheim@{world.proxy.address}"})
        assert code == 0 and len(blobs(cache)) == 1, said
        assert any(ask.startswith(f"GET {world.hub}/api/datasets/me/small") for ask in world.proxy.asked)
        expected = "Basic " + base64.b64encode(b"me:geheim").decode()
        assert set(world.proxy.authorizations) == {expected}, world.proxy.authorizations


@check
def tunnel(world):
    """HTTPS_PROXY makes a tunnel, in which the proxy sees neither paths nor the token"""
    world.proxy.asked.clear(), world.proxy.tokens.clear()
    code, said, _ = world.run(
        HF_ENDPOINT=world.tls, SSL_CERT_FILE=str(world.ca), HTTPS_PROXY=f"http://{world.proxy.address}")
    assert code == 0, said
    assert set(world.proxy.asked) == {"CONNECT " + world.tls.removeprefix("https://")}, world.proxy.asked
    assert set(world.proxy.tokens) == {None}, world.proxy.tokens


@check
def without_proxy(world):
    """NO_PROXY keeps the hosts that it names away from the proxy"""
    for name, hosts in (("NO_PROXY", "127.0.0.1,127.0.0.2"), ("no_proxy", "*"), ("NO_PROXY", "elsewhere")):
        world.proxy.asked.clear()
        code, said, _ = world.run(HTTP_PROXY=f"http://{world.proxy.address}", **{name: hosts})
        assert code == 0, said
        assert bool(world.proxy.asked) == (hosts == "elsewhere"), (hosts, world.proxy.asked)


@check
def dead_proxy(world):
    """A proxy that is not there, or refuses, is one sentence and code 1, without its password"""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{free.getsockname()[1]}"
    code, said, _ = world.run(HTTP_PROXY=f"http://me:geheim@{dead}")
    assert code == 1 and lines(said)[-2].startswith(f"error: {world.hub} cannot be reached: "), said
    assert "geheim" not in said
    world.proxy.refusal = 407
    try:
        code, said, _ = world.run(
            HF_ENDPOINT=world.tls, SSL_CERT_FILE=str(world.ca),
            HTTPS_PROXY=f"http://me:geheim@{world.proxy.address}")
    finally:
        world.proxy.refusal = None
    assert code == 1 and len(lines(said)) == 2, said
    assert lines(said)[0] == f"error: {world.tls} cannot be reached: the proxy answers with status 407.", said
    assert "geheim" not in said


@contextlib.contextmanager
def small_disk(place, size):
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)],
                      capture_output=True).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", str(place)], check=True)


@check
def full_disk(world):
    """A full disk is one sentence and code 2; with space the next run goes on where it was"""
    disk = world.folder / "disk"
    with small_disk(disk, "8m") as is_there:
        if not is_there:
            print("      (left out: a small disk takes root)")
            return
        cache = str(disk / "cache")
        call("/__log", "DELETE")
        code, said, folder = world.run("me/large", HF_HUB_CACHE=cache)
        assert code == 2 and len(lines(said)) == 2, (code, said)
        assert lines(said)[0].startswith("error: The disk is full: "), said
        assert lines(said)[1].startswith("hint: Free some space and run the same command again"), said
        assert all(name.endswith(".incomplete") for name in blobs(folder)), blobs(folder)
        assert not list(folder.glob("*/snapshots/*/*.jsonl"))
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        code, said, folder = world.run("me/large", HF_HUB_CACHE=cache)
        assert code == 0, said
        (blob,) = blobs(folder)
        (file,) = folder.glob("*/snapshots/*/*.jsonl")
        assert hashlib.sha256(file.read_bytes()).hexdigest() == blob
        sent = sum(entry["sent"] for entry in call("/__log") if entry["path"].endswith("train.jsonl"))
        # What did not fit any more was on its way; what had been written was not sent again.
        assert sent < 1.5 * LARGE, sent


def make_site(site):
    row = json.dumps({"text": "The little dog ran over a green hill and found an old red ball."}) + "\n"
    for name, size in (("small", 100_000), ("large", LARGE)):
        folder = site / "datasets/me" / name
        folder.mkdir(parents=True)
        (folder / "train.jsonl").write_text(row * (size // len(row) + 1))


def main() -> int:
    hub, programs = sys.argv[1:3]
    proxy = Proxy()
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        site = folder / "site"
        with serving(hub, site, folder / "home", make_site=lambda: make_site(site)):
            world = World(folder, pathlib.Path(programs).resolve(), proxy)
            return run_checks(world, only=sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
