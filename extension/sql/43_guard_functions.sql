-- SPDX-License-Identifier: PostgreSQL
-- What the guard lets an agent's query call.

CREATE FUNCTION lakehouse.list_guarded_functions(OUT oid oid, OUT signature text)
RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_list_guarded_functions';
COMMENT ON FUNCTION lakehouse.list_guarded_functions() IS
'Functions, and operators by their function, that an agent''s query may call; all others are refused. One row each: oid and signature.';

REVOKE ALL ON FUNCTION lakehouse.list_guarded_functions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.list_guarded_functions() TO PUBLIC;
