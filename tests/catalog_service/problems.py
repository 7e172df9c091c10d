"""What a problem must look like."""

from typing import Any


def problem_of(response: Any, status: int, code: str) -> Any:
    """Return the problem that was answered, which is this one."""
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert response["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == f"urn:souk:problem:{code}"
    assert problem["request_id"]
    return problem


def blamed(problem: Any) -> list[str]:
    """Return where a problem found fault."""
    return [error["pointer"] for error in problem["errors"]]


def pointers(response: Any) -> list[str]:
    """Return where the answered 400 found fault."""
    return blamed(problem_of(response, 400, "validation-failed"))
