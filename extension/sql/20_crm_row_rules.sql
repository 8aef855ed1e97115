-- SPDX-License-Identifier: PostgreSQL
-- Columns and rules that all CRM tables share: who wrote a row, when, and in which version.
-- Trigger functions are shared by all tenants and find their tables by TG_TABLE_SCHEMA. They call no
-- other function of this schema: tenants' roles have no USAGE on it, and firing a trigger needs none.

-- The two templates below never hold rows; a tenant's tables copy them with LIKE … INCLUDING ALL.
CREATE TABLE lakehouse.audit_columns (
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    actor_kind text NOT NULL,
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT actor_kind_check CHECK (actor_kind IN ('user', 'agent', 'import', 'api'))
);
COMMENT ON TABLE lakehouse.audit_columns IS 'Template without rows: the audit columns of every CRM table';
COMMENT ON COLUMN lakehouse.audit_columns.created_at IS 'When the row was created; never changes';
COMMENT ON COLUMN lakehouse.audit_columns.created_by IS 'User who created the row, when its role was bound to one';
COMMENT ON COLUMN lakehouse.audit_columns.updated_at IS 'Start of the transaction that last wrote the row';
COMMENT ON COLUMN lakehouse.audit_columns.updated_by IS 'User who last wrote the row, when its role was bound to one';
COMMENT ON COLUMN lakehouse.audit_columns.actor_kind IS 'What last wrote the row: user, agent, import or api';
COMMENT ON COLUMN lakehouse.audit_columns.row_version IS 'Grows by one with each write: UPDATE ... WHERE row_version = the one you read loses no change';
REVOKE ALL ON lakehouse.audit_columns FROM PUBLIC;

CREATE TABLE lakehouse.record_columns (
    external_ids jsonb NOT NULL DEFAULT '{}',
    custom jsonb NOT NULL DEFAULT '{}',
    deleted_at timestamptz,
    CONSTRAINT external_ids_check CHECK (jsonb_typeof(external_ids) = 'object'),
    CONSTRAINT custom_check CHECK (jsonb_typeof(custom) = 'object')
);
COMMENT ON TABLE lakehouse.record_columns IS 'Template without rows: columns of every CRM record that people open';
COMMENT ON COLUMN lakehouse.record_columns.external_ids IS 'Ids of this record in other systems: {"system": "id"}';
COMMENT ON COLUMN lakehouse.record_columns.custom IS 'The tenant''s own fields: {"name": value}';
COMMENT ON COLUMN lakehouse.record_columns.deleted_at IS 'When the record was deleted; NULL while it lives';
REVOKE ALL ON lakehouse.record_columns FROM PUBLIC;

CREATE FUNCTION lakehouse.stamp_row()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    writer record;
    is_agent boolean;
BEGIN
    EXECUTE format('SELECT id, role FROM %I.users WHERE pg_role = $1', TG_TABLE_SCHEMA) INTO writer USING current_user;
    is_agent := writer.role IS NOT DISTINCT FROM 'agent' OR current_user = TG_TABLE_SCHEMA || '_agent';

    IF TG_OP = 'INSERT' THEN
        NEW.created_by := coalesce(writer.id, NEW.created_by);
        NEW.updated_by := coalesce(writer.id, NEW.updated_by);
        NEW.row_version := 1;
    ELSE
        NEW.created_at := OLD.created_at;
        NEW.created_by := OLD.created_by;
        NEW.updated_at := now();
        -- A role bound to no user may name the user it writes for; what it left alone is not its word.
        NEW.updated_by := coalesce(writer.id, CASE WHEN NEW.updated_by IS DISTINCT FROM OLD.updated_by THEN NEW.updated_by END);
        NEW.row_version := OLD.row_version + 1;
    END IF;

    NEW.actor_kind := CASE
        WHEN is_agent THEN 'agent'
        WHEN writer.id IS NOT NULL THEN 'user'
        WHEN NEW.actor_kind = 'import' THEN 'import'
        ELSE 'api'
    END;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.stamp_row() IS
'Trigger: writes the audit columns. A role bound to a user is recorded as what it is and can''t say otherwise; another role counts as api, or as import when the row says so or said so before.';

CREATE FUNCTION lakehouse.assign_owner()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('SELECT id FROM %I.users WHERE pg_role = $1', TG_TABLE_SCHEMA) INTO NEW.owner_id USING current_user;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.assign_owner() IS
'Trigger: a new record without an owner belongs to the user who creates it.';

CREATE FUNCTION lakehouse.keep_case_state()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Whoever writes only the time has said the status too.
    IF TG_OP = 'UPDATE' AND NEW.status = OLD.status AND NEW.resolved_at IS DISTINCT FROM OLD.resolved_at THEN
        NEW.status := CASE WHEN NEW.resolved_at IS NULL THEN 'open' WHEN OLD.resolved_at IS NULL THEN 'resolved' ELSE NEW.status END;
    END IF;
    NEW.resolved_at := CASE WHEN NEW.status IN ('resolved', 'closed') THEN coalesce(NEW.resolved_at, now()) END;
    NEW.closed_at := CASE WHEN NEW.status = 'closed' THEN coalesce(NEW.closed_at, now()) END;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.keep_case_state() IS
'Trigger: keeps a case''s status, resolved_at and closed_at telling the same story.';

CREATE FUNCTION lakehouse.keep_activity_state()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.completed_at IS NOT NULL THEN
        NEW.status := 'completed';
    ELSIF TG_OP = 'UPDATE' AND NEW.status = OLD.status AND NEW.completed_at IS DISTINCT FROM OLD.completed_at THEN
        NEW.status := CASE WHEN NEW.completed_at IS NULL THEN 'open' ELSE 'completed' END;
    END IF;
    NEW.completed_at := CASE WHEN NEW.status = 'completed' THEN coalesce(NEW.completed_at, now()) END;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.keep_activity_state() IS
'Trigger: keeps an activity''s status and completed_at telling the same story.';

REVOKE ALL ON FUNCTION
    lakehouse.stamp_row(),
    lakehouse.assign_owner(),
    lakehouse.keep_case_state(),
    lakehouse.keep_activity_state()
FROM PUBLIC;
