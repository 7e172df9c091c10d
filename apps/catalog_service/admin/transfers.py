"""Imports and exports: begun here, done by a worker, watched here (ADR 0026)."""

from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.contrib import messages
from django.forms import Form
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.utils.html import format_html

from apps.catalog_service.admin.categories import category_choices
from apps.catalog_service.admin.links import list_url
from apps.catalog_service.errors import StorageUnavailable
from apps.catalog_service.forms.transfers import AdjustFileForm, ExportForm, ImportForm
from apps.catalog_service.models import Transfer, TransferKind, TransferStatus
from apps.catalog_service.services import transfers
from chassis.admin.display import age, user_link, when
from chassis.admin.filters import as_uuid
from chassis.admin.options import ReadOnlyAdmin, actor_id
from chassis.admin.theme import ChoicesDropdownFilter, action, display

_REFRESH_SECONDS: Final = 2
_COLOURS: Final = {
    "queued": "",
    "running": "info",
    "done": "success",
    "done in part": "warning",
    "failed": "danger",
}
_COUNTS: Final = {"bad": "left out"}
"""What a page calls a count, where it is not its own name."""


class Beginning(NamedTuple):
    """How a kind of transfer is begun."""

    kind: TransferKind
    title: str
    text: str
    button: str


_IMPORT: Final = Beginning(
    TransferKind.IMPORT_PRODUCTS,
    "Import products",
    "Products of unknown SKUs are made, others are changed where the file says something else."
    " Bad rows are left out and told; importing a file again changes nothing.",
    "Import",
)
_ADJUST: Final = Beginning(
    TransferKind.ADJUST_STOCK,
    "Adjust stock from a file",
    "Each row is a movement in the ledger. Rows that would leave less than is reserved are left out"
    " and told.",
    "Adjust",
)
_EXPORT: Final = Beginning(
    TransferKind.EXPORT_PRODUCTS,
    "Export products",
    "A CSV with the columns of an import, and the stock after them. Imported again, it changes"
    " nothing.",
    "Export",
)


class TransferAdmin(ReadOnlyAdmin):
    """Files that staff brought in and took out, and how far they are."""

    list_display = ("what", "state", "how_far", "result", "asked", "by")
    list_filter = (("kind", ChoicesDropdownFilter), ("status", ChoicesDropdownFilter))
    audit_type = "transfer"
    has_history = True
    actions_list = ("import_products", "adjust_stock", "export_products")
    actions_detail = ("download",)

    @display(description="Transfer", header=True)
    def what(self, obj: Transfer) -> tuple[str, str]:
        """Return the kind, and what the user calls the file."""
        return obj.get_kind_display(), obj.file_name

    @display(description="State", label=_COLOURS)
    def state(self, obj: Transfer) -> str:
        """Return the status; one that left rows out is not simply done."""
        return "done in part" if is_partly_done(obj) else obj.status

    @display(description="Progress")
    def how_far(self, obj: Transfer) -> str:
        """Return a bar."""
        if obj.status == TransferStatus.FAILED:
            return ""
        percent = percent_of(obj)
        return format_html(
            '<progress class="souk-progress{}" max="100" value="{}" title="{} %"></progress>',
            " souk-partly" if is_partly_done(obj) else "",
            percent,
            percent,
        )

    @display(description="Result")
    def result(self, obj: Transfer) -> str:
        """Return the counts, or why it failed."""
        return obj.error[:120] or ", ".join(f"{number:,} {name}" for name, number in counts_of(obj))

    @display(description="Asked for")
    def asked(self, obj: Transfer) -> str:
        """Return how long ago it was asked for."""
        return when(obj.created_at)

    @display(description="By")
    def by(self, obj: Transfer) -> str:
        """Return the user's id, with a link."""
        return user_link(obj.created_by)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a transfer; while more is to come, the page asks anew by itself."""
        transfer: Transfer = self.object_or_404(request, object_id)
        page = self.row_page(
            request,
            transfer,
            "catalog/admin/transfer.html",
            title=transfer.get_kind_display(),
            transfer=transfer,
            percent=percent_of(transfer),
            counts=counts_of(transfer),
            left_out=transfer.summary["bad"] if is_partly_done(transfer) else 0,
            unread=transfer.summary.get("unread"),
            options=options_of(transfer),
            took=_took(transfer),
        )
        if transfer.is_under_way:
            page["Refresh"] = str(_REFRESH_SECONDS)
        return page

    # What staff may begin

    @action(description="Import products", url_path="import-products", icon="upload")
    def import_products(self, request: HttpRequest) -> HttpResponse:
        """Take a file of products."""
        form = ImportForm(request.POST or None, request.FILES or None)
        return self._begun(request, _IMPORT, form)

    @action(description="Adjust stock", url_path="adjust-stock", icon="inventory_2")
    def adjust_stock(self, request: HttpRequest) -> HttpResponse:
        """Take a file of adjustments."""
        form = AdjustFileForm(request.POST or None, request.FILES or None)
        return self._begun(request, _ADJUST, form)

    @action(description="Export products", url_path="export-products", icon="download")
    def export_products(self, request: HttpRequest) -> HttpResponse:
        """Ask which products to take out; a link may have chosen a category and a status."""
        chosen = {name: request.GET.get(name, "") for name in ("category", "status")}
        form = ExportForm(request.POST or None, categories=category_choices(), initial=chosen)
        return self._begun(request, _EXPORT, form)

    def _begun(self, request: HttpRequest, beginning: Beginning, form: Form) -> HttpResponse:
        """Ask, and lead to the page of what was begun."""
        begun: list[Transfer] = []

        def begin(values: dict[str, Any]) -> str:
            file = values.get("file")
            begun.append(
                transfers.start(
                    beginning.kind,
                    by=actor_id(request),
                    file=file,
                    file_name=file.name if file else "",
                    options=values["options"],
                )
            )
            return "A worker takes it up within seconds."

        if request.method == "POST" and self.submitted(request, form, begin):
            return HttpResponseRedirect(self._url_of(begun[0]))
        return self.page(
            request,
            "souk/form.html",
            title=beginning.title,
            text=beginning.text,
            form=form,
            button=beginning.button,
            back=list_url("transfer"),
        )

    # The file

    def has_download_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Tell whether there is a file to have."""
        transfer_id = as_uuid(str(object_id))
        if transfer_id is None:
            return False
        return Transfer.objects.filter(pk=transfer_id).exclude(stored_name="").exists()

    @action(description="Download", url_path="download", icon="download", permissions=["download"])
    def download(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Stream the result, or what was uploaded, as a file that no browser opens by itself."""
        transfer: Transfer = self.object_or_404(request, object_id)
        try:
            file = transfers.open_file(transfer.stored_name)
        except StorageUnavailable as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(self._url_of(transfer))
        except FileNotFoundError:
            self.message_user(request, "The file is not in the storage any more.", messages.ERROR)
            return HttpResponseRedirect(self._url_of(transfer))
        is_ours = transfer.kind == TransferKind.EXPORT_PRODUCTS
        return FileResponse(
            file,
            as_attachment=True,
            filename=transfer.file_name,
            content_type="text/csv; charset=utf-8" if is_ours else "application/octet-stream",
        )


def percent_of(transfer: Transfer) -> int:
    """Return how far a transfer is."""
    if transfer.status == TransferStatus.DONE:
        return 100
    return min(99, 100 * transfer.progress // transfer.total) if transfer.total else 0


def is_partly_done(transfer: Transfer) -> bool:
    """Tell whether a transfer is done, but for rows that it left out."""
    return transfer.status == TransferStatus.DONE and bool(transfer.summary.get("bad"))


def counts_of(transfer: Transfer) -> list[tuple[str, int]]:
    """Return what became of the rows, as words and numbers."""
    return [
        (_COUNTS.get(name, name), number)
        for name, number in transfer.summary.items()
        if name != "unread"
    ]


def options_of(transfer: Transfer) -> list[tuple[str, str]]:
    """Return what was asked for beside the file, as words; what was left as it is goes without saying."""
    return [
        (name.replace("_", " "), _as_text(value))
        for name, value in transfer.options.items()
        if value
    ]


def _as_text(value: Any) -> str:
    if value is True:
        return "yes"
    if isinstance(value, dict):
        return ", ".join(f"{name}={where}" for name, where in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _took(transfer: Transfer) -> str:
    """Return how long it took from the asking on, for people."""
    if transfer.finished_at is None:
        return ""
    waited: timedelta = transfer.finished_at - transfer.created_at
    return age(waited.total_seconds())
