-- SPDX-License-Identifier: PostgreSQL
-- What the guard lets an agent's query call.

CREATE FUNCTION lakehouse.list_guarded_functions(OUT oid oid, OUT signature text)
RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_list_guarded_functions';
COMMENT ON FUNCTION lakehouse.list_guarded_functions() IS
'Functions, and operators by their function, that an agent''s query may call; all others are refused. One row each: oid and signature.';

-- No pinned search_path: it is called for every row, and looks nothing up.
CREATE FUNCTION lakehouse.limit_size(value anyelement, bytes integer)
RETURNS anyelement LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lakehouse_limit_size';
COMMENT ON FUNCTION lakehouse.limit_size(anyelement, integer) IS
'The value as it is, of any type of variable length; raises 54001 if it has more bytes. The guard puts it around what agents'' queries compute where time would grow with the product of two lengths.';

REVOKE ALL ON FUNCTION lakehouse.list_guarded_functions(), lakehouse.limit_size(anyelement, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.list_guarded_functions(), lakehouse.limit_size(anyelement, integer) TO PUBLIC;
