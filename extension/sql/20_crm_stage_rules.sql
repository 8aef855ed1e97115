-- SPDX-License-Identifier: PostgreSQL
-- The stage is the master field of an opportunity: it decides probability, forecast category, closed,
-- won and their times. Nobody types these by hand. Every move leaves a row in the history.

CREATE FUNCTION lakehouse.create_opportunity_triggers(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);

    -- PostgreSQL fires triggers in the order of their names: choose, derive, keep, stamp.
    CREATE TRIGGER assign_owner BEFORE INSERT ON opportunities FOR EACH ROW
        WHEN (NEW.owner_id IS NULL) EXECUTE FUNCTION lakehouse.assign_owner();
    CREATE TRIGGER choose_stage BEFORE INSERT OR UPDATE ON opportunities FOR EACH ROW EXECUTE FUNCTION lakehouse.choose_stage();
    CREATE TRIGGER derive_from_stage BEFORE INSERT OR UPDATE ON opportunities FOR EACH ROW EXECUTE FUNCTION lakehouse.derive_from_stage();
    CREATE TRIGGER keep_amount BEFORE UPDATE OF amount ON opportunities FOR EACH ROW EXECUTE FUNCTION lakehouse.keep_amount();
    CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON opportunities FOR EACH ROW EXECUTE FUNCTION lakehouse.stamp_row();

    CREATE TRIGGER record_first_stage AFTER INSERT ON opportunities FOR EACH ROW EXECUTE FUNCTION lakehouse.record_stage();
    CREATE TRIGGER record_stage AFTER UPDATE ON opportunities FOR EACH ROW
        WHEN (OLD.stage_id IS DISTINCT FROM NEW.stage_id) EXECUTE FUNCTION lakehouse.record_stage();

    CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON opportunity_stage_history FOR EACH ROW
        EXECUTE FUNCTION lakehouse.refuse_history_change();
    CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON opportunity_stage_history FOR EACH STATEMENT
        EXECUTE FUNCTION lakehouse.refuse_history_change();
END
$$;
COMMENT ON FUNCTION lakehouse.create_opportunity_triggers(text) IS
'Part of create_tenant: puts the stage rules on opportunities and their history.';

-- Settles which stage is meant: by id, by name, by the pipeline's first open stage. Keeps that stage as it is until the
-- deal is committed: a change of its name or meaning can't reach deals that it doesn't see yet.
-- SECURITY DEFINER: to lock a stage takes the right to change it, which those who move deals don't have.
CREATE FUNCTION lakehouse.choose_stage()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stages CONSTANT text := format('%I.pipeline_stages', TG_TABLE_SCHEMA);
    wanted record;
    known text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.pipeline_id, NEW.stage_id, NEW.stage) IS NOT DISTINCT FROM (OLD.pipeline_id, OLD.stage_id, OLD.stage) THEN
            RETURN NEW;
        END IF;
        -- What the writer left alone follows what it changed.
        IF NEW.stage_id IS NOT DISTINCT FROM OLD.stage_id THEN
            NEW.stage_id := NULL;
        ELSIF NEW.stage IS NOT DISTINCT FROM OLD.stage THEN
            NEW.stage := NULL;
        END IF;
        IF NEW.stage_id IS NULL AND NEW.stage IS NULL THEN
            RAISE EXCEPTION 'stage of opportunity "%" must not be null', OLD.name USING ERRCODE = 'not_null_violation';
        END IF;
    END IF;

    IF NEW.pipeline_id IS NULL AND NEW.stage_id IS NOT NULL THEN
        EXECUTE format('SELECT pipeline_id FROM %s WHERE id = $1', stages) INTO NEW.pipeline_id USING NEW.stage_id;
    ELSIF NEW.pipeline_id IS NULL THEN
        EXECUTE format('SELECT id FROM %I.pipelines WHERE is_default', TG_TABLE_SCHEMA) INTO NEW.pipeline_id;
        IF NEW.pipeline_id IS NULL THEN
            RAISE EXCEPTION 'there is no default pipeline'
                USING ERRCODE = 'not_null_violation', HINT = 'Give pipeline_id, or set is_default on one pipeline.';
        END IF;
    END IF;

    EXECUTE format('SELECT id, name, is_active FROM %s WHERE pipeline_id = $1 AND CASE WHEN $2 IS NOT NULL THEN id = $2 '
                   'WHEN $3 IS NOT NULL THEN lower(name) = lower($3) ELSE is_active AND NOT is_closed END '
                   'ORDER BY sort_order LIMIT 1 FOR SHARE', stages)
        INTO wanted USING NEW.pipeline_id, NEW.stage_id, NEW.stage;
    IF wanted.id IS NULL OR (NEW.stage IS NOT NULL AND lower(NEW.stage) <> lower(wanted.name)) THEN
        EXECUTE format('SELECT string_agg(name, '', '' ORDER BY sort_order) FROM %s WHERE pipeline_id = $1 AND is_active', stages)
            INTO known USING NEW.pipeline_id;
        RAISE EXCEPTION '%', CASE WHEN num_nonnulls(NEW.stage, NEW.stage_id) = 0 THEN 'the pipeline has no open stage to begin with'
                                  ELSE format('stage "%s" is not a stage of the pipeline', coalesce(NEW.stage, NEW.stage_id::text)) END
            USING ERRCODE = 'foreign_key_violation',
                  DETAIL = CASE WHEN wanted.id IS NULL THEN format('Opportunity "%s" can''t be in it.', NEW.name)
                               ELSE format('Opportunity "%s" has the stage_id of stage "%s".', NEW.name, wanted.name) END,
                  HINT = 'Stages of this pipeline: ' || coalesce(known, 'none') || '.';
    ELSIF NOT wanted.is_active AND (TG_OP = 'INSERT' OR wanted.id IS DISTINCT FROM OLD.stage_id) THEN
        RAISE EXCEPTION 'stage "%" is not active', wanted.name
            USING ERRCODE = 'check_violation', HINT = 'Choose an active stage of the pipeline.';
    END IF;
    NEW.stage_id := wanted.id;
    NEW.stage := wanted.name;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.choose_stage() IS
'Trigger, security definer: settles pipeline_id, stage_id and stage of an opportunity from whichever of them was given, and locks the stage against changes. Raises foreign_key_violation for a stage the pipeline doesn''t have.';

-- Derives everything that follows from the stage, and refuses a typed value that says otherwise.
CREATE FUNCTION lakehouse.derive_from_stage()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rule record;
    moved boolean := true;
    refused text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.stage_id, NEW.probability, NEW.forecast_category, NEW.is_closed, NEW.is_won, NEW.closed_at, NEW.won_at)
           IS NOT DISTINCT FROM
           (OLD.stage_id, OLD.probability, OLD.forecast_category, OLD.is_closed, OLD.is_won, OLD.closed_at, OLD.won_at) THEN
            RETURN NEW;
        END IF;
        moved := NEW.stage_id <> OLD.stage_id;
        -- A value that didn't change wasn't typed: NULL from here on.
        NEW.probability := nullif(NEW.probability, OLD.probability);
        NEW.forecast_category := nullif(NEW.forecast_category, OLD.forecast_category);
        NEW.is_closed := nullif(NEW.is_closed, OLD.is_closed);
        NEW.is_won := nullif(NEW.is_won, OLD.is_won);
        NEW.closed_at := CASE WHEN NEW.closed_at IS DISTINCT FROM OLD.closed_at THEN NEW.closed_at END;
        NEW.won_at := CASE WHEN NEW.won_at IS DISTINCT FROM OLD.won_at THEN NEW.won_at END;
    END IF;

    EXECUTE format('SELECT name, default_probability, forecast_category, is_closed, is_won FROM %I.pipeline_stages WHERE id = $1',
                   TG_TABLE_SCHEMA) INTO STRICT rule USING NEW.stage_id;
    refused := CASE
        WHEN NEW.is_closed <> rule.is_closed THEN 'is_closed'
        WHEN NEW.is_won <> rule.is_won THEN 'is_won'
        WHEN NEW.probability <> rule.default_probability THEN 'probability'
        WHEN NEW.forecast_category <> rule.forecast_category THEN 'forecast_category'
        WHEN NEW.closed_at IS NOT NULL AND NOT (rule.is_closed AND moved) THEN 'closed_at'
        WHEN NEW.won_at IS NOT NULL AND NOT (rule.is_won AND moved) THEN 'won_at'
    END;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION '% of an opportunity follows from its stage', refused
            USING ERRCODE = 'check_violation', DETAIL = format('Opportunity "%s" is in stage "%s".', NEW.name, rule.name),
                  HINT = 'Set stage or stage_id instead.';
    END IF;

    NEW.probability := rule.default_probability;
    NEW.forecast_category := rule.forecast_category;
    NEW.is_closed := rule.is_closed;
    NEW.is_won := rule.is_won;
    -- Moving from one closed stage to another keeps the time of the first; an import may bring its own.
    NEW.closed_at := CASE WHEN rule.is_closed THEN coalesce(NEW.closed_at, CASE WHEN TG_OP = 'UPDATE' THEN OLD.closed_at END, NEW.won_at, now()) END;
    NEW.won_at := CASE WHEN rule.is_won THEN coalesce(NEW.won_at, CASE WHEN TG_OP = 'UPDATE' THEN OLD.won_at END, NEW.closed_at) END;
    IF moved AND rule.is_won THEN
        NEW.close_date := least(NEW.close_date, NEW.won_at::date);
    END IF;
    IF moved AND TG_OP = 'UPDATE' AND NOT (rule.is_closed AND NOT rule.is_won) AND NEW.lost_reason IS NOT DISTINCT FROM OLD.lost_reason THEN
        NEW.lost_reason := NULL;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.derive_from_stage() IS
'Trigger: sets probability, forecast_category, is_closed, is_won, closed_at and won_at from the stage; winning pulls close_date to the day it happened. Raises check_violation when one of them was typed against the stage.';

-- SECURITY DEFINER: nobody but this function writes history, so that nobody can invent or bend it.
CREATE FUNCTION lakehouse.record_stage()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A transaction that began before another may move the deal after it, and one may move it twice: time must still grow.
    EXECUTE format('INSERT INTO %1$I.opportunity_stage_history (opportunity_id, from_stage_id, from_stage, to_stage_id, to_stage, '
                   'amount, close_date, changed_at, changed_by, actor_kind) SELECT $1, $2, $3, $4, $5, $6, $7, '
                   'greatest($8, max(h.changed_at) + interval ''1 microsecond''), $9, $10 '
                   'FROM %1$I.opportunity_stage_history h WHERE h.opportunity_id = $1', TG_TABLE_SCHEMA)
        USING NEW.id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.stage_id END, CASE WHEN TG_OP = 'UPDATE' THEN OLD.stage END,
              NEW.stage_id, NEW.stage, NEW.amount, NEW.close_date,
              CASE WHEN TG_OP = 'UPDATE' THEN NEW.updated_at ELSE NEW.created_at END, NEW.updated_by, NEW.actor_kind;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.record_stage() IS
'Trigger, security definer: adds a row to opportunity_stage_history when an opportunity is created or moves.';

CREATE FUNCTION lakehouse.refuse_history_change()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parent_lives boolean := true;
BEGIN
    -- Erasing an opportunity takes its history with it: by then the parent is gone.
    IF TG_OP = 'DELETE' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.opportunities WHERE id = $1)', TG_TABLE_SCHEMA)
            INTO parent_lives USING OLD.opportunity_id;
    END IF;
    IF parent_lives THEN
        RAISE EXCEPTION 'stage history is append-only'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Move the opportunity to the right stage instead: that adds a row.';
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION lakehouse.refuse_history_change() IS
'Trigger: refuses UPDATE, TRUNCATE and DELETE of stage history, except the DELETE that follows from erasing the opportunity.';

CREATE FUNCTION lakehouse.keep_stage_meaning()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_use boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.opportunities WHERE stage_id = $1)', TG_TABLE_SCHEMA) INTO in_use USING OLD.id;
    IF in_use THEN
        RAISE EXCEPTION 'stage "%" is in use', OLD.name
            USING ERRCODE = 'object_in_use',
                  DETAIL = 'Opportunities in it would change between open, won and lost without a move.',
                  HINT = 'Add a stage, move the opportunities there, and set is_active to false on this one.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.keep_stage_meaning() IS
'Trigger: refuses to change whether a stage is closed or won, or its pipeline, while opportunities are in it.';

CREATE FUNCTION lakehouse.spread_stage()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('UPDATE %I.opportunities SET stage = $2, probability = $3, forecast_category = $4 WHERE stage_id = $1',
                   TG_TABLE_SCHEMA)
        USING NEW.id, NEW.name, NEW.default_probability, NEW.forecast_category;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.spread_stage() IS
'Trigger: opportunities follow when their stage gets another name, probability or forecast category.';

REVOKE ALL ON FUNCTION
    lakehouse.create_opportunity_triggers(text),
    lakehouse.choose_stage(),
    lakehouse.derive_from_stage(),
    lakehouse.record_stage(),
    lakehouse.refuse_history_change(),
    lakehouse.keep_stage_meaning(),
    lakehouse.spread_stage()
FROM PUBLIC;
