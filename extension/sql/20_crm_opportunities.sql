-- SPDX-License-Identifier: PostgreSQL
-- CRM tables of selling: pipelines and their stages, opportunities, who is involved, stage history.
-- The rules that move them are in 20_crm_stage_rules.sql.

CREATE FUNCTION lakehouse.create_pipeline_tables(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);

    CREATE TABLE pipelines (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        name text NOT NULL CHECK (name <> ''),
        sort_order integer NOT NULL DEFAULT 0,
        is_default boolean NOT NULL DEFAULT false,
        is_active boolean NOT NULL DEFAULT true,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users
    );
    CREATE UNIQUE INDEX pipelines_name_key ON pipelines (lower(name));
    CREATE UNIQUE INDEX pipelines_default_key ON pipelines (is_default) WHERE is_default;
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON pipelines FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE pipelines IS 'Ways of selling: each is an ordered list of stages';
    COMMENT ON COLUMN pipelines.id IS 'Pipeline id';
    COMMENT ON COLUMN pipelines.name IS 'Name, unique whatever its case';
    COMMENT ON COLUMN pipelines.sort_order IS 'Place in lists, lowest first';
    COMMENT ON COLUMN pipelines.is_default IS 'New opportunities go here unless they say otherwise; true for one pipeline';
    COMMENT ON COLUMN pipelines.is_active IS 'False when it takes no new opportunities';

    CREATE TABLE pipeline_stages (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        pipeline_id uuid NOT NULL REFERENCES pipelines ON DELETE CASCADE,
        name text NOT NULL CHECK (name <> ''),
        sort_order integer NOT NULL,
        default_probability smallint NOT NULL CHECK (default_probability BETWEEN 0 AND 100),
        forecast_category text NOT NULL
            CHECK (forecast_category IN ('pipeline', 'best_case', 'most_likely', 'commit', 'closed', 'omitted')),
        is_closed boolean NOT NULL DEFAULT false,
        is_won boolean NOT NULL DEFAULT false,
        is_active boolean NOT NULL DEFAULT true,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users,
        UNIQUE (pipeline_id, id),
        UNIQUE (pipeline_id, sort_order) DEFERRABLE,
        CONSTRAINT pipeline_stages_won_is_closed_check CHECK (is_closed OR NOT is_won)
    );
    CREATE UNIQUE INDEX pipeline_stages_name_key ON pipeline_stages (pipeline_id, lower(name));
    CREATE TRIGGER keep_stage_meaning BEFORE UPDATE OF is_closed, is_won, pipeline_id ON pipeline_stages FOR EACH ROW
        WHEN ((OLD.is_closed, OLD.is_won, OLD.pipeline_id) IS DISTINCT FROM (NEW.is_closed, NEW.is_won, NEW.pipeline_id))
        EXECUTE FUNCTION lakehouse.keep_stage_meaning();
    CREATE TRIGGER spread_stage AFTER UPDATE ON pipeline_stages FOR EACH ROW
        WHEN ((OLD.name, OLD.default_probability, OLD.forecast_category)
              IS DISTINCT FROM (NEW.name, NEW.default_probability, NEW.forecast_category))
        EXECUTE FUNCTION lakehouse.spread_stage();
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON pipeline_stages FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE pipeline_stages IS 'Steps of a pipeline; the stage decides probability, forecast and whether the opportunity is closed';
    COMMENT ON COLUMN pipeline_stages.id IS 'Stage id';
    COMMENT ON COLUMN pipeline_stages.pipeline_id IS 'Pipeline the stage belongs to';
    COMMENT ON COLUMN pipeline_stages.name IS 'Name, unique in its pipeline whatever its case';
    COMMENT ON COLUMN pipeline_stages.sort_order IS 'Place in the pipeline, lowest first';
    COMMENT ON COLUMN pipeline_stages.default_probability IS 'Chance to win in this stage, in percent';
    COMMENT ON COLUMN pipeline_stages.forecast_category IS 'pipeline, best_case, most_likely, commit, closed or omitted';
    COMMENT ON COLUMN pipeline_stages.is_closed IS 'Selling has ended here, won or lost; fixed once opportunities are in the stage';
    COMMENT ON COLUMN pipeline_stages.is_won IS 'Selling has ended well here; fixed once opportunities are in the stage';
    COMMENT ON COLUMN pipeline_stages.is_active IS 'False when opportunities can''t move here any more';
END
$$;
COMMENT ON FUNCTION lakehouse.create_pipeline_tables(text) IS 'Part of create_tenant: pipelines and their stages.';

CREATE FUNCTION lakehouse.create_opportunity_tables(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);

    CREATE TABLE opportunities (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        account_id uuid NOT NULL REFERENCES accounts,
        name text NOT NULL CHECK (name <> ''),
        pipeline_id uuid NOT NULL,
        stage_id uuid NOT NULL,
        stage text NOT NULL,
        amount numeric(18,2),
        currency char(3) NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
        close_date date NOT NULL,
        probability smallint NOT NULL CHECK (probability BETWEEN 0 AND 100),
        forecast_category text NOT NULL,
        is_closed boolean NOT NULL,
        is_won boolean NOT NULL,
        closed_at timestamptz,
        won_at timestamptz,
        lost_reason text,
        expected_revenue numeric(18,2) GENERATED ALWAYS AS (round(amount * probability / 100, 2)) STORED,
        type text CHECK (type IN ('new', 'renewal', 'expansion')),
        lead_source text,
        next_step text,
        price_book_id uuid REFERENCES price_books,
        owner_id uuid NOT NULL REFERENCES users,
        description text,
        LIKE lakehouse.record_columns INCLUDING ALL,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        search tsvector GENERATED ALWAYS AS (
            setweight(to_tsvector('simple', name), 'A') || setweight(to_tsvector('english', coalesce(next_step, '')), 'B') ||
            setweight(to_tsvector('english', coalesce(description, '')), 'C')) STORED,
        FOREIGN KEY (pipeline_id, stage_id) REFERENCES pipeline_stages (pipeline_id, id),
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users,
        CONSTRAINT opportunities_closed_at_check CHECK (is_closed = (closed_at IS NOT NULL)),
        CONSTRAINT opportunities_won_at_check CHECK (is_won = (won_at IS NOT NULL)),
        CONSTRAINT opportunities_lost_reason_check CHECK (lost_reason IS NULL OR (is_closed AND NOT is_won))
    );
    CREATE INDEX opportunities_owner_open_idx ON opportunities (owner_id, close_date) WHERE deleted_at IS NULL AND NOT is_closed;
    CREATE INDEX opportunities_stage_open_idx ON opportunities (stage_id) WHERE deleted_at IS NULL AND NOT is_closed;
    CREATE INDEX opportunities_account_idx ON opportunities (account_id);
    CREATE INDEX opportunities_updated_idx ON opportunities (updated_at, id);
    CREATE INDEX opportunities_search_idx ON opportunities USING gin (search);
    ALTER TABLE leads ADD FOREIGN KEY (converted_opportunity_id) REFERENCES opportunities;
    COMMENT ON TABLE opportunities IS 'Deals: what may be sold to an account, in which stage it is, and when it should close';
    COMMENT ON COLUMN opportunities.id IS 'Opportunity id';
    COMMENT ON COLUMN opportunities.account_id IS 'Account that may buy';
    COMMENT ON COLUMN opportunities.name IS 'What the deal is called';
    COMMENT ON COLUMN opportunities.pipeline_id IS 'Pipeline; the default one when omitted';
    COMMENT ON COLUMN opportunities.stage_id IS 'Stage; the pipeline''s first open one when omitted. Set this or stage to move the deal';
    COMMENT ON COLUMN opportunities.stage IS 'Name of the stage, always in step with stage_id. Set this or stage_id to move the deal';
    COMMENT ON COLUMN opportunities.amount IS 'Value of the deal in currency; with line items always their sum';
    COMMENT ON COLUMN opportunities.currency IS 'ISO 4217 code of amount and of the line items'' prices';
    COMMENT ON COLUMN opportunities.close_date IS 'Day the deal should close, or did';
    COMMENT ON COLUMN opportunities.probability IS 'Chance to win in percent; follows from the stage';
    COMMENT ON COLUMN opportunities.forecast_category IS 'pipeline, best_case, most_likely, commit, closed or omitted; follows from the stage';
    COMMENT ON COLUMN opportunities.is_closed IS 'Won or lost; follows from the stage';
    COMMENT ON COLUMN opportunities.is_won IS 'Won; follows from the stage';
    COMMENT ON COLUMN opportunities.closed_at IS 'When the deal was won or lost; NULL while it is open';
    COMMENT ON COLUMN opportunities.won_at IS 'When the deal was won; NULL while it is not';
    COMMENT ON COLUMN opportunities.lost_reason IS 'Why the deal was lost; only in a lost stage';
    COMMENT ON COLUMN opportunities.expected_revenue IS 'amount times probability';
    COMMENT ON COLUMN opportunities.type IS 'new, renewal or expansion';
    COMMENT ON COLUMN opportunities.lead_source IS 'Where the deal came from';
    COMMENT ON COLUMN opportunities.next_step IS 'What happens next';
    COMMENT ON COLUMN opportunities.price_book_id IS 'Price book the line items are priced from';
    COMMENT ON COLUMN opportunities.owner_id IS 'User in charge';
    COMMENT ON COLUMN opportunities.description IS 'What the customer needs and what we offer';
    COMMENT ON COLUMN opportunities.search IS 'Full text of name, next step and description';

    CREATE TABLE opportunity_contacts (
        opportunity_id uuid REFERENCES opportunities ON DELETE CASCADE,
        contact_id uuid REFERENCES contacts ON DELETE CASCADE,
        role text CHECK (role IN ('decision_maker', 'economic_buyer', 'evaluator', 'champion', 'user', 'other')),
        is_primary boolean NOT NULL DEFAULT false,
        deleted_at timestamptz,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        PRIMARY KEY (opportunity_id, contact_id),
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users
    );
    CREATE UNIQUE INDEX opportunity_contacts_primary_key ON opportunity_contacts (opportunity_id) WHERE is_primary AND deleted_at IS NULL;
    CREATE INDEX opportunity_contacts_contact_idx ON opportunity_contacts (contact_id);
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON opportunity_contacts FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE opportunity_contacts IS 'Who at the customer takes part in a deal';
    COMMENT ON COLUMN opportunity_contacts.opportunity_id IS 'The deal';
    COMMENT ON COLUMN opportunity_contacts.contact_id IS 'The person';
    COMMENT ON COLUMN opportunity_contacts.role IS 'decision_maker, economic_buyer, evaluator, champion, user or other';
    COMMENT ON COLUMN opportunity_contacts.is_primary IS 'The person to talk to first; one per deal';
    COMMENT ON COLUMN opportunity_contacts.deleted_at IS 'When the person left the deal; NULL while taking part';

    CREATE TABLE opportunity_stage_history (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        opportunity_id uuid NOT NULL REFERENCES opportunities ON DELETE CASCADE,
        from_stage_id uuid REFERENCES pipeline_stages,
        from_stage text,
        to_stage_id uuid NOT NULL REFERENCES pipeline_stages,
        to_stage text NOT NULL,
        amount numeric(18,2),
        close_date date NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by uuid REFERENCES users,
        actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'agent', 'import', 'api'))
    );
    CREATE INDEX opportunity_stage_history_opportunity_idx ON opportunity_stage_history (opportunity_id, changed_at);
    CREATE INDEX opportunity_stage_history_changed_idx ON opportunity_stage_history (changed_at, id);
    COMMENT ON TABLE opportunity_stage_history IS 'Every move of a deal from stage to stage; append-only, written by trigger';
    COMMENT ON COLUMN opportunity_stage_history.id IS 'Id of the move';
    COMMENT ON COLUMN opportunity_stage_history.opportunity_id IS 'The deal';
    COMMENT ON COLUMN opportunity_stage_history.from_stage_id IS 'Stage before; NULL for a new deal';
    COMMENT ON COLUMN opportunity_stage_history.from_stage IS 'Name the stage before had then';
    COMMENT ON COLUMN opportunity_stage_history.to_stage_id IS 'Stage after';
    COMMENT ON COLUMN opportunity_stage_history.to_stage IS 'Name the stage after had then';
    COMMENT ON COLUMN opportunity_stage_history.amount IS 'Amount of the deal at the move';
    COMMENT ON COLUMN opportunity_stage_history.close_date IS 'Close date of the deal at the move';
    COMMENT ON COLUMN opportunity_stage_history.changed_at IS 'When it moved; later for each move of a deal than for the one before';
    COMMENT ON COLUMN opportunity_stage_history.changed_by IS 'User who moved it, when the role was bound to one';
    COMMENT ON COLUMN opportunity_stage_history.actor_kind IS 'What moved it: user, agent, import or api';
END
$$;
COMMENT ON FUNCTION lakehouse.create_opportunity_tables(text) IS
'Part of create_tenant: opportunities, their contacts and their history; their triggers follow in create_opportunity_triggers.';

REVOKE ALL ON FUNCTION lakehouse.create_pipeline_tables(text), lakehouse.create_opportunity_tables(text) FROM PUBLIC;
