# The ledger's rows stay as they were written: whatever the service does, it can only add to them.

from django.db import migrations

_KEEP = """
CREATE FUNCTION stock_movement_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The ledger of stock is only added to' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER stock_movement_is_kept BEFORE UPDATE OR DELETE ON stock_movement
FOR EACH ROW EXECUTE FUNCTION stock_movement_is_kept();
"""
_LET_GO = """
DROP TRIGGER stock_movement_is_kept ON stock_movement;
DROP FUNCTION stock_movement_is_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_search")]

    operations = [migrations.RunSQL(_KEEP, _LET_GO)]
