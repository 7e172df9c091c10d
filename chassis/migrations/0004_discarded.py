# The inbox may be large: made while the previous release goes on writing to it.

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chassis", "0003_repair")]

    operations = [
        # It waits for the transactions that were there before it, and then reads the whole table.
        migrations.RunSQL(
            ["SET statement_timeout = 0", "SET lock_timeout = 0"],
            ["RESET statement_timeout", "RESET lock_timeout"],
        ),
        # One that a killed migration left behind, whole or not.
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS inbox_discarded", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            model_name="inboxevent",
            index=models.Index(
                condition=models.Q(
                    ("effect__startswith", "discarded: "), ("handled_at__isnull", False)
                ),
                fields=["-id"],
                name="inbox_discarded",
            ),
        ),
        migrations.RunSQL(
            ["RESET statement_timeout", "RESET lock_timeout"],
            ["SET statement_timeout = 0", "SET lock_timeout = 0"],
        ),
    ]
