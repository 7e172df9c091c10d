# Search in the shop's language, without accents, in attributes too (ADR 0022).

from typing import Any

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.contrib.postgres.operations import UnaccentExtension
from django.db import migrations, models
from django.db.models.expressions import RawSQL

from apps.catalog_service.services import search

_SEARCHED = (
    "setweight(to_tsvector('souk'::regconfig, name), 'A') || "
    "setweight(jsonb_to_tsvector('souk'::regconfig, attributes, '[\"string\"]'), 'B') || "
    "setweight(to_tsvector('souk'::regconfig, description), 'C')"
)


def _configure(_apps: Any, _schema_editor: Any) -> None:
    search.configure()


def _learn(_apps: Any, _schema_editor: Any) -> None:
    search.learn_all()


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_catalog_version")]

    operations = [
        # The column is written anew, and a shop may be large.
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),
        UnaccentExtension(),
        migrations.RunPython(_configure, migrations.RunPython.noop),
        migrations.AddField(
            model_name="searchword",
            name="lexeme",
            field=models.CharField(db_default="", max_length=100),
        ),
        migrations.AddField(
            model_name="searchword",
            name="of_name",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=models.Index(fields=["lexeme"], name="search_word_lexeme"),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Lower("name"), name="text_pattern_ops"
                ),
                name="product_name_prefix",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"ALTER TABLE product ALTER COLUMN search SET EXPRESSION AS ({_SEARCHED})",
                    """
                    ALTER TABLE product ALTER COLUMN search SET EXPRESSION AS (
                        setweight(to_tsvector('english'::regconfig, name), 'A') ||
                        setweight(to_tsvector('english'::regconfig, description), 'C')
                    )
                    """,
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="product",
                    name="search",
                    field=models.GeneratedField(
                        db_persist=True,
                        expression=RawSQL(_SEARCHED, ()),  # noqa: S611 -- a constant
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
            ],
        ),
        migrations.RunPython(_learn, migrations.RunPython.noop),
    ]
