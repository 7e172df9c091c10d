# Words, attributes and category by one index (ADR 0022), which serves the release before as well.

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import BtreeGinExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_ledger")]

    operations = [
        # A shop may be large.
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),
        BtreeGinExtension(),
        migrations.AddIndex(
            model_name="product",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["search", "attributes", "category"],
                name="product_words",
                opclasses=["tsvector_ops", "jsonb_path_ops", "uuid_ops"],
            ),
        ),
        migrations.RemoveIndex(model_name="product", name="product_search"),
        migrations.RemoveIndex(model_name="product", name="product_attributes"),
    ]
