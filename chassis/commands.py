"""What the services' own management commands have in common."""

import textwrap
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, NoReturn

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)

from chassis.database import UNAVAILABLE, is_unavailable


class _HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Fills paragraphs to the width, and leaves text of several lines as it is: the examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return textwrap.indent(text, indent)
        return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)


class _Parser(CommandParser):
    """Says in one sentence what is wrong with the arguments, and ends with 1, as all bad input does."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises:
            CommandError: of one sentence, where the command is called from Python.
        """
        sentence = f"{message[:1].upper()}{message[1:].rstrip('.')}."
        if self.called_from_command_line:
            self.exit(1, f"{CommandError.__name__}: {sentence}\n")
        raise CommandError(sentence)


class ServiceCommand(BaseCommand):
    """A command whose failures are one sentence and exit code 1: of bad input, and of the database.

    What a command refuses itself is a CommandError of one sentence: Django prints it.
    """

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return Django's parser, which refuses arguments in a sentence."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        # Django takes no other class for it, and would print the usage and end with 2.
        parser.__class__ = _Parser
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command as Django does.

        Raises:
            CommandError: the database did not do its part.
        """
        try:
            return super().execute(*args, **options)
        except UNAVAILABLE as error:
            happened = "does not answer" if is_unavailable(error) else "failed"
            raise CommandError(f"The database {happened}: {first_line(error)}") from error


class CommandWithExamples(ServiceCommand):
    """A command whose --help ends with examples."""

    examples: ClassVar[Sequence[tuple[str, str]]] = ()
    """What follows the command's name, and what it does."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser, with the examples in its help."""
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=self._epilog(),
            formatter_class=_HelpFormatter,
            **kwargs,
        )

    def _epilog(self) -> str:
        lines = ["Examples:"]
        for arguments, meaning in self.examples:
            lines += [f"  %(prog)s {arguments}".rstrip(), f"      {meaning}"]
        return "\n".join(lines)


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, for a sentence on the command line."""
    return str(error).strip().partition("\n")[0]


def printable(text: str) -> str:
    """Return a text that came from elsewhere as one line that a terminal shows and does not obey."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def read_time(option: str, text: str) -> datetime:
    """Return the time that an option names, or the begin of the day; one without a zone is UTC.

    Raises:
        CommandError: it does not read so.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f"{option}: {text} is no time in ISO 8601, such as 2026-11-29T08:00:00Z."
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with what is counted: 1 event, 2 events; `many` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
