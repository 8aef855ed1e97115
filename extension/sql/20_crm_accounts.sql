-- SPDX-License-Identifier: PostgreSQL
-- CRM tables of people and companies: users, accounts, contacts, leads.

CREATE FUNCTION lakehouse.create_account_tables(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- From here to the end of the function, plain names mean the tenant's tables.
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);

    CREATE TABLE users (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        email text NOT NULL CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
        full_name text NOT NULL CHECK (full_name <> ''),
        title text,
        role text NOT NULL DEFAULT 'member' CHECK (role IN ('admin', 'member', 'readonly', 'agent')),
        pg_role name UNIQUE,
        manager_id uuid REFERENCES users CHECK (manager_id <> id),
        is_active boolean NOT NULL DEFAULT true,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users
    );
    CREATE UNIQUE INDEX users_email_key ON users (lower(email));
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE users IS 'People and agents who work in the CRM';
    COMMENT ON COLUMN users.id IS 'User id';
    COMMENT ON COLUMN users.email IS 'E-mail address, unique whatever its case';
    COMMENT ON COLUMN users.full_name IS 'Name as shown';
    COMMENT ON COLUMN users.title IS 'Job title';
    COMMENT ON COLUMN users.role IS 'What the user may do: admin, member, readonly or agent';
    COMMENT ON COLUMN users.pg_role IS 'PostgreSQL role the user signs in with; NULL for a user who doesn''t. Set by lakehouse.create_user()';
    COMMENT ON COLUMN users.manager_id IS 'The user''s manager';
    COMMENT ON COLUMN users.is_active IS 'False for people who left; the PostgreSQL role is a matter of its own';

    CREATE TABLE accounts (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        organization_id uuid NOT NULL,
        name text NOT NULL CHECK (name <> ''),
        domain text CHECK (domain ~ '^[^[:space:]/@]+$'),
        account_number bigint CHECK (account_number > 0),
        type text CHECK (type IN ('prospect', 'customer', 'partner', 'former_customer', 'other')),
        industry text,
        employees integer CHECK (employees >= 0),
        revenue numeric(18,2),
        currency char(3) NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
        phone text,
        website text,
        billing_street text,
        billing_city text,
        billing_state text,
        billing_postal_code text,
        country text,
        parent_id uuid REFERENCES accounts CHECK (parent_id <> id),
        owner_id uuid NOT NULL REFERENCES users,
        description text,
        LIKE lakehouse.record_columns INCLUDING ALL,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        search tsvector GENERATED ALWAYS AS (
            setweight(to_tsvector('simple', name), 'A') || setweight(to_tsvector('simple', coalesce(domain, '')), 'B') ||
            setweight(to_tsvector('english', coalesce(description, '')), 'C')) STORED,
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users
    );
    CREATE UNIQUE INDEX accounts_domain_key ON accounts (lower(domain)) WHERE domain IS NOT NULL AND deleted_at IS NULL;
    CREATE UNIQUE INDEX accounts_account_number_key ON accounts (account_number) WHERE account_number IS NOT NULL AND deleted_at IS NULL;
    CREATE INDEX accounts_owner_idx ON accounts (owner_id) WHERE deleted_at IS NULL;
    CREATE INDEX accounts_parent_idx ON accounts (parent_id) WHERE parent_id IS NOT NULL;
    CREATE INDEX accounts_updated_idx ON accounts (updated_at, id);
    CREATE INDEX accounts_search_idx ON accounts USING gin (search);
    CREATE TRIGGER assign_owner BEFORE INSERT ON accounts FOR EACH ROW WHEN (NEW.owner_id IS NULL) EXECUTE FUNCTION lakehouse.assign_owner();
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE accounts IS 'Companies: customers, prospects, partners';
    COMMENT ON COLUMN accounts.id IS 'Account id';
    COMMENT ON COLUMN accounts.organization_id IS 'The tenant''s id, the same in every row';
    COMMENT ON COLUMN accounts.name IS 'Company name';
    COMMENT ON COLUMN accounts.domain IS 'Internet domain; unique among live accounts, whatever its case';
    COMMENT ON COLUMN accounts.account_number IS 'The customer''s key in the order system and the warehouse; unique among live accounts';
    COMMENT ON COLUMN accounts.type IS 'prospect, customer, partner, former_customer or other';
    COMMENT ON COLUMN accounts.industry IS 'Line of business';
    COMMENT ON COLUMN accounts.employees IS 'Number of employees';
    COMMENT ON COLUMN accounts.revenue IS 'Yearly revenue of the company, in currency';
    COMMENT ON COLUMN accounts.currency IS 'ISO 4217 code of revenue';
    COMMENT ON COLUMN accounts.phone IS 'Switchboard, in international form';
    COMMENT ON COLUMN accounts.website IS 'Home page';
    COMMENT ON COLUMN accounts.billing_street IS 'Billing address: street and number';
    COMMENT ON COLUMN accounts.billing_city IS 'Billing address: city';
    COMMENT ON COLUMN accounts.billing_state IS 'Billing address: state or province';
    COMMENT ON COLUMN accounts.billing_postal_code IS 'Billing address: postal code';
    COMMENT ON COLUMN accounts.country IS 'Country of the billing address, by its English name';
    COMMENT ON COLUMN accounts.parent_id IS 'The company this one belongs to';
    COMMENT ON COLUMN accounts.owner_id IS 'User in charge';
    COMMENT ON COLUMN accounts.description IS 'What the company does and what matters about it';
    COMMENT ON COLUMN accounts.search IS 'Full text of name, domain and description';
END
$$;
COMMENT ON FUNCTION lakehouse.create_account_tables(text) IS 'Part of create_tenant: users and accounts.';

CREATE FUNCTION lakehouse.create_people_tables(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);

    CREATE TABLE contacts (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        account_id uuid REFERENCES accounts,
        first_name text,
        last_name text NOT NULL CHECK (last_name <> ''),
        email text CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
        phone text,
        mobile text,
        title text,
        department text,
        reports_to_id uuid REFERENCES contacts CHECK (reports_to_id <> id),
        owner_id uuid REFERENCES users,
        do_not_call boolean NOT NULL DEFAULT false,
        email_opt_out boolean NOT NULL DEFAULT false,
        LIKE lakehouse.record_columns INCLUDING ALL,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        search tsvector GENERATED ALWAYS AS (
            setweight(to_tsvector('simple', coalesce(first_name, '') || ' ' || last_name), 'A') ||
            setweight(to_tsvector('simple', coalesce(email, '')), 'B') || setweight(to_tsvector('simple', coalesce(title, '')), 'C')) STORED,
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users
    );
    CREATE INDEX contacts_email_idx ON contacts (lower(email));
    CREATE INDEX contacts_account_idx ON contacts (account_id);
    CREATE INDEX contacts_owner_idx ON contacts (owner_id) WHERE deleted_at IS NULL;
    CREATE INDEX contacts_updated_idx ON contacts (updated_at, id);
    CREATE INDEX contacts_search_idx ON contacts USING gin (search);
    CREATE TRIGGER assign_owner BEFORE INSERT ON contacts FOR EACH ROW WHEN (NEW.owner_id IS NULL) EXECUTE FUNCTION lakehouse.assign_owner();
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE contacts IS 'People at accounts';
    COMMENT ON COLUMN contacts.id IS 'Contact id';
    COMMENT ON COLUMN contacts.account_id IS 'Account the person works for';
    COMMENT ON COLUMN contacts.first_name IS 'Given name';
    COMMENT ON COLUMN contacts.last_name IS 'Family name';
    COMMENT ON COLUMN contacts.email IS 'E-mail address; compare with lower(), two contacts may share one';
    COMMENT ON COLUMN contacts.phone IS 'Office phone, in international form';
    COMMENT ON COLUMN contacts.mobile IS 'Mobile phone, in international form';
    COMMENT ON COLUMN contacts.title IS 'Job title';
    COMMENT ON COLUMN contacts.department IS 'Department';
    COMMENT ON COLUMN contacts.reports_to_id IS 'The contact this person reports to';
    COMMENT ON COLUMN contacts.owner_id IS 'User in charge';
    COMMENT ON COLUMN contacts.do_not_call IS 'The person does not want to be called';
    COMMENT ON COLUMN contacts.email_opt_out IS 'The person does not want marketing e-mail';
    COMMENT ON COLUMN contacts.search IS 'Full text of name, e-mail address and title';

    CREATE TABLE leads (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        organization_id uuid NOT NULL,
        first_name text,
        last_name text NOT NULL CHECK (last_name <> ''),
        company text NOT NULL CHECK (company <> ''),
        title text,
        email text CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
        phone text,
        country text,
        source text,
        status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'working', 'nurturing', 'qualified', 'unqualified')),
        rating text CHECK (rating IN ('hot', 'warm', 'cold')),
        score smallint CHECK (score BETWEEN 0 AND 100),
        owner_id uuid REFERENCES users,
        description text,
        converted_at timestamptz,
        converted_account_id uuid REFERENCES accounts,
        converted_contact_id uuid REFERENCES contacts,
        converted_opportunity_id uuid,
        LIKE lakehouse.record_columns INCLUDING ALL,
        LIKE lakehouse.audit_columns INCLUDING ALL,
        search tsvector GENERATED ALWAYS AS (
            setweight(to_tsvector('simple', coalesce(first_name, '') || ' ' || last_name || ' ' || company), 'A') ||
            setweight(to_tsvector('simple', coalesce(email, '')), 'B') || setweight(to_tsvector('english', coalesce(description, '')), 'C')) STORED,
        FOREIGN KEY (created_by) REFERENCES users,
        FOREIGN KEY (updated_by) REFERENCES users,
        CONSTRAINT leads_converted_whole_check
            CHECK (num_nonnulls(converted_at, converted_account_id, converted_contact_id, converted_opportunity_id) IN (0, 4)),
        CONSTRAINT leads_converted_qualified_check CHECK (converted_at IS NULL OR status = 'qualified')
    );
    CREATE INDEX leads_email_idx ON leads (lower(email));
    CREATE INDEX leads_owner_status_idx ON leads (owner_id, status) WHERE deleted_at IS NULL AND converted_at IS NULL;
    CREATE INDEX leads_updated_idx ON leads (updated_at, id);
    CREATE INDEX leads_search_idx ON leads USING gin (search);
    CREATE TRIGGER assign_owner BEFORE INSERT ON leads FOR EACH ROW WHEN (NEW.owner_id IS NULL) EXECUTE FUNCTION lakehouse.assign_owner();
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();
    COMMENT ON TABLE leads IS 'People who may become customers, before there is an account';
    COMMENT ON COLUMN leads.id IS 'Lead id';
    COMMENT ON COLUMN leads.organization_id IS 'The tenant''s id, the same in every row';
    COMMENT ON COLUMN leads.first_name IS 'Given name';
    COMMENT ON COLUMN leads.last_name IS 'Family name';
    COMMENT ON COLUMN leads.company IS 'Company as the person named it';
    COMMENT ON COLUMN leads.title IS 'Job title';
    COMMENT ON COLUMN leads.email IS 'E-mail address; compare with lower()';
    COMMENT ON COLUMN leads.phone IS 'Phone, in international form';
    COMMENT ON COLUMN leads.country IS 'Country, by its English name';
    COMMENT ON COLUMN leads.source IS 'Where the lead came from';
    COMMENT ON COLUMN leads.status IS 'new, working, nurturing, qualified or unqualified';
    COMMENT ON COLUMN leads.rating IS 'hot, warm or cold';
    COMMENT ON COLUMN leads.score IS 'How promising the lead is, 0 to 100';
    COMMENT ON COLUMN leads.owner_id IS 'User in charge; NULL while nobody has taken it';
    COMMENT ON COLUMN leads.description IS 'What the person wants';
    COMMENT ON COLUMN leads.converted_at IS 'When the lead was converted; NULL before';
    COMMENT ON COLUMN leads.converted_account_id IS 'Account the lead became';
    COMMENT ON COLUMN leads.converted_contact_id IS 'Contact the lead became';
    COMMENT ON COLUMN leads.converted_opportunity_id IS 'Opportunity the lead became';
    COMMENT ON COLUMN leads.search IS 'Full text of name, company, e-mail address and description';
END
$$;
COMMENT ON FUNCTION lakehouse.create_people_tables(text) IS 'Part of create_tenant: contacts and leads.';

REVOKE ALL ON FUNCTION lakehouse.create_account_tables(text), lakehouse.create_people_tables(text) FROM PUBLIC;
