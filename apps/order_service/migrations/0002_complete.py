# What takes long on large tables is in 0003: here each lock is held for an instant.

import django.db.models.deletion
import django.utils.timezone
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="CartItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user_id", models.UUIDField()),
                ("sku", models.CharField(max_length=64)),
                ("quantity", models.PositiveIntegerField()),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "cart_item",
            },
        ),
        migrations.CreateModel(
            name="KnownProduct",
            fields=[
                ("sku", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("name", models.TextField(null=True)),
                ("slug", models.TextField(null=True)),
                ("image_url", models.TextField(default="")),
                ("status", models.CharField(max_length=10, null=True)),
                ("described_sequence", models.BigIntegerField(default=0)),
                ("status_sequence", models.BigIntegerField(default=0)),
                ("price", models.DecimalField(decimal_places=2, max_digits=20, null=True)),
                ("currency", models.CharField(max_length=3, null=True)),
                ("priced_sequence", models.BigIntegerField(default=0)),
                ("available", models.PositiveIntegerField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "known_product",
            },
        ),
        migrations.CreateModel(
            name="OrderCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("service", models.CharField(max_length=20)),
                ("operation", models.CharField(max_length=20)),
                ("outcome", models.CharField(max_length=40)),
                ("times", models.PositiveIntegerField(default=1)),
                ("milliseconds", models.PositiveIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("request_id", models.CharField(max_length=128)),
            ],
            options={
                "db_table": "order_call",
            },
        ),
        migrations.CreateModel(
            name="WebhookMessage",
            fields=[
                ("id", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("type", models.CharField(max_length=40)),
                ("sent_at", models.DateTimeField()),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("times", models.PositiveIntegerField(default=1)),
                ("effect", models.CharField(max_length=100)),
                ("request_id", models.CharField(max_length=128)),
            ],
            options={
                "db_table": "webhook_message",
            },
        ),
        migrations.RemoveConstraint(
            model_name="payment",
            name="payment_status_known",
        ),
        migrations.AddField(
            model_name="customer",
            name="sequence",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="order",
            name="from_cart",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="orderhistory",
            name="request_id",
            field=models.CharField(db_default="", default="", max_length=128),
        ),
        migrations.AddField(
            model_name="payment",
            name="provider",
            field=models.CharField(db_default="sandbox", default="sandbox", max_length=20),
        ),
        migrations.AddField(
            model_name="payment",
            name="refund_after",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="payment",
            name="refund_reference",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="payment",
            name="refunded_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="sandboxcharge",
            name="refunded",
            field=models.BooleanField(db_default=False, default=False),
        ),
        AddConstraintNotValid(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["pending", "succeeded", "declined", "unknown", "refunding", "refunded"],
                    )
                ),
                name="payment_status_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("refund_after__isnull", False), ("status", "refunding")),
                    models.Q(
                        models.Q(("status", "refunding"), _negated=True),
                        ("refund_after__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="payment_refunded_or_to_refund",
            ),
        ),
        AddConstraintNotValid(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "refunded"), _negated=True),
                    ("refunded_at__isnull", False),
                    _connector="OR",
                ),
                name="payment_refunded_at_known",
            ),
        ),
        migrations.AddIndex(
            model_name="cartitem",
            index=models.Index(fields=["changed_at"], name="cart_item_age"),
        ),
        migrations.AddConstraint(
            model_name="cartitem",
            constraint=models.UniqueConstraint(
                fields=("user_id", "sku"), name="cart_item_once_per_sku"
            ),
        ),
        migrations.AddConstraint(
            model_name="cartitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1), ("quantity__lte", 9999)),
                name="cart_item_quantity_in_range",
            ),
        ),
        migrations.AddField(
            model_name="ordercall",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="calls", to="orders.order"
            ),
        ),
        migrations.AddField(
            model_name="webhookmessage",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="orders.payment",
            ),
        ),
        migrations.AddConstraint(
            model_name="ordercall",
            constraint=models.UniqueConstraint(
                fields=("order", "service", "operation", "outcome"),
                name="order_call_once_per_outcome",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookmessage",
            index=models.Index(fields=["received_at"], name="webhook_message_age"),
        ),
    ]
