# Tells readers when what they keep of the catalogue is no longer true (ADR 0021).

from django.db import migrations

# A row that no other transaction holds, or a new one: no writer waits for another. The steps are
# random, so that a database restored from a backup shows no number again with other content.
_BUMP = """
CREATE FUNCTION bump_catalog_version() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    step bigint := 1 + floor(random() * 1048576);
BEGIN
    UPDATE catalog_version SET version = version + step
    WHERE id = (SELECT id FROM catalog_version ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF NOT FOUND THEN
        INSERT INTO catalog_version (version) VALUES (step);
    END IF;
END $$;

CREATE FUNCTION catalog_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bump_catalog_version();
    RETURN NULL;
END $$;

CREATE TRIGGER product_changed AFTER INSERT OR UPDATE OR DELETE ON product
FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();

CREATE TRIGGER category_changed AFTER INSERT OR UPDATE OR DELETE ON category
FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();

CREATE TRIGGER stock_changed AFTER INSERT OR DELETE ON stock
FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
"""
# Most sales change nothing that is shown: SHOWN_AVAILABLE is at most 100.
_BUMP_FOR_STOCK = """
CREATE FUNCTION shown_stock_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM before JOIN after USING (product_id)
        WHERE least(before.on_hand - before.reserved, 100)
            <> least(after.on_hand - after.reserved, 100)
    ) THEN
        PERFORM bump_catalog_version();
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER shown_stock_changed AFTER UPDATE ON stock
REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION shown_stock_changed();
"""
_REVERSE = """
DROP TRIGGER shown_stock_changed ON stock;
DROP FUNCTION shown_stock_changed();
DROP TRIGGER stock_changed ON stock;
DROP TRIGGER category_changed ON category;
DROP TRIGGER product_changed ON product;
DROP FUNCTION catalog_changed();
DROP FUNCTION bump_catalog_version();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_complete")]

    operations = [migrations.RunSQL(_BUMP + _BUMP_FOR_STOCK, _REVERSE)]
