# SPDX-License-Identifier: PostgreSQL
"""What an agent's query may call: the compiled list is what table and server say, and holds nothing dangerous."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

Connection = psycopg.Connection[tuple]

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "extension" / "guard"

# One pattern a class of functions that an agent must never reach, with members that prove it matches.
DENIED_CLASSES = {
    "runs SQL given as text": (
        r"query_to_xml|cursor_to_xml|(table|schema|database)_to_xml|ts_stat$|ts_rewrite$|dblink",
        [
            "query_to_xml",
            "query_to_xmlschema",
            "table_to_xml",
            "database_to_xml",
            "ts_stat",
        ],
    ),
    "writes state": (
        r"^(set_config|nextval|setval|currval|lastval|pg_notify|pg_logical_.*|lo_.*|lo(read|write)"
        r"|pg_(try_)?advisory.*|pg_export_snapshot|pg_create_.*|pg_drop_.*|pg_replication_.*)$",
        [
            "set_config",
            "setval",
            "lo_from_bytea",
            "lowrite",
            "pg_try_advisory_lock",
            "pg_notify",
        ],
    ),
    "administers": (
        r"^pg_(reload_conf|rotate_logfile|switch_wal|import_.*|stat_reset.*|promote|wal_replay.*)$",
        ["pg_reload_conf", "pg_switch_wal", "pg_stat_reset_shared"],
    ),
    "reads server files": (
        r"^pg_(read_.*|ls_.*|stat_file|current_logfile|hba_file_rules)$|^lo_(im|ex)port$",
        [
            "pg_read_file",
            "pg_read_binary_file",
            "pg_ls_dir",
            "pg_stat_file",
            "lo_import",
        ],
    ),
    "concerns other sessions": (
        r"^pg_((cancel|terminate)_backend|stat_get_.*|blocking_pids|lock_status|safe_snapshot.*"
        r"|isolation.*|log_.*|prepared_.*|cursor|listening_channels|backend_pid)$|^inet_(client|server)",
        [
            "pg_cancel_backend",
            "pg_stat_get_activity",
            "pg_blocking_pids",
            "inet_client_addr",
        ],
    ),
    "reads catalogs or settings": (
        r"^to_reg|^reg(?!exp|r_)|^has_.*_privilege$|^pg_get_|^pg_(relation|table|indexes|total|database|tablespace)_"
        r"|^current_setting$|_description$|^pg_.*_is_visible$|^pg_(show|settings|options|config|typeof|my_temp"
        r"|describe|identify|available|timezone|collation|column_.*|is_other)|^format_type$|^current_schemas?$"
        r"|^(session|current)_(user|database|query)$|^version$|^row_security_active$",
        ["to_regclass", "has_table_privilege", "pg_get_viewdef", "pg_relation_size"]
        + [
            "current_setting",
            "obj_description",
            "format_type",
            "pg_typeof",
            "current_schemas",
        ],
    ),
    "tells time or gives entropy": (
        r"^(clock_timestamp|timeofday|random|setseed|gen_random_uuid|pg_sleep.*|txid_.*|pg_current_.*|pg_snapshot_.*)$",
        [
            "clock_timestamp",
            "random",
            "gen_random_uuid",
            "pg_sleep",
            "pg_sleep_for",
            "txid_current",
        ],
    ),
    "can't be bounded or stopped": (
        r"^(format|array_fill|factorial|xpath.*|xml.*|jsonb_path_.*|ts_headline|jsonb?_populate_record(set)?)$",
        [
            "format",
            "array_fill",
            "factorial",
            "xpath",
            "jsonb_path_query",
            "json_populate_record",
        ],
    ),
}


@pytest.fixture
def names(session: Connection) -> set[str]:
    rows = session.execute(
        "SELECT p.proname FROM lakehouse.list_guarded_functions() g JOIN pg_proc p USING (oid)"
    )
    return {name for (name,) in rows}


def check(tool: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(tool), "--check"], capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def copied_tool(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the program and its data, to change; the program and the table."""
    (tmp_path / "tools").mkdir()
    shutil.copytree(FOLDER, tmp_path / "extension" / "guard")
    tool = Path(shutil.copy(ROOT / "tools" / "allow-list", tmp_path / "tools"))
    return tool, tmp_path / "extension" / "guard" / "allowed_functions.txt"


def test_data_file_is_what_this_server_gives() -> None:
    done = check(ROOT / "tools" / "allow-list")
    assert (done.returncode, done.stderr) == (0, "")


def test_check_notices_an_overload_that_nobody_judged(
    copied_tool: tuple[Path, Path],
) -> None:
    tool, table = copied_tool
    text = table.read_text(encoding="utf-8")
    assert "! age(xid)\n" in text
    table.write_text(text.replace("! age(xid)\n", ""), encoding="utf-8")
    done = check(tool)
    assert (done.returncode, done.stderr) == (
        1,
        "age(xid) is neither allowed nor denied\n",
    )


def test_check_notices_a_changed_table(copied_tool: tuple[Path, Path]) -> None:
    tool, table = copied_tool
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("\nmd5(text)\n", "\n! md5(text)\n"), encoding="utf-8")
    done = check(tool)
    assert done.returncode == 1 and "allow_list_data.inc is not what" in done.stderr


def test_compiled_list_is_the_data_file(session: Connection) -> None:
    rows = session.execute(
        "SELECT g.oid::int8, g.signature, p.oid::regprocedure::text"
        " FROM lakehouse.list_guarded_functions() g LEFT JOIN pg_proc p USING (oid)"
    ).fetchall()
    assert all(signature == known_as for _, signature, known_as in rows)
    text = (FOLDER / "allow_list_data.inc").read_text(encoding="utf-8")
    (part,) = re.findall(r"kFunctions = .*?\n(.*?)\}\);", text, flags=re.DOTALL)
    wanted = [
        (int(oid), name)
        for oid, name in re.findall(r"^    (\d+),  // (.*)$", part, re.M)
    ]
    assert [row[:2] for row in rows] == wanted
    assert len(wanted) > 500


def test_everything_is_of_the_system_and_nothing_is_volatile(
    session: Connection,
) -> None:
    rows = session.execute(
        "SELECT g.signature FROM lakehouse.list_guarded_functions() g LEFT JOIN pg_proc p USING (oid)"
        " LEFT JOIN pg_language l ON l.oid = p.prolang WHERE p.oid IS NULL OR p.provolatile = 'v' OR p.prosecdef"
        " OR p.pronamespace <> 'pg_catalog'::regnamespace OR p.oid >= 16384 OR l.lanname NOT IN ('internal', 'sql')"
        " OR 'internal'::regtype = ANY (p.proargtypes) OR 'cstring'::regtype = ANY (p.proargtypes)"
    )
    assert rows.fetchall() == []


def test_what_sql_functions_call_is_allowed_too(session: Connection) -> None:
    """Their bodies run under the guard as well, inlined or not."""
    session.execute("SET search_path = pg_catalog")
    bodies = session.execute(
        "SELECT g.signature, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)"
        " FROM lakehouse.list_guarded_functions() g JOIN pg_proc p USING (oid)"
        " WHERE p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql')"
    ).fetchall()
    assert bodies
    called = {name for _, body in bodies for name in re.findall(r"(\w+)\"?\(", body)}
    known = session.execute(
        "SELECT DISTINCT proname FROM pg_proc WHERE proname = ANY (%s)", [list(called)]
    )
    allowed = session.execute(
        "SELECT DISTINCT proname FROM lakehouse.list_guarded_functions() JOIN pg_proc USING (oid)"
    )
    assert {name for (name,) in known} <= {name for (name,) in allowed.fetchall()}


@pytest.mark.parametrize("reason", DENIED_CLASSES)
def test_no_denied_class_is_allowed(
    session: Connection, names: set[str], reason: str
) -> None:
    pattern, members = DENIED_CLASSES[reason]
    known = {name for (name,) in session.execute("SELECT proname FROM pg_proc")}
    assert [
        name for name in members if name not in known or not re.search(pattern, name)
    ] == []
    assert [name for name in sorted(names) if re.search(pattern, name)] == []
