"""What the services' own management commands have in common."""

import textwrap
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter


class _HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Fills paragraphs to the width, and leaves text of several lines as it is: the examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return textwrap.indent(text, indent)
        return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)


class CommandWithExamples(BaseCommand):
    """A command whose --help ends with examples.

    Bad input is a CommandError of one sentence: Django prints it, and the exit code is 1.
    """

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
