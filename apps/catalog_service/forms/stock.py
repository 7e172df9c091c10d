"""Forms of stock."""

from typing import Any

from django import forms

from apps.catalog_service.forms.judging import judge
from apps.catalog_service.serializers.stock import AdjustmentInput
from chassis.admin.theme import DecimalInput, TextInput


class AdjustForm(forms.Form):
    """Pieces to add or take. `seen` is the newest movement that its author knew of."""

    quantity = forms.IntegerField(
        widget=DecimalInput(attrs={"step": "1"}), help_text="Below 0 takes pieces away"
    )
    reason = forms.CharField(max_length=200, widget=TextInput)
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Return the values as the service takes them."""
        typed = super().clean() or {}
        body = {name: typed[name] for name in ("quantity", "reason") if name in typed}
        return {**judge(self, AdjustmentInput(data=body)), "seen": typed.get("seen")}

    def keep(self, *, seen: int) -> None:
        """Keep what was typed, as of somebody who knows the newer movements."""
        self.data = {**self.data.dict(), "seen": str(seen)}  # type: ignore[attr-defined]
