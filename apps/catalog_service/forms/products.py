"""Forms of products."""

import json as pretty
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms

from apps.catalog_service import conf
from apps.catalog_service.domain.pricing import BadRule, PriceRule
from apps.catalog_service.forms.judging import judge
from apps.catalog_service.models import Product, ProductStatus
from apps.catalog_service.serializers.products import ProductInput, ProductPatch
from chassis import json
from chassis.admin.theme import DecimalInput, FileInput, Select, Textarea, TextInput

ENDINGS: Final = (
    ("0.01|0", "to a cent"),
    ("0.05|0", "to 0.05"),
    ("0.10|0", "to 0.10"),
    ("1|0", "to whole units"),
    ("1|0.99", "to end in .99"),
    ("1|0.95", "to end in .95"),
)
"""Steps and endings of new prices, as a rule takes them."""

_WORDING: Final = {
    (
        "price",
        "invalid",
    ): "Type an amount such as 19.90: a point, no comma, and two decimals at most"
}
"""What is told of a bad price; the API speaks of strings."""


_FILE_TYPES: Final = "image/png,image/jpeg,image/webp,image/gif"


def _picture_field(**options: Any) -> forms.FileField:
    return forms.FileField(
        widget=FileInput(attrs={"accept": _FILE_TYPES}),
        help_text="PNG, JPEG, WebP or GIF, up to 8 MiB",
        **options,
    )


class ProductForm(forms.Form):
    """A product as staff type it.

    `version` is the one that they looked at; a new product has none, and may bring its `picture`.
    """

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    sku = forms.CharField(
        label="SKU", max_length=64, widget=TextInput, help_text="Letters, digits and . _ : -"
    )
    name = forms.CharField(max_length=200, widget=TextInput)
    slug = forms.CharField(
        max_length=120,
        required=False,
        widget=TextInput,
        help_text="The end of its address; made of the name if left empty",
    )
    category = forms.ChoiceField(widget=Select)
    price = forms.CharField(max_length=20, widget=TextInput(attrs={"inputmode": "decimal"}))
    status = forms.ChoiceField(choices=ProductStatus.choices, widget=Select)
    description = forms.CharField(
        max_length=20_000, required=False, widget=Textarea(attrs={"rows": 5})
    )
    attributes = forms.CharField(
        required=False,
        widget=Textarea(attrs={"rows": 6, "class": "souk-code", "spellcheck": "false"}),
        help_text='A JSON object, such as {"color": "red", "width_cm": 40}',
    )
    image_url = forms.CharField(
        label="Picture's address",
        max_length=500,
        required=False,
        widget=TextInput,
        help_text="Or upload a picture",
    )
    picture = _picture_field(label="Or a picture to upload", required=False)

    def __init__(
        self, *args: Any, categories: Sequence[tuple[str, str]], product: Product | None, **kw: Any
    ) -> None:
        """Take the choices of category, and the product that is changed, if there is one."""
        super().__init__(*args, **kw)
        self.product = product
        self.fields["category"].choices = [("", "Choose one"), *categories]  # type: ignore[attr-defined]
        self.fields["price"].label = f"Price in {conf.currency()}"
        if product is None:
            del self.fields["version"]
            self.fields["image_url"].help_text = "Or upload a picture, here or later"
        else:
            del self.fields["picture"]
            # What other systems call it never changes.
            self.fields["sku"].disabled = True
            self.fields["slug"].required = True
            self.fields["slug"].help_text = "The end of its address; links to the old one break"

    @staticmethod
    def values_of(product: Product) -> dict[str, Any]:
        """Return what the form shows of a product."""
        return {
            **{name: getattr(product, name) for name in ("version", "sku", "name", "slug")},
            **{name: getattr(product, name) for name in ("status", "description", "image_url")},
            "price": f"{product.price:.2f}",
            "category": product.category.slug,
            "attributes": pretty.dumps(product.attributes, indent=2, ensure_ascii=False),
        }

    def clean_attributes(self) -> dict[str, Any]:
        """Return the attributes; what kind of object they may be is the API's to say."""
        text = self.cleaned_data["attributes"].strip() or "{}"
        if "\\u0000" in text:
            raise forms.ValidationError("NUL characters cannot be stored.")
        try:
            value: dict[str, Any] = json.decode(text)
        except ValueError as error:
            raise forms.ValidationError(f"This is no JSON: {error}.") from error
        return value

    def clean_description(self) -> str:
        """Return the description with the line ends that it was stored with: a form sends others."""
        return str(self.cleaned_data["description"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """Return the values as the services take them."""
        typed = super().clean() or {}
        beside: dict[str, Any] = {
            name: typed.pop(name) for name in ("version", "picture") if name in typed
        }
        if not typed.get("slug"):
            typed.pop("slug", None)
        if self.product is not None:
            typed.pop("sku", None)
        if beside.get("picture") and typed.get("image_url"):
            self.add_error("image_url", "Give an address or upload a picture, not both.")
        judging = ProductPatch if self.product else ProductInput
        return {**judge(self, judging(data=typed), wording=_WORDING), **beside}

    def keep_despite(self, product: Product) -> None:
        """Keep what was typed though the product was changed meanwhile; say what it is now.

        Sent once more, it is a change of that newer state.
        """
        self.data = {**self.data.dict(), "version": str(product.version)}  # type: ignore[attr-defined]
        now = self.values_of(product)
        for name, field in self.fields.items():
            typed = str(self.data.get(name, "")).replace("\r\n", "\n").strip()
            if name != "version" and not field.disabled and typed != str(now[name]).strip():
                self.add_error(name, f"Now: {_shortened(_shown(field, now[name]))}")


def _shown(field: forms.Field, value: Any) -> str:
    choices: Mapping[Any, Any] = dict(getattr(field, "choices", ()))
    return str(choices.get(value, value)).replace("\xa0", "")


def _shortened(text: str) -> str:
    return (f"{text[:199]}…" if len(text) > 200 else text) or "empty"  # noqa: PLR2004 -- a line or two


class PictureForm(forms.Form):
    """A picture to upload."""

    picture = _picture_field()


class RepriceForm(forms.Form):
    """A rule that makes new prices of old ones."""

    kind = forms.ChoiceField(
        label="Change",
        choices=[("percent", "by percent"), ("amount", "by an amount"), ("set", "to one price")],
        widget=Select,
    )
    value = forms.DecimalField(
        max_digits=14,
        decimal_places=4,
        widget=DecimalInput(attrs={"step": "any"}),
        help_text="Below 0 makes prices lower",
    )
    rounding = forms.ChoiceField(label="Round", choices=ENDINGS, widget=Select)

    def clean(self) -> dict[str, Any]:
        """Return {rule}."""
        typed = super().clean() or {}
        if self.errors:
            return typed
        step, ending = map(Decimal, typed["rounding"].split("|"))
        try:
            rule = PriceRule(kind=typed["kind"], value=typed["value"], rounding=step, ending=ending)
        except BadRule as error:
            raise forms.ValidationError(str(error)) from error
        return {"rule": rule}
