"""`http` steps with a URL: against a server of the tests' own, with TLS and without."""

import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from outside import assert_all_fail, assert_all_succeed, run


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self):
        status = {"/": 200, "/moved": 302, "/missing": 404}[self.path]
        body = b"x" * 100_000
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.connections = 0
        self.url = f"{'https' if context else 'http'}://localhost:{self.server_port}"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that doesn't trust this server goes away in the middle, as it should."""


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


def fetch(url, **settings):
    keys = {"http": url, **settings}
    return "{ " + ", ".join(f"{key} = {value!r}" for key, value in keys.items()) + " }"


def test_every_model_reads_the_page_and_follows_redirects(server):
    for path in ("/", "/moved"):
        assert_all_succeed(run(fetch(server.url + path)))
    assert_all_fail(run(fetch(server.url + "/missing")), "status 404")


def test_connections_are_kept_where_the_cell_says_so(server):
    for connection, expected in (("new", 2 * 4 * 3), ("reuse", 2)):
        before = server.connections
        rows = run(fetch(server.url + "/", times=3, connection=connection), models=["sequential"])
        assert_all_succeed(rows)
        assert server.connections - before == expected, connection
    # The event loop's client may open one while another is on its way back; never one a request.
    for model, most in (("threads", 8), ("async", 16)):
        before = server.connections
        assert_all_succeed(run(fetch(server.url + "/", times=3, connection="reuse"), models=[model]))
        assert 2 <= server.connections - before <= most, model
        before = server.connections
        assert_all_succeed(run(fetch(server.url + "/", times=3), models=[model]))
        assert server.connections - before == 24, model


def openssl(*arguments, folder):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make certificates")
def test_tls_trusts_who_the_system_trusts_and_nobody_else(tmp_path):
    (tmp_path / "extensions").write_text("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
            "-subj", "/CN=tests", "-addext", "basicConstraints=critical,CA:TRUE", folder=tmp_path)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj",
            "/CN=localhost", folder=tmp_path)
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
            "-extfile", "extensions", "-out", "server.pem", folder=tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    server = Server(context)
    try:
        trusted = {"SSL_CERT_FILE": str(tmp_path / "ca.pem"), "SSL_CERT_DIR": str(tmp_path / "none")}
        assert_all_succeed(run(fetch(server.url + "/"), **trusted))
        (tmp_path / "nobody.pem").write_text("")
        nobody = {**trusted, "SSL_CERT_FILE": str(tmp_path / "nobody.pem")}
        assert_all_fail(run(fetch(server.url + "/"), **nobody), "certificate")
        plain = Server()
        assert_all_succeed(run(fetch(plain.url + "/"), **nobody))
        plain.shutdown()
        plain.server_close()
    finally:
        server.shutdown()
        server.server_close()
