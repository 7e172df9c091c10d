"""How numbers are said to people."""


def counted(number: int, noun: str) -> str:
    """Return the number with its noun, such as "1 line" or "3 lines"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
