# SPDX-License-Identifier: PostgreSQL
"""Everything that a smuggled statement would change, and whether it has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

NAME = "witness"  # stands in every payload
LOCK = 4711_0815
SET_UP = f"""
CREATE TABLE public.{NAME} (said text);
INSERT INTO public.{NAME} VALUES ('kept');
CREATE SEQUENCE public.{NAME}_seq;
CREATE FUNCTION public.{NAME}() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN INSERT INTO public.{NAME} VALUES ('called'); RETURN 1; END $$;
CREATE PROCEDURE public.{NAME}_procedure() LANGUAGE sql AS $$ INSERT INTO public.{NAME} VALUES ('called') $$;
GRANT ALL ON public.{NAME}, public.{NAME}_seq TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC;
"""
TEAR_DOWN = f"""
DROP TABLE IF EXISTS public.{NAME}, public.{NAME}_new;
DROP SEQUENCE public.{NAME}_seq;
DROP FUNCTION public.{NAME}();
DROP PROCEDURE public.{NAME}_procedure();
ALTER ROLE lakehouse_worker NOSUPERUSER;
"""
# Each of them shows in the snapshot, or in the session that ran it.
EFFECTS = [
    f"INSERT INTO public.{NAME} VALUES ('written')",
    f"DELETE FROM public.{NAME}",
    f"UPDATE public.{NAME} SET said = 'changed'",
    f"DROP TABLE public.{NAME}",
    f"TRUNCATE public.{NAME}",
    f"SELECT public.{NAME}()",
    f"SELECT nextval('public.{NAME}_seq')",
    f"SELECT pg_advisory_lock({LOCK}) /* {NAME} */",
    f"NOTIFY {NAME}",
    f"SELECT pg_notify('{NAME}', 'x')",
    f"SELECT lo_from_bytea(0, '{NAME}')",
    f"CREATE TABLE public.{NAME}_new (n int)",
    f"CREATE TEMP TABLE {NAME}_temp (n int)",
    f"SET {NAME}.setting = 'on'",
    f"SELECT set_config('{NAME}.setting', 'on', false)",
    f"SET search_path = public /* {NAME} */",
    f"LISTEN {NAME}",
    f"PREPARE {NAME} AS SELECT 1",
    f"DECLARE {NAME} CURSOR WITH HOLD FOR SELECT 1",
    f"COPY public.{NAME} TO PROGRAM 'cat ><file>'",
    f"ALTER ROLE lakehouse_worker SUPERUSER /* {NAME} */",
]
# Of a session of the worker, between two calls.
SESSION = f"""SELECT jsonb_build_object(
    'users', ARRAY[current_user, session_user, current_setting('role')], 'search_path', current_setting('search_path'),
    'modes', ARRAY[current_setting('transaction_read_only'), current_setting('default_transaction_read_only'),
                   current_setting('transaction_isolation'), current_setting('lakehouse.agent_session')],
    'setting', current_setting('{NAME}.setting', true), 'temp', pg_my_temp_schema() <> 0,
    'cursors', (SELECT count(*) FROM pg_cursors WHERE name <> ''),
    'listens', (SELECT count(*) FROM pg_listening_channels() c WHERE c = '{NAME}'),
    'prepared', (SELECT count(*) FROM pg_prepared_statements WHERE name ~* '{NAME}'),
    'locks', (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'),
    'settings', (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE source = 'session'
                 AND (name, setting) <> ('application_name', 'lakehouse-worker bus')))"""
# Catalogs that only DDL, GRANT and the like change.
CATALOGS = (
    "pg_class",
    "pg_proc",
    "pg_namespace",
    "pg_authid",
    "pg_auth_members",
    "pg_trigger",
    "pg_policy",
)
CATALOGS += ("pg_db_role_setting", "pg_extension", "pg_foreign_server", "pg_largeobject_metadata")
CATALOGS += ("pg_database", "pg_rewrite", "pg_event_trigger")
VIEWS = ("pg_replication_slots", "pg_prepared_xacts")
# Of our own tables, those that follow what clients do.
LIVELY = (
    "audit_log",
    "audit_heads",
    "mcp_messages",
    "mcp_sessions",
    "oauth_access_tokens",
    "oauth_attempts",
)
LIVELY += (
    "oauth_grants",
    "oauth_clients",
    "oauth_codes",
    "oauth_refresh_tokens",
    "started_queries",
)

Rows = dict[tuple[str, str], str]  # (table, key) of a row, and all of it


@dataclass
class Witness:
    session: psycopg.Connection[tuple]  # a superuser's
    tenant: str
    file: Path  # which no program must make
    kept: Rows = field(default_factory=dict)

    def set_up(self) -> None:
        self.session.execute(SET_UP)
        self.session.execute(f"LISTEN {NAME}")

    def restore(self) -> None:
        """As it was, after one that was meant to change it."""
        self.session.execute(TEAR_DOWN)
        self.session.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
        self.file.unlink(missing_ok=True)
        self.session.execute(SET_UP)
        list(self.session.notifies(timeout=0))

    def facts(self) -> dict[str, Any]:
        """What no call may change at all."""
        parts = [f"SELECT '{NAME}', string_agg(w::text, ',') FROM public.{NAME} w"]
        parts.append(f"SELECT 'sequence', last_value || ' ' || is_called FROM public.{NAME}_seq")
        parts.append(
            f"SELECT 'locks', count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = {LOCK}"
        )
        # A row that is written has a new xmin; one that goes is missed in the count, and so is what a view shows.
        version = "count(*) || ' ' || max(t.xmin::text::bigint)"
        parts += [f"SELECT '{name}', {version} FROM {name} t" for name in CATALOGS]
        parts += [f"SELECT '{name}', count(*)::text FROM {name} t" for name in VIEWS]
        own = self.session.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'lakehouse'::regnamespace AND relkind = 'r'"
        ).fetchall()
        parts += [
            f"SELECT '{name}', {version} FROM lakehouse.{name} t"
            for (name,) in own
            if name not in LIVELY
        ]
        try:
            facts: dict[str, Any] = dict(self.session.execute(" UNION ALL ".join(parts)).fetchall())
        except psycopg.errors.UndefinedTable as error:
            return {"gone": str(error)}
        facts["file"] = self.file.exists()
        facts["heard"] = len(list(self.session.notifies(timeout=0)))
        return facts

    def rows(self) -> Rows:
        """The tenant's records."""
        tables = self.session.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r'",
            [self.tenant],
        ).fetchall()
        found: Rows = {}
        for (table,) in tables:
            query = sql.SQL("SELECT coalesce(to_jsonb(t) ->> 'id', t::text), t::text FROM {} t")
            for key, text in self.session.execute(query.format(sql.Identifier(self.tenant, table))):
                found[table, key if len(key) < 40 else hashlib.sha256(key.encode()).hexdigest()] = (
                    text
                )
        return found
