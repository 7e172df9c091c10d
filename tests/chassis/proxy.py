"""A TCP proxy that a test closes and opens, so that an engine seems to be down and back."""

import contextlib
import select
import socket
import threading

from tests.engines import free_port


class Proxy:
    """Forwards connections on `port` to an engine on loopback, from its start until `down`."""

    def __init__(self, engine_port: int) -> None:
        self.port = free_port()
        self._engine_port = engine_port
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self.up()

    def up(self) -> None:
        """Accept connections."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def down(self) -> None:
        """Refuse connections, and break those that are open."""
        assert self._listener is not None
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=[client], daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._engine_port)) as engine:
            pair = {client: engine, engine: client}
            self._open |= {client, engine}
            try:
                while True:
                    for one in select.select(list(pair), [], [])[0]:
                        data = one.recv(65536)
                        if not data:
                            return
                        pair[one].sendall(data)
            except OSError:
                return
            finally:
                self._open -= {client, engine}
