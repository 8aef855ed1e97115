-- SPDX-License-Identifier: PostgreSQL
-- First of the install script's parts; the Makefile joins them in name order.
\echo Use "CREATE EXTENSION lakehouse" to load this file. \quit

-- Whoever owns the schema can put a function of his own where one of ours is looked up.
DO $$
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
            WHERE n.nspname OPERATOR(pg_catalog.=) 'lakehouse'::pg_catalog.name) THEN
        RAISE EXCEPTION 'schema "lakehouse" belongs to a role that is no superuser'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Drop the schema, or give it to a superuser after a look at what is in it.';
    END IF;
END
$$;

COMMENT ON SCHEMA lakehouse IS 'Lakehouse: functions and views for tenants, warehouses and the worker';
