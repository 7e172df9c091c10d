"""What auth tells the audit: its events, and nothing of its accounts."""

import json
from io import StringIO

import pytest
from django.core.management import call_command


@pytest.mark.django_db(transaction=True)
def test_tells_events_and_no_address(api):
    body = {"email": "ada@souk.example", "password": "correct horse battery", "name": "Ada"}
    assert api.post("/api/v1/auth/register", body).status_code == 201
    out = StringIO()
    call_command("audit_export", stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["kind"] for row in rows] == ["service", "outbox", "end"]
    assert rows[0]["service"] == "auth"
    assert rows[1]["type"] == "user.registered"
    assert "souk.example" not in out.getvalue()
