"""The only reader of the environment: checks all variables of a service at once (settings/variables.py)."""

from collections.abc import Mapping
from typing import Any

from environs import EnvError, EnvValidationError, FileAwareEnv

from settings.variables import (
    AUTH,
    CATALOG,
    ORDER,
    REQUIRED,
    SERVICES,
    VARIABLES,
    Variable,
    contradictions,
)

__all__ = ["AUTH", "CATALOG", "ORDER", "SERVICES", "VARIABLES", "read", "variables_of"]


def variables_of(service: str) -> list[Variable]:
    """Return the variables that a service reads, in declared order."""
    return [variable for variable in VARIABLES if service in variable.services]


def read(service: str) -> Mapping[str, Any]:
    """Read and check every variable of a service.

    Raises:
        SystemExit: with one message that lists each missing or bad variable; the exit code is 1.
    """
    env = FileAwareEnv(strip_whitespace=True)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for variable in variables_of(service):
        try:
            values[variable.name] = _read_one(env, variable)
        except (EnvError, ValueError, OSError) as error:
            problems.append(f"  {variable.name}: {_reason(error, variable)}")
    if not problems:
        problems = [f"  {problem}" for problem in contradictions(values)]
    if problems:
        raise SystemExit(
            f"The {service} service cannot start; missing or bad environment variables: {len(problems)}.\n"
            + "\n".join(problems)
        )
    return values


def _read_one(env: FileAwareEnv, variable: Variable) -> Any:
    options: dict[str, Any] = {}
    if variable.default is not REQUIRED:
        options["default"] = variable.default
    if variable.check is not None:
        options["validate"] = variable.check
    return getattr(env, variable.kind)(variable.name, **options)


def _reason(error: Exception, variable: Variable) -> str:
    """Return what is wrong, never the value: it may be a secret."""
    if isinstance(error, EnvValidationError):
        return "; ".join(str(message) for message in error.error_messages)
    if isinstance(error, EnvError):
        return f"missing ({variable.help})"
    return f"{variable.name}_FILE must name a readable text file"
