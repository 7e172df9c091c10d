"""Settings of a service's OpenAPI document: what stands at its head, and the order of what is in it."""

from typing import Any, Final

from settings.variables import AUTH, CATALOG, ORDER

LABELS: Final = {
    AUTH: "Accounts and tokens",
    CATALOG: "Catalogue and stock",
    ORDER: "Carts, orders and payments",
}
"""What each service is about; the page at /docs shows all of them."""
_ABOUT: Final = {
    AUTH: "Who somebody is. Log in with `POST /api/v1/auth/token` and send its `access` as `Authorization: Bearer …` to any of "
    "the services; it lasts five minutes. `refresh` gets the next one, once.",
    CATALOG: "What the shop sells and how much of it there is. Everyone reads it; staff change it. What is read has an "
    "`ETag`: sent back as `If-None-Match` it saves the answer, as `If-Match` it keeps an edit from undoing another's.",
    ORDER: "From the cart to the refund. A call that must not happen twice takes an `Idempotency-Key`: sent again with the same "
    "key it gets the same answer, and nothing happens twice.",
}
_EVERYWHERE: Final = (
    "Errors are `application/problem+json` (RFC 9457); programs decide by `code`. Money is a decimal string, times are RFC 3339 in UTC, "
    "ids are UUIDs. Lists go on at `next`. `X-Request-ID` is answered always and taken when sent."
)
_TAGS: Final = {
    AUTH: {
        "Accounts": "Open one, confirm its address, change or reset its password.",
        "Tokens": "Log in, renew, log out.",
        "Own account": "The caller's name and log-ins.",
        "Users": "Roles and activity; for admins.",
        "Keys": "What access tokens are verified with.",
    },
    CATALOG: {
        "Products": "Find and read them; staff add, change and archive them.",
        "Categories": "The tree that products hang in.",
        "Stock": "How many there are, and what moved them; for staff.",
    },
    ORDER: {
        "Cart": "What the caller is about to order.",
        "Orders": "Place, find, follow and cancel them.",
        "Payments": "Pay an order; be told what became of a payment.",
        "Fulfilment": "Ship, deliver, refund and export; for staff.",
    },
}


def document(service: str) -> dict[str, Any]:
    """Return the settings of drf-spectacular of one service."""
    return {
        "TITLE": f"Souk: {LABELS[service].lower()}",
        "DESCRIPTION": f"{_ABOUT[service]}\n\n{_EVERYWHERE}",
        "VERSION": "1",
        "LICENSE": {
            "name": "Apache 2.0",
            "url": "https://www.apache.org/licenses/LICENSE-2.0",
        },
        # Relative: whatever host the document was read from.
        "SERVERS": [{"url": "/"}],
        "TAGS": [{"name": name, "description": text} for name, text in _TAGS[service].items()],
        "SERVE_INCLUDE_SCHEMA": False,
        "SCHEMA_PATH_PREFIX": "/api/v1",
        "COMPONENT_SPLIT_REQUEST": True,
        # In the order of the routes.
        "SORT_OPERATIONS": False,
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "chassis.openapi.add_problem_responses",
        ],
        "PREPROCESSING_HOOKS": ["chassis.openapi.public_paths_only"],
    }
