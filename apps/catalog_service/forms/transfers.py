"""Forms of files that staff bring in and take out."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final

from django import forms

from apps.catalog_service.models import ProductStatus
from apps.catalog_service.services import importing, transfers
from apps.catalog_service.services.importing import mapping
from chassis.admin.theme import CheckboxInput, DecimalInput, FileInput, Select, Textarea, TextInput

_MOST_ON_HAND: Final = 1_000_000
_MEBIBYTE: Final = 1024 * 1024


def _flag(label: str, help_text: str) -> forms.BooleanField:
    return forms.BooleanField(
        label=label, required=False, widget=CheckboxInput, help_text=help_text
    )


class _FileForm(forms.Form):
    """A file to bring in."""

    formats: tuple[str, ...] = ("csv",)

    def clean_file(self) -> Any:
        """Refuse what is too large, and what is called neither of the formats."""
        file = self.cleaned_data["file"]
        if file.size > transfers.MOST_BYTES:
            raise forms.ValidationError(
                f"It is larger than {transfers.MOST_BYTES // _MEBIBYTE} MiB: "
                "split it, or import it by the command."
            )
        if self._format_of(file.name) not in self.formats:
            names = " or ".join(f".{name}" for name in self.formats)
            raise forms.ValidationError(f"Its name must end in {names}.")
        return file

    @staticmethod
    def _format_of(name: str) -> str:
        return PurePath(name).suffix.lower().removeprefix(".")


class ImportForm(_FileForm):
    """Products to make and change."""

    formats = importing.FORMATS
    file = forms.FileField(
        widget=FileInput(attrs={"accept": ".csv,.json"}),
        help_text="A CSV with a line of column names, or a JSON list of objects; up to 64 MiB",
    )
    mapping = forms.CharField(
        label="Where fields stand",
        required=False,
        max_length=2000,
        widget=Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="As --map of the command takes it, such as sku=Id,name=Name; "
        "what is not named is looked for under its own name",
    )
    on_hand = forms.IntegerField(
        label="Pieces of each new product",
        min_value=0,
        max_value=_MOST_ON_HAND,
        initial=0,
        widget=DecimalInput(attrs={"step": "1"}),
        help_text="Others keep their stock",
    )
    strict = _flag("All or nothing", "The first bad row stops it, and nothing is changed")
    dry_run = _flag("Dry run", "Do all of it, take it back, and tell what would have changed")

    def clean_mapping(self) -> dict[str, str]:
        """Return the column of each field."""
        try:
            return mapping.parse(self.cleaned_data["mapping"].splitlines())
        except mapping.BadMapping as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """Return {file, options}."""
        typed = super().clean() or {}
        if self.errors:
            return typed
        file = typed.pop("file")
        return {"file": file, "options": {**typed, "form": self._format_of(file.name)}}


class AdjustFileForm(_FileForm):
    """Changes of stock."""

    file = forms.FileField(
        widget=FileInput(attrs={"accept": ".csv"}),
        help_text="A CSV with the columns sku, reason, and either quantity (pieces to add, or to "
        "take where it is below 0) or on_hand (pieces that were counted); up to 64 MiB",
    )
    reason = forms.CharField(
        required=False,
        max_length=200,
        widget=TextInput,
        help_text="For the ledger, of rows that give none; the file's name if left empty",
    )
    dry_run = _flag("Dry run", "Tell what would have changed, and change nothing")

    def clean(self) -> dict[str, Any]:
        """Return {file, options}."""
        typed = super().clean() or {}
        if self.errors:
            return typed
        file = typed.pop("file")
        return {"file": file, "options": typed}


class ExportForm(forms.Form):
    """Which products to take out."""

    category = forms.ChoiceField(required=False, widget=Select)
    status = forms.ChoiceField(
        required=False, choices=[("", "All"), *ProductStatus.choices], widget=Select
    )
    for_spreadsheets = _flag(
        "To be looked at in a spreadsheet",
        "Puts an apostrophe before texts that it would run as formulas; not to be imported again",
    )

    def __init__(self, *args: Any, categories: Sequence[tuple[str, str]], **kw: Any) -> None:
        """Take the choices of category."""
        super().__init__(*args, **kw)
        self.fields["category"].choices = [("", "All"), *categories]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Return {options}."""
        typed = super().clean() or {}
        if self.errors:
            return typed
        status = typed.pop("status")
        return {"options": {**typed, "statuses": [status] if status else []}}
