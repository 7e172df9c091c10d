# Everything of the catalog that the first release did not have.

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
import django_ltree.fields
from django.db import migrations, models

import chassis.ids

# From the top of the tree down.
_FILL_PATHS = """
WITH RECURSIVE tree AS (
    SELECT id, text2ltree(replace(id::text, '-', '')) AS path FROM category WHERE parent_id IS NULL
    UNION ALL
    SELECT category.id, tree.path || replace(category.id::text, '-', '')
    FROM category JOIN tree ON category.parent_id = tree.id
)
UPDATE category SET path = tree.path FROM tree WHERE tree.id = category.id
"""
# Whoever writes a category, this release or the one before it, the path is right (ADR 0023).
_KEEP_PATHS = """
CREATE FUNCTION place_category() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above ltree := coalesce((SELECT path FROM category WHERE id = NEW.parent_id), '');
    label text := replace(NEW.id::text, '-', '');
BEGIN
    IF above ~ ('*.' || label || '.*')::lquery THEN
        RAISE check_violation USING MESSAGE = 'a category cannot stand below itself',
            CONSTRAINT = 'category_not_below_itself';
    END IF;
    NEW.path := above || label;
    RETURN NEW;
END $$;

CREATE FUNCTION move_categories_below() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE category SET path = NEW.path || subpath(path, nlevel(OLD.path))
    WHERE path <@ OLD.path AND id <> NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER category_placed BEFORE INSERT OR UPDATE OF parent_id ON category
FOR EACH ROW EXECUTE FUNCTION place_category();

CREATE TRIGGER category_moved AFTER UPDATE OF parent_id ON category
FOR EACH ROW WHEN (OLD.path <> NEW.path) EXECUTE FUNCTION move_categories_below();
"""
_LEAVE_PATHS = """
DROP TRIGGER category_placed ON category;
DROP TRIGGER category_moved ON category;
DROP FUNCTION place_category;
DROP FUNCTION move_categories_below;
"""
_FIRST_PRICES = """
INSERT INTO price_change (product_id, price, currency, actor, at)
SELECT id, price, currency, 'migration', created_at FROM product ORDER BY id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
        ("django_ltree", "0001_create_extension"),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("stock_low", "Stock is low"),
                            ("stock_depleted", "Stock is depleted"),
                            ("reservation_old", "Reservation is old"),
                            ("ledger_mismatch", "Ledger does not sum to the stock"),
                        ],
                        max_length=20,
                    ),
                ),
                ("subject", models.CharField(max_length=100)),
                ("details", models.JSONField(default=dict)),
                ("raised_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("cleared_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "alert",
            },
        ),
        migrations.CreateModel(
            name="CatalogVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("version", models.BigIntegerField()),
            ],
            options={
                "db_table": "catalog_version",
            },
        ),
        migrations.CreateModel(
            name="PriceChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("price", models.DecimalField(decimal_places=2, max_digits=12)),
                ("currency", models.CharField(max_length=3)),
                ("actor", models.CharField(max_length=100)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "price_change",
            },
        ),
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                ("word", models.CharField(max_length=100, primary_key=True, serialize=False)),
            ],
            options={
                "db_table": "search_word",
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=chassis.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("import_products", "Import of products"),
                            ("adjust_stock", "Adjustment of stock"),
                            ("export_products", "Export of products"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("file_name", models.CharField(blank=True, default="", max_length=200)),
                ("stored_name", models.CharField(blank=True, default="", max_length=200)),
                ("options", models.JSONField(default=dict)),
                ("progress", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("summary", models.JSONField(default=dict)),
                ("refusals", models.JSONField(default=list)),
                ("error", models.TextField(blank=True, default="")),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("position", models.BigIntegerField(default=0)),
                ("created_by", models.UUIDField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "transfer",
            },
        ),
        migrations.RemoveConstraint(
            model_name="reservation",
            name="reservation_status_known",
        ),
        migrations.RemoveConstraint(
            model_name="stockmovement",
            name="stock_movement_kind_known",
        ),
        migrations.AlterModelOptions(
            name="category",
            options={"verbose_name_plural": "categories"},
        ),
        migrations.AddField(
            model_name="category",
            name="path",
            field=django_ltree.fields.PathField(db_default="", default="", editable=False),
        ),
        migrations.AddField(
            model_name="product",
            name="popularity",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="product",
            name="version",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name="reservation",
            name="is_cancelled",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name="reservation",
            name="status",
            field=models.CharField(
                choices=[
                    ("reserved", "Reserved"),
                    ("committed", "Committed"),
                    ("released", "Released"),
                    ("returned", "Returned"),
                ],
                default="reserved",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="stockmovement",
            name="kind",
            field=models.CharField(
                choices=[
                    ("initial", "Initial"),
                    ("adjusted", "Adjusted"),
                    ("reserved", "Reserved"),
                    ("released", "Released"),
                    ("committed", "Committed"),
                    ("returned", "Returned"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="category",
            index=django.contrib.postgres.indexes.GistIndex(
                fields=["path"], name="category_by_path"
            ),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(
                fields=["-popularity", "-id", "status"], name="product_by_popularity"
            ),
        ),
        migrations.AddIndex(
            model_name="product",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["attributes"], name="product_attributes", opclasses=["jsonb_path_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="productsales",
            index=models.Index(fields=["date", "product"], name="product_sales_by_date"),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(
                condition=models.Q(("status", "reserved")),
                fields=["created_at"],
                name="reservation_open_by_age",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["reserved", "committed", "released", "returned"])
                ),
                name="reservation_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="stockmovement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ["initial", "adjusted", "reserved", "released", "committed", "returned"],
                    )
                ),
                name="stock_movement_kind_known",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["subject", "id"], name="alert_by_subject"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ["stock_low", "stock_depleted", "reservation_old", "ledger_mismatch"],
                    )
                ),
                name="alert_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cleared_at__isnull", True)),
                fields=("kind", "subject"),
                name="alert_open_once",
            ),
        ),
        migrations.AddField(
            model_name="pricechange",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="price_changes",
                to="catalog.product",
            ),
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["word"], name="search_word_trigrams", opclasses=["gin_trgm_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=models.Index(
                fields=["word"], name="search_word_prefix", opclasses=["text_pattern_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("status__in", ["queued", "running"])),
                fields=["status", "id"],
                name="transfer_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["import_products", "adjust_stock", "export_products"])
                ),
                name="transfer_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["queued", "running", "done", "failed"])),
                name="transfer_status_known",
            ),
        ),
        migrations.AddIndex(
            model_name="pricechange",
            index=models.Index(fields=["product", "id"], name="price_change_by_product"),
        ),
        migrations.RunSQL(_FILL_PATHS, migrations.RunSQL.noop),
        migrations.RunSQL(_KEEP_PATHS, _LEAVE_PATHS),
        migrations.RunSQL(_FIRST_PRICES, migrations.RunSQL.noop),
    ]
