# Indexes and checks of tables that may be large, made while the previous release goes on writing to them.

import django.contrib.postgres.indexes
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0002_complete")]

    operations = [
        # Each waits for the transactions that were there before it, and then reads the whole table.
        migrations.RunSQL(
            ["SET statement_timeout = 0", "SET lock_timeout = 0"],
            ["RESET statement_timeout", "RESET lock_timeout"],
        ),
        # Those that a killed migration left behind, whole or not.
        *(
            migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)
            for name in (
                "customer_email_prefix",
                "orders_placed",
                "orders_paid",
                "orders_lines",
                "payment_to_refund",
            )
        ),
        AddIndexConcurrently(
            model_name="customer",
            index=models.Index(
                django.db.models.functions.comparison.Collate(
                    django.db.models.functions.text.Lower("email"), "C"
                ),
                name="customer_email_prefix",
            ),
        ),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                condition=models.Q(("placed_at__isnull", False)),
                fields=["placed_at"],
                name="orders_placed",
            ),
        ),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                condition=models.Q(("paid_at__isnull", False)),
                fields=["paid_at"],
                include=("total",),
                name="orders_paid",
            ),
        ),
        AddIndexConcurrently(
            model_name="order",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["requested_lines"], name="orders_lines", opclasses=["jsonb_path_ops"]
            ),
        ),
        AddIndexConcurrently(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("status", "refunding")),
                fields=["refund_after"],
                name="payment_to_refund",
            ),
        ),
        ValidateConstraint(model_name="payment", name="payment_status_known"),
        ValidateConstraint(model_name="payment", name="payment_refunded_or_to_refund"),
        ValidateConstraint(model_name="payment", name="payment_refunded_at_known"),
        migrations.RunSQL(
            ["RESET statement_timeout", "RESET lock_timeout"],
            ["SET statement_timeout = 0", "SET lock_timeout = 0"],
        ),
    ]
