"""Forms of what staff do to an order."""

from django import forms

from apps.order_service.serializers.fulfilment import LONGEST_REASON
from chassis.admin.theme import CheckboxInput, TextInput


class NoteForm(forms.Form):
    """What staff may want to note, for the order's history."""

    note = forms.CharField(
        max_length=LONGEST_REASON,
        required=False,
        widget=TextInput,
        help_text="For the order's history, such as the parcel's number",
    )


class ReasonForm(forms.Form):
    """Why, for the history."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=TextInput,
        help_text="For the order's history; the customer is not told",
    )


class RefundForm(ReasonForm):
    """Why, and what becomes of the goods."""

    restock = forms.BooleanField(
        label="The goods go back into stock",
        required=False,
        widget=CheckboxInput,
        help_text="Not where they are lost, broken, or stay with the customer",
    )
