"""A mail server on loopback: as much of SMTP (RFC 5321) as one mail needs."""

import contextlib
import re
import socketserver
import threading
from base64 import b64decode
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

_ADDRESS: Final = re.compile(r"<([^<>]*)>")


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail, without log-in or with one; `refuses` makes it answer 550 to every recipient."""

    daemon_threads = True

    def __init__(self, *, log_in: tuple[str, str] | None = None, refuses: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.log_in = log_in
        self.refuses = refuses
        self.recipients: list[str] = []
        """Everyone that a mail was offered for, refused ones too."""
        self.mails: list[EmailMessage] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def serving(server: MailServer) -> Iterator[MailServer]:
    """Let a server answer within the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer
    timeout = 5

    def handle(self) -> None:
        self._logged_in = self.server.log_in is None
        self._say("220 mail.shop.example")
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            answer = getattr(self, f"_{verb.lower()}", self._unknown)(rest)
            self._say(answer)
            if verb.upper() == "QUIT":
                return

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _unknown(self, _: str) -> str:
        return "502 no such command"

    def _ehlo(self, _: str) -> str:
        if self.server.log_in is not None:
            self._say("250-mail.shop.example")
            return "250 AUTH PLAIN"
        return "250 mail.shop.example"

    def _auth(self, rest: str) -> str:
        """Take a log-in (RFC 4616): the name and the password after NULs."""
        _, _, encoded = rest.partition(" ")
        _, name, password = b64decode(encoded).decode().split("\0")
        self._logged_in = (name, password) == self.server.log_in
        return "235 welcome" if self._logged_in else f"535 {name} is not welcome"

    def _mail(self, _: str) -> str:
        return "250 ok" if self._logged_in else "530 log in first"

    def _rcpt(self, rest: str) -> str:
        found = _ADDRESS.search(rest)
        address = found[1] if found else ""
        self.server.recipients.append(address)
        return f"550 nobody is called {address}" if self.server.refuses else "250 ok"

    def _data(self, _: str) -> str:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        self.server.mails.append(mail)
        return "250 taken"

    def _rset(self, _: str) -> str:
        return "250 ok"

    def _quit(self, _: str) -> str:
        return "221 bye"
