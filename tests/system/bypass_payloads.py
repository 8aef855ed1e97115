# SPDX-License-Identifier: PostgreSQL
"""Texts by which "read only" was escaped elsewhere, by class. Each names the witness, and means to change it.

The first is what `COMMIT; …` did to servers that spoke the simple protocol; the others followed its repair.
"""

from __future__ import annotations

from test_guard_incidents import ENDERS, POSITIONS, SEPARATORS
from witness import EFFECTS, NAME

# <e>: an effect on the witness; <f>: a function that has one; <n>: an id of nothing; <w>: the witness's name.
MODES = ["SET TRANSACTION READ WRITE", "set  local transaction_read_only = off", "START TRANSACTION READ WRITE",
         "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE", "SET default_transaction_read_only = off",
         "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "RESET transaction_read_only",
         "SELECT set_config('transaction_read_only', 'off', true)", "ROLLBACK AND CHAIN READ WRITE"]  # fmt: skip
ROLES = ["RESET ROLE", "SET ROLE NONE", "SET LOCAL ROLE lakehouse_worker", "SET SESSION AUTHORIZATION DEFAULT",
         "RESET SESSION AUTHORIZATION", "DISCARD ALL", "RESET ALL", "SET lakehouse.agent_session = off",
         "SELECT set_config('role', 'none', false)",
         "SELECT set_config('lakehouse.agent_session', 'off', false)"]  # fmt: skip
COMMENTS = ["/* SELECT */ <e>", "-- SELECT 1\n<e>", "/* /* */ SELECT 1 */ <e>", "--\r\n/**/\t<e>", " \n\f<e>",
            "#\n<e>", "/*!50000 SELECT */ <e>", "SELECT/**/1;<e>", "\ufeff<e>", "(<e>)",
            "; <e>", "\\; <e>"]  # fmt: skip
SECOND = ["SELECT 1; <e>", "SELECT 1;;\n<e>;", "SELECT 1 /* ; */; <e> --", "SELECT $$;$$; <e>",
          "SELECT ';'; <e>", "SELECT 1\\g\n<e>", "SELECT 1\u037e <e>", "SELECT 1\u0001; <e>"]  # fmt: skip
WITHS = [
    f"WITH x AS (DELETE FROM public.{NAME} RETURNING *) SELECT * FROM x",
    f"WITH x AS (INSERT INTO public.{NAME} VALUES ('with') RETURNING said) SELECT said FROM x",
    f"with recursive x as (update public.{NAME} set said = 'with' returning 1) select count(*) from x",
    f"SELECT 1 FROM (WITH x AS (DELETE FROM public.{NAME} RETURNING 1) SELECT 1 FROM x) y",
    f"WITH x AS (SELECT public.{NAME}() n) SELECT n FROM x",
    f"SELECT * FROM public.{NAME} FOR UPDATE",
    f"SELECT 'x' AS said INTO public.{NAME}_new",
    f"TABLE public.{NAME}; DELETE FROM public.{NAME}",
]
CALLS = [
    f"SELECT public.{NAME}()",
    f"SELECT nextval('public.{NAME}_seq')",
    f"SELECT setval('public.{NAME}_seq', 4711)",
    f"SELECT set_config('{NAME}.setting', 'on', false)",
    f"SELECT set_config('search_path', '{NAME}', false)",
    f"SELECT pg_notify('{NAME}', 'x')",
    f"SELECT lo_from_bytea(0, '{NAME}')",
    f"SELECT pg_logical_emit_message(false, '{NAME}', 'x')",
    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '{NAME}' OR true",
    f"SELECT query_to_xml('DELETE FROM public.{NAME} RETURNING 1', true, true, '')",
    f"SELECT * FROM dblink('dbname=lakehouse', 'DELETE FROM public.{NAME}') t(x text)",
    f"SELECT pg_sleep(25) /* {NAME} */",
    f"SELECT pg_read_file('postgresql.conf') /* {NAME} */",
    *(effect for effect in EFFECTS if effect.startswith("SELECT pg_")),
]
STATEMENTS = [
    "EXPLAIN ANALYZE <e>",
    "EXPLAIN (ANALYZE, FORMAT JSON) <e>",
    f"PREPARE {NAME} AS <e>",
    f"DO $x$ BEGIN INSERT INTO public.{NAME} VALUES ('do'); END $x$",
    f"CALL public.{NAME}_procedure()",
    f"COPY (SELECT 1) TO PROGRAM 'cat ><file>' -- {NAME}",
    f"DECLARE {NAME} CURSOR WITH HOLD FOR SELECT 1",
    f"CREATE TEMP TABLE {NAME}_temp AS SELECT 1",
    f"CREATE FUNCTION public.{NAME}_new() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    f"LOCK TABLE public.{NAME}",
    f"MERGE INTO public.{NAME} w USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    *EFFECTS,
]
OUT_OF_TEXTS = ["'; <e>; --", "' || <f> || '", "') ; <e>; --", "\\'; <e>; --", "' OR <f> IS NOT NULL --",
                "'::text; <e>; --", "E'\\'; <e>; --", "$1); <e>; --", "$$; <e>; $$", "%'; <e>; --",
                "x' UNION SELECT <f>::text --", "\u02bc; <e>; --", "{{<f>}}"]  # fmt: skip
OUT_OF_NAMES = ['"; <e>; --', '" = \'\' OR <f> IS NOT NULL --', "id; <e>; --", "id, <f>", '-id" DESC, <f> --',
                "custom.x' || <f> || '", 'id" FROM public.witness; <e>; --', "count(*) FROM (SELECT <f>) x --",
                "t.id = <f>", "%1$I; <e>", "%s<f>", "(<f>)"]  # fmt: skip
OUT_OF_FORMS = ['"}; <e>; --', '{"$where": "<f>"}', '{"field": "id", "op": "eq", "value": "<f>"}', "*/ <e> /*",
                "[<f>]", "eq <f>", "0 OR <f> > 0", "1); <e>; --", "2027-01-31'; <e>; --", "true; <e>",
                "<n>'; <e>; --", "account:<n>'; <e>; --", "crm://schema'; <e>; --"]  # fmt: skip
CLOSED = ["lakehouse.oauth_access_tokens /* <w> */", "pg_catalog.pg_authid /* <w> */", "public.<w>",
          "<w>", "../<w>", "public.<w>%00", "crm://<w>", "lakehouse.<w>", "describe_<w>"]  # fmt: skip

NOBODY = "00000000-0000-0000-0000-000000000000"
FUNCTION = f"public.{NAME}()"


def filled(patterns: list[str]) -> list[str]:
    """Each pattern with an effect, another one for each."""
    return [
        pattern.replace("<e>", EFFECTS[number % len(EFFECTS)])
        .replace("<f>", FUNCTION)
        .replace("<n>", NOBODY)
        .replace("<w>", NAME)
        for number, pattern in enumerate(patterns)
    ]


def after(beginnings: list[str], separators: list[str]) -> list[str]:
    return filled([f"{first}{then}<e>" for first in beginnings for then in separators])


PAYLOADS: dict[str, list[str]] = {
    "end of transaction": after(ENDERS, SEPARATORS)
    + after(MODES, [";", "; COMMIT; "])
    + after(ROLES, [";", ";\n/**/"]),
    "another statement": filled(COMMENTS) + filled(SECOND) + filled(STATEMENTS),
    "write in a query": WITHS + CALLS + [form.format(f=FUNCTION) for form in POSITIONS.values()],
    "out of a text": filled(OUT_OF_TEXTS),
    "out of a name": filled(OUT_OF_NAMES) + filled(CLOSED),
    "out of a form": filled(OUT_OF_FORMS),
}
ALL = [text for variants in PAYLOADS.values() for text in variants]
