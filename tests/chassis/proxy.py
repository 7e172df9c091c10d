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
        self._lock = threading.Lock()
        self.up()

    def up(self) -> None:
        """Accept connections."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def down(self) -> None:
        """Refuse connections, and break those that are open."""
        with self._lock:
            listener, self._listener = self._listener, None
            still_open = list(self._open)
        assert listener is not None
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in still_open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=[listener, client], daemon=True).start()

    def _forward(self, listener: socket.socket, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._engine_port)) as engine:
            pair = {client: engine, engine: client}
            with self._lock:
                if self._listener is not listener:
                    return  # it was accepted, and then all were broken
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
                with self._lock:
                    self._open -= {client, engine}
