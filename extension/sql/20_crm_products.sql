-- SPDX-License-Identifier: PostgreSQL
-- CRM tables of what is sold: products, price books and their entries, line items of opportunities.
-- Line items make the opportunity's amount: it is always the sum of those that live.

CREATE FUNCTION lakehouse.create_product_tables(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);

    CREATE TABLE products (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        sku text NOT NULL UNIQUE CHECK (sku <> ''),
        name text NOT NULL CHECK (name <> ''),
        family text,
        description text,
        is_active boolean NOT NULL DEFAULT true,
        deleted_at timestamptz,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users
    );
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON products FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE products IS 'What can be sold';
    COMMENT ON COLUMN products.id IS 'Product id';
    COMMENT ON COLUMN products.sku IS 'Article number, unique';
    COMMENT ON COLUMN products.name IS 'Name as on an offer';
    COMMENT ON COLUMN products.family IS 'Product family';
    COMMENT ON COLUMN products.description IS 'What it is';
    COMMENT ON COLUMN products.is_active IS 'False when it is sold no more';
    COMMENT ON COLUMN products.deleted_at IS 'When the product was deleted; NULL while it lives';

    CREATE TABLE price_books (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        name text NOT NULL CHECK (name <> ''),
        is_default boolean NOT NULL DEFAULT false,
        is_active boolean NOT NULL DEFAULT true,
        deleted_at timestamptz,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users
    );
    CREATE UNIQUE INDEX price_books_name_key ON price_books (lower(name)) WHERE deleted_at IS NULL;
    CREATE UNIQUE INDEX price_books_default_key ON price_books (is_default) WHERE is_default AND deleted_at IS NULL;
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON price_books FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE price_books IS 'Price lists';
    COMMENT ON COLUMN price_books.id IS 'Price book id';
    COMMENT ON COLUMN price_books.name IS 'Name, unique among live price books whatever its case';
    COMMENT ON COLUMN price_books.is_default IS 'The list that holds when nothing else is said; true for one live price book';
    COMMENT ON COLUMN price_books.is_active IS 'False when it is used for no new offer';
    COMMENT ON COLUMN price_books.deleted_at IS 'When the price book was deleted; NULL while it lives';

    CREATE TABLE price_book_entries (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        price_book_id uuid NOT NULL REFERENCES price_books,
        product_id uuid NOT NULL REFERENCES products,
        currency char(3) NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
        unit_price numeric(18,2) NOT NULL CHECK (unit_price >= 0),
        is_active boolean NOT NULL DEFAULT true,
        deleted_at timestamptz,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        UNIQUE (price_book_id, product_id, currency),
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users
    );
    CREATE INDEX price_book_entries_product_idx ON price_book_entries (product_id);
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON price_book_entries FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE price_book_entries IS 'Price of a product in a price book, one per currency';
    COMMENT ON COLUMN price_book_entries.id IS 'Price book entry id';
    COMMENT ON COLUMN price_book_entries.price_book_id IS 'The price book';
    COMMENT ON COLUMN price_book_entries.product_id IS 'The product';
    COMMENT ON COLUMN price_book_entries.currency IS 'ISO 4217 code of the price';
    COMMENT ON COLUMN price_book_entries.unit_price IS 'Price of one unit';
    COMMENT ON COLUMN price_book_entries.is_active IS 'False when the price is used for no new offer';
    COMMENT ON COLUMN price_book_entries.deleted_at IS 'When the entry was deleted; NULL while it lives';
END
$$;
COMMENT ON FUNCTION lakehouse.create_product_tables(text) IS 'Part of create_tenant: products and price books.';

CREATE FUNCTION lakehouse.create_line_item_table(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);

    CREATE TABLE opportunity_line_items (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        opportunity_id uuid NOT NULL REFERENCES opportunities ON DELETE CASCADE,
        product_id uuid NOT NULL REFERENCES products,
        sort_order integer NOT NULL DEFAULT 0,
        description text,
        quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
        unit_price numeric(18,2) NOT NULL CHECK (unit_price >= 0),
        discount_pct smallint NOT NULL DEFAULT 0 CHECK (discount_pct BETWEEN 0 AND 100),
        total numeric(18,2) GENERATED ALWAYS AS (round(quantity * unit_price * (100 - discount_pct) / 100, 2)) STORED,
        deleted_at timestamptz,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users
    );
    CREATE INDEX opportunity_line_items_opportunity_idx ON opportunity_line_items (opportunity_id);
    CREATE INDEX opportunity_line_items_product_idx ON opportunity_line_items (product_id);
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON opportunity_line_items FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    CREATE TRIGGER sum_line_items AFTER INSERT OR UPDATE OR DELETE ON opportunity_line_items FOR EACH ROW
        EXECUTE FUNCTION lakehouse.sum_line_items();
    COMMENT ON TABLE opportunity_line_items IS 'What an opportunity would sell; the lines'' sum is the opportunity''s amount';
    COMMENT ON COLUMN opportunity_line_items.id IS 'Line item id';
    COMMENT ON COLUMN opportunity_line_items.opportunity_id IS 'The opportunity';
    COMMENT ON COLUMN opportunity_line_items.product_id IS 'The product';
    COMMENT ON COLUMN opportunity_line_items.sort_order IS 'Place on the offer, lowest first';
    COMMENT ON COLUMN opportunity_line_items.description IS 'Words for this offer only';
    COMMENT ON COLUMN opportunity_line_items.quantity IS 'How many units';
    COMMENT ON COLUMN opportunity_line_items.unit_price IS 'Price of one unit before the discount, in the opportunity''s currency';
    COMMENT ON COLUMN opportunity_line_items.discount_pct IS 'Discount in percent';
    COMMENT ON COLUMN opportunity_line_items.total IS 'Price of the line after the discount';
    COMMENT ON COLUMN opportunity_line_items.deleted_at IS 'When the line was deleted; NULL while it counts';
END
$$;
COMMENT ON FUNCTION lakehouse.create_line_item_table(text) IS 'Part of create_tenant: line items of opportunities.';

CREATE FUNCTION lakehouse.sum_line_items()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    opportunity uuid;
    touched CONSTANT uuid[] := CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[NEW.opportunity_id]
        WHEN 'DELETE' THEN ARRAY[OLD.opportunity_id]
        ELSE ARRAY[OLD.opportunity_id, NEW.opportunity_id]
    END;
BEGIN
    -- In the order of ids, so that two writers of the same pair can't wait for each other.
    FOR opportunity IN SELECT DISTINCT t.id FROM unnest(touched) AS t (id) ORDER BY t.id LOOP
        -- Lock first: the sum, a statement of its own, then sees what other writers have committed.
        EXECUTE format('SELECT FROM %I.opportunities WHERE id = $1 FOR NO KEY UPDATE', TG_TABLE_SCHEMA) USING opportunity;
        EXECUTE format('UPDATE %1$I.opportunities o SET amount = s.total FROM (SELECT sum(total) AS total '
                       'FROM %1$I.opportunity_line_items WHERE opportunity_id = $1 AND deleted_at IS NULL) s '
                       'WHERE o.id = $1 AND s.total IS NOT NULL AND o.amount IS DISTINCT FROM s.total', TG_TABLE_SCHEMA)
            USING opportunity;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.sum_line_items() IS
'Trigger: makes an opportunity''s amount the sum of its live line items. Without a live line the last amount stays and can be edited.';

CREATE FUNCTION lakehouse.keep_amount()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    line_total numeric;
BEGIN
    EXECUTE format('SELECT sum(total) FROM %I.opportunity_line_items WHERE opportunity_id = $1 AND deleted_at IS NULL',
                   TG_TABLE_SCHEMA) INTO line_total USING NEW.id;
    IF line_total IS NOT NULL AND NEW.amount IS DISTINCT FROM line_total THEN
        RAISE NOTICE 'amount of opportunity "%" stays %: it is the sum of its line items', NEW.name, line_total
            USING HINT = 'Change the line items instead.';
        NEW.amount := line_total;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.keep_amount() IS
'Trigger: an opportunity with live line items keeps their sum as its amount; a direct edit is ignored with a notice.';

REVOKE ALL ON FUNCTION
    lakehouse.create_product_tables(text),
    lakehouse.create_line_item_table(text),
    lakehouse.sum_line_items(),
    lakehouse.keep_amount()
FROM PUBLIC;
