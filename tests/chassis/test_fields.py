"""chassis/fields.py."""

import pytest
from rest_framework.exceptions import ValidationError

from chassis.fields import BooleanField


class TestBooleanField:
    @pytest.mark.parametrize("value", [True, False])
    def test_takes_true_and_false(self, value):
        assert BooleanField().run_validation(value) is value

    @pytest.mark.parametrize("value", ["no", "yes", "true", "", 0, 1, 1.0, [], {}, None])
    def test_refuses_all_else(self, value):
        with pytest.raises(ValidationError) as refusal:
            BooleanField().run_validation(value)
        assert refusal.value.get_codes() == ["null" if value is None else "invalid"]
