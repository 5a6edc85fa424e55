"""Drives a headless Chromium by its debugging protocol, with the standard library alone.

Comes in: the address of a page. Leaves: values of expressions, pictures, and what the page complained of."""

import base64
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time


class WebSocket:
    """The client's side of one connection, for text messages."""

    def __init__(self, address):
        host, path = address.removeprefix("ws://").split("/", 1)
        name, port = host.split(":")
        self.socket = socket.create_connection((name, int(port)), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.socket.recv(4096)
        self.rest = self.rest.split(b"\r\n\r\n", 1)[1]

    def _take(self, count):
        while len(self.rest) < count:
            part = self.socket.recv(1 << 20)
            if not part:
                raise ConnectionError("Chromium closed the connection.")
            self.rest += part
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def send(self, text):
        data = text.encode()
        size = len(data)
        head = b"\x81" + (
            struct.pack("!B", 128 | size) if size < 126
            else struct.pack("!BH", 128 | 126, size) if size < 65536
            else struct.pack("!BQ", 128 | 127, size))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self.socket.sendall(head + mask + masked)

    def receive(self):
        whole = b""
        while True:
            first, second = self._take(2)
            size = second & 127
            if size == 126:
                size = struct.unpack("!H", self._take(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self._take(8))[0]
            part = self._take(size)
            if first & 15 in (0, 1):
                whole += part
                if first & 128:
                    return whole.decode()


class Browser:
    """One page of a Chromium of its own; to be used with `with`."""

    def __init__(self, program="chromium"):
        self.folder = tempfile.mkdtemp()
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--remote-debugging-port=0", f"--user-data-dir={self.folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = pathlib.Path(self.folder, "DevToolsActivePort")
        for _ in range(300):
            if port.exists() and port.read_text().count("\n"):
                break
            time.sleep(0.1)
        number = port.read_text().split("\n")[0]
        import urllib.request
        pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{number}/json"))
        page = next(one for one in pages if one["type"] == "page")
        self.connection = WebSocket(page["webSocketDebuggerUrl"])
        self.number = 0
        self.complaints = []
        self.requests = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _note(self, message):
        method, given = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded":
            self.complaints.append(given["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
            self.complaints.append(str([one.get("value") for one in given["args"]]))
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append("a dialog opened: " + given["message"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])

    def call(self, method, **given):
        self.number += 1
        self.connection.send(json.dumps({"id": self.number, "method": method, "params": given}))
        while True:
            message = json.loads(self.connection.receive())
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def value(self, expression):
        """The value of an expression in the page; promises are waited for."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression, seconds=20):
        """Waits until an expression is true."""
        end = time.time() + seconds
        while not self.value(expression):
            if time.time() > end:
                raise TimeoutError(expression)
            time.sleep(0.05)

    def show(self, width, height, scheme="light"):
        """Sets the size of the window and whether light or dark is preferred."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 600)
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, address):
        self.call("Page.navigate", url=address)
        self.wait("document.documentElement?.dataset.ready === 'true'", 60)

    def picture(self, path, whole=False):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        pathlib.Path(path).write_bytes(base64.b64decode(data["data"]))

    def pointer(self, kind, x, y, button="none"):
        self.call(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button,
            buttons=1 if button == "left" and kind != "mouseReleased" else 0, clickCount=1)

    def drag(self, x0, x1, y):
        self.pointer("mouseMoved", x0, y)
        self.pointer("mousePressed", x0, y, "left")
        for step in range(1, 6):
            self.pointer("mouseMoved", x0 + (x1 - x0) * step / 5, y, "left")
        self.pointer("mouseReleased", x1, y, "left")
