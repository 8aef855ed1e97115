-- SPDX-License-Identifier: PostgreSQL
-- The foreign data wrappers and what they know how to push down.

CREATE FUNCTION lakehouse.handle_databricks()
RETURNS fdw_handler LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_handle_databricks';
COMMENT ON FUNCTION lakehouse.handle_databricks() IS
'Handler of the foreign data wrapper "databricks".';

CREATE FUNCTION lakehouse.validate_options(options text[], catalog oid)
RETURNS void LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_validate_options';
COMMENT ON FUNCTION lakehouse.validate_options(text[], oid) IS
'Validator of the foreign data wrappers'' options. Servers: connection (superuser only), fetch_window, fdw_startup_cost, fdw_tuple_cost. Tables: catalog, schema, table_name. Columns: column_name, column_type.';

CREATE FOREIGN DATA WRAPPER databricks
    HANDLER lakehouse.handle_databricks
    VALIDATOR lakehouse.validate_options;
COMMENT ON FOREIGN DATA WRAPPER databricks IS
'Tables of a Databricks SQL warehouse, by the Statement Execution API';

CREATE FUNCTION lakehouse.list_shippable_functions(OUT oid oid, OUT signature text, OUT databricks text)
RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_list_shippable_functions';
COMMENT ON FUNCTION lakehouse.list_shippable_functions() IS
'Functions, and operators by their function, that are computed in the warehouse; all others are computed here. One row each: oid, signature, and the form it takes remotely ($1, $2: arguments).';

REVOKE ALL ON FUNCTION lakehouse.handle_databricks(), lakehouse.validate_options(text[], oid) FROM PUBLIC;
REVOKE ALL ON FUNCTION lakehouse.list_shippable_functions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.list_shippable_functions() TO PUBLIC;
