# SPDX-License-Identifier: BSD-2-Clause
"""Between the daemon and Asterisk: cuts, holds or delays connections by what they are for, and
changes the stream of events.

A connection is known by its first request line: "events" (the WebSocket), "media" (a WebSocket of
chan_websocket) or "rest".
"""
import asyncio
import json
import socket
import struct
import threading

from rig import ports


class Proxy:
    """A port that leads to another one.

    seen    kinds of the connections that came, in order
    events  every event that Asterisk sent, as parsed
    requests  first lines of the requests that went through
    """

    def __init__(self, to_port, port=None):
        self.to_port, self.port = to_port, port or ports.take()
        self.seen, self.events, self.requests = [], [], []
        self._changer = None
        self._mode = {"events": "open", "rest": "open", "media": "open"}
        self._delay = {"events": 0.0, "rest": 0.0, "media": 0.0}
        self._live = []                      # (kind, transport of ours, transport of theirs)
        self._loop = asyncio.new_event_loop()
        self._flow = {}                      # kind -> asyncio.Event: data may pass
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(10)

    # --- what a test asks -------------------------------------------------------------------

    def cut(self, *kinds):
        """End connections of these kinds, and each new one as soon as it is known."""
        self._do(self._set, kinds, "cut")

    def hold(self, *kinds):
        """They stay open, and nothing passes: as a network that drops everything."""
        self._do(self._set, kinds, "hold")

    def free(self, *kinds):
        self._do(self._set, kinds, "open")

    def delay(self, kind, seconds):
        """Each piece of data of Asterisk's comes so much later."""
        self._delay[kind] = seconds

    def change(self, changer):
        """changer(event) -> list of (seconds, event) that are sent in its place; None: as it is."""
        self._changer = changer

    def stop(self):
        if self._loop.is_running():
            self._do(self._end)
            self._thread.join(5)

    # --- inside: the thread -----------------------------------------------------------------

    def _do(self, what, *args):
        done = threading.Event()

        def call():
            what(*args)
            done.set()
        self._loop.call_soon_threadsafe(call)
        done.wait(10)

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        for kind in self._mode:
            self._flow[kind] = asyncio.Event()
            self._flow[kind].set()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self._loop.call_soon(started.set)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _end(self):
        self._server.close()
        self._abort(tuple(self._mode))
        self._loop.call_later(0.05, self._loop.stop)

    def _set(self, kinds, mode):
        for kind in kinds or tuple(self._mode):
            self._mode[kind] = mode
            if mode == "hold":
                self._flow[kind].clear()
            else:
                self._flow[kind].set()
            if mode == "cut":
                self._abort((kind,))

    def _abort(self, kinds):
        for kind, ours, theirs in list(self._live):
            if kind in kinds:
                for writer in (ours, theirs):
                    _reset(writer)

    async def _serve(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        line = head.split(b"\r\n", 1)[0].decode()
        path = line.split(" ")[1].split("?")[0]
        kind = "rest"
        if b"upgrade: websocket" in head.lower():
            kind = "events" if path.endswith("/events") else "media"
        self.seen.append(kind)
        if self._mode[kind] == "cut":
            _reset(writer)
            return
        await self._flow[kind].wait()
        try:
            there, out = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            _reset(writer)
            return
        entry = (kind, writer, out)
        self._live.append(entry)
        self.requests.append(line)
        out.write(head)
        up = self._loop.create_task(self._pump(kind, reader, out))
        down = self._loop.create_task(
            self._relay_events(there, writer) if kind == "events"
            else self._pump(kind, there, writer, True))
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        for task in (up, down):
            task.cancel()
        for end in (writer, out):
            end.close()
        self._live.remove(entry)

    async def _pump(self, kind, reader, writer, delayed=False):
        try:
            while True:
                data = await reader.read(65536)
                if not data:
                    return
                await self._flow[kind].wait()
                if not delayed and kind == "rest":
                    self.requests += [p.split(b"\r\n")[0].decode() for p in data.split(b"\r\n\r\n")
                                      if b" HTTP/1.1" in p.split(b"\r\n")[0]]
                self._write(writer, data, self._delay[kind] if delayed else 0.0)
                await writer.drain()
        except OSError:
            pass

    async def _relay_events(self, reader, writer):
        """RFC 6455: the answer to the upgrade, then frames, each of Asterisk's whole, unmasked."""
        try:
            writer.write(await reader.readuntil(b"\r\n\r\n"))
            while True:
                head = await reader.readexactly(2)
                size = head[1] & 127
                if size >= 126:
                    size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
                data = await reader.readexactly(size)
                await self._flow["events"].wait()
                if head[0] & 15 == 1:
                    self._pass_event(writer, data)
                else:
                    self._write(writer, _frame(head[0], data), self._delay["events"])
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass

    def _pass_event(self, writer, data):
        event = json.loads(data)
        self.events.append(event)
        for seconds, changed in self._changer(event) if self._changer else [(0, event)]:
            self._write(writer, _frame(0x81, json.dumps(changed).encode()),
                        seconds + self._delay["events"])

    def _write(self, writer, data, seconds):
        if seconds:
            self._loop.call_later(seconds, self._write, writer, data, 0.0)
        elif not writer.is_closing():
            writer.write(data)


def _frame(first, data):
    size = len(data)
    if size < 126:
        head = bytes((first, size))
    elif size < 65536:
        head = bytes((first, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 127)) + size.to_bytes(8, "big")
    return head + data


def _reset(writer):
    """End it as a machine that has forgotten the connection does."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
