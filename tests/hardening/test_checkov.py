"""What is made of checkov's reports; `make check` runs checkov itself."""

from typing import Any

from tests.hardening.checkov import CONFIGURATION, explained, findings

REASON = "for a reason that is long enough"


def report(kind: str, *failed: str, **others: Any) -> dict[str, Any]:
    checks = [
        {"check_id": one, "check_name": "Says why", "resource": "Pod.x", "file_path": "/small.yaml"}
        for one in failed
    ]
    empty: dict[str, list[Any]] = {"skipped_checks": [], "parsing_errors": []}
    results = {**empty, "failed_checks": checks, **others}
    return {"check_type": kind, "summary": {"passed": 1}, "results": results}


def found(*failed: str, configuration: str = "", **others: Any) -> list[str]:
    reports = [report("dockerfile"), report("kubernetes", *failed, **others)]
    return list(findings(reports, configuration))


class TestFinding:
    def test_without_a_reason_is_told(self) -> None:
        assert found("CKV_1") == ["/small.yaml Pod.x: CKV_1 Says why"]
        assert found() == []

    def test_with_a_reason_is_not(self) -> None:
        assert found("CKV_1", configuration=f"skip-check:\n  - CKV_1  # {REASON}\n") == []

    def test_cannot_be_explained_in_the_file_itself(self) -> None:
        skipped = [{"check_id": "CKV_1", "file_path": "/small.yaml"}]
        assert found(skipped_checks=skipped) == ["/small.yaml: CKV_1 is skipped in the file itself"]

    def test_is_that_a_file_cannot_be_read(self) -> None:
        assert found(parsing_errors=["/small.yaml"]) == ["kubernetes: cannot read /small.yaml"]

    def test_is_that_nothing_was_checked(self) -> None:
        reports = [report("dockerfile"), {"check_type": "kubernetes", "summary": {"passed": 0}}]
        assert list(findings(reports, "")) == ["kubernetes: nothing was checked"]
        assert list(findings(reports[:1], "")) == ["kubernetes: nothing was checked"]


class TestReason:
    def test_is_asked_for(self) -> None:
        line = "  - CKV_1  # so\n"
        assert found("CKV_1", configuration=line) == [".checkov.yaml: CKV_1 has no reason"]
        assert found("CKV_1", configuration="  - CKV_1\n") == [".checkov.yaml: CKV_1 has no reason"]

    def test_without_a_finding_is_told(self) -> None:
        assert found(configuration=f"  - CKV_1  # {REASON}\n") == [
            ".checkov.yaml: CKV_1 is found nowhere, and needs no line"
        ]

    def test_is_read_from_checkovs_own_configuration(self) -> None:
        assert "CKV_DOCKER_7" in explained(CONFIGURATION.read_text())
