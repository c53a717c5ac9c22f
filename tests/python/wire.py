"""A Jupyter client of our own on raw ZeroMQ sockets: it shares no code with the kernel or with jupyter_client.

`RawKernel` starts the installed kernel by its kernelspec's argv and speaks frames, so tests can send what
no library would: wrong signatures, broken frames, half a handshake.
"""

import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from datetime import datetime, timezone
from pathlib import Path

import zmq

DELIMITER = b"<IDS|MSG>"
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
# Far beyond what anything here takes: waiting ends when the answer comes.
PATIENCE_S = 60


def kernelspec():
    return json.loads((Path(sys.prefix) / "share/jupyter/kernels/conclab/kernel.json").read_text())


def reserve_ports(count):
    """Sockets that keep their ports from others; a kernel can listen there all the same, as SO_REUSEADDR allows."""
    sockets = []
    for _ in range(count):
        reserved = socket.socket()
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        sockets.append(reserved)
    return sockets


def descendants(mark):
    """Processes that carry `mark` in their environment: the kernel and all that it started, however orphaned."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes()
                zombie = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if mark.encode() in environment and not zombie:
                found.append(int(folder.name))
    return found


def eventually(condition, patience_s=PATIENCE_S):
    """Waits until `condition()` holds; whether it did."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


class RawKernel:
    def __init__(self, folder, transport="tcp", key=b"a key of the test"):
        self.folder, self.transport, self.key = Path(folder), transport, key
        self.mark = f"CONCLAB_TEST_MARK={uuid.uuid4()}"
        self.session = uuid.uuid4().hex
        ip = "127.0.0.1" if transport == "tcp" else str(self.folder / "kernel")
        self.reserved = reserve_ports(5) if transport == "tcp" else []
        ports = [reserved.getsockname()[1] for reserved in self.reserved] or range(1, 6)
        self.connection = {
            **{f"{channel}_port": port for channel, port in zip(CHANNELS, ports)},
            "transport": transport,
            "ip": ip,
            "key": key.decode(),
            "signature_scheme": "hmac-sha256",
            "kernel_name": "conclab",
        }
        self.connection_file = self.folder / "connection.json"
        self.connection_file.write_text(json.dumps(self.connection))
        self.log_file = self.folder / "kernel.log"
        self.process = self.start()
        self.context = zmq.Context()
        self.iopub = self.context.socket(zmq.SUB)
        self.iopub.setsockopt(zmq.SUBSCRIBE, b"")
        self.iopub.connect(self.address("iopub"))
        self.shell = self.dealer("shell")
        self.control = self.dealer("control")

    def argv(self):
        return [part.replace("{connection_file}", str(self.connection_file)) for part in kernelspec()["argv"]]

    def environment(self):
        name, value = self.mark.split("=")
        return {**os.environ, name: value}

    def start(self):
        with open(self.log_file, "wb") as log:
            return subprocess.Popen(
                self.argv(), env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )

    def address(self, channel):
        port = self.connection[f"{channel}_port"]
        return f"tcp://127.0.0.1:{port}" if self.transport == "tcp" else f"ipc://{self.connection['ip']}-{port}"

    def dealer(self, channel):
        socket = self.context.socket(zmq.DEALER)
        socket.connect(self.address(channel))
        return socket

    # ---- sending

    def frames(self, kind, content, **header):
        header = {
            "msg_id": uuid.uuid4().hex,
            "session": self.session,
            "username": "tester",
            "date": datetime.now(timezone.utc).isoformat(),
            "msg_type": kind,
            "version": "5.4",
            **header,
        }
        parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        return header["msg_id"], [DELIMITER, self.sign(parts), *parts]

    def sign(self, parts):
        if not self.key:
            return b""
        return hmac.new(self.key, b"".join(parts), hashlib.sha256).hexdigest().encode()

    def send(self, socket, kind, content):
        identifier, frames = self.frames(kind, content)
        socket.send_multipart(frames)
        return identifier

    def execute(self, code, **more):
        return self.send(self.shell, "execute_request", {
            "code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
            "stop_on_error": True, **more,
        })

    # ---- receiving

    def receive(self, socket, patience_s=PATIENCE_S):
        """The next message, signature checked; None when none comes."""
        if not socket.poll(int(patience_s * 1000)):
            return None
        frames = socket.recv_multipart()
        at = frames.index(DELIMITER)
        signature, parts = frames[at + 1], frames[at + 2:at + 6]
        assert signature == self.sign(parts), "the kernel's signature is wrong"
        header, parent, metadata, content = (json.loads(part) for part in parts)
        return {"topic": frames[:at], "header": header, "parent": parent, "metadata": metadata, "content": content,
                "type": header["msg_type"], "for": parent.get("msg_id")}

    def reply(self, identifier, socket=None):
        """The reply to one request; replies to others are an error of the test's caller and are passed over."""
        socket = socket or self.shell
        while True:
            message = self.receive(socket)
            assert message is not None, f"no reply; the kernel's log:\n{self.log_file.read_text()}"
            if message["for"] == identifier:
                return message

    def outputs(self, identifier):
        """IOPub messages of one request, up to its idle."""
        found = []
        while True:
            message = self.receive(self.iopub)
            assert message is not None, f"no idle; the kernel's log:\n{self.log_file.read_text()}"
            if message["for"] == identifier:
                found.append(message)
                if message["type"] == "status" and message["content"]["execution_state"] == "idle":
                    return found

    def wait_for(self, identifier, kind):
        """Waits until an IOPub message of this kind comes for a request."""
        while True:
            message = self.receive(self.iopub)
            assert message is not None, f"no {kind}; the kernel's log:\n{self.log_file.read_text()}"
            if message["for"] == identifier and message["type"] == kind:
                return message

    def ask(self, kind, content, socket=None):
        socket = socket or self.shell
        return self.reply(self.send(socket, kind, content), socket)

    def ready(self):
        """Waits for the kernel, and for the IOPub subscription to be through."""
        info = self.ask("kernel_info_request", {})
        identifiers = {info["for"]}
        while True:
            message = self.receive(self.iopub, 1)
            if message is not None and message["for"] in identifiers and message["type"] == "status":
                break
            if message is None:
                identifiers.add(self.ask("kernel_info_request", {})["for"])
        self.drain()
        return info

    def drain(self):
        while self.receive(self.iopub, 0.3) is not None:
            pass

    def run(self, code, **more):
        """Reply and outputs of a cell."""
        identifier = self.execute(code, **more)
        return self.reply(identifier), self.outputs(identifier)

    def is_alive(self):
        return self.process.poll() is None

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        self.context.destroy(linger=0)
        for reserved in self.reserved:
            reserved.close()
