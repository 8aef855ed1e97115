# SPDX-License-Identifier: PostgreSQL
"""Draws whole SELECTs over governed tables from a seed, and knows which the guard must refuse.

The conditions are those of query_generator, over the columns of a scope: several relations under
their aliases. Whatever depends on an order has a total one, so every role that sees the same rows
must get the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import select_parts as parts
from query_generator import Column, Generator, Query, Table
from select_parts import AGGREGATES, CALLS, FROM_TEXT, TYPES, Flaw

_KIND_OF = {name: kind for kind, name in TYPES.items()} | {"smallint": "integer"}
_KINDS = tuple(TYPES)
_VALUES = {
    "text": ("EU", "a%c", "", "plain", "Client 2", "US", "DE"),
    "integer": ("0", "1", "3", "7"),
    "bigint": ("0", "2", "11"),
    "numeric": ("0", "10.5", "82.50", "-9.75"),
    "double": ("0", "0.5", "1.75"),
    "boolean": ("true", "false"),
    "date": ("2024-02-15", "2005-12-31", "1990-10-03"),
    "moment": ("2024-03-10 05:30:00.5Z", "2024-03-10 00:00:00Z"),
}
_JOINS = ("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
_COLUMN_NAME = re.compile(r"\ba\d+\.")
_LIMITS = ("1", "3", "10", "2 + 2", "(SELECT count(*) FROM places)")
_MATERIALIZED = ("", "MATERIALIZED ", "NOT MATERIALIZED ")
_MOST_TABLES = 4
_CLEAN = 0.7  # the share of queries drawn without a flaw


@dataclass(frozen=True)
class Source(Table):
    """A table of the tenant; `hidden` are columns that the policy leaves out."""

    hidden: tuple[Column, ...] = ()
    is_crm: bool = False


@dataclass(frozen=True)
class Relation:
    """Something in FROM. `key`: what tells its rows apart; empty: nothing does."""

    alias: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    source: Source | None = None

    def typed(self, kind: str) -> list[str]:
        return [
            f"{self.alias}.{c.name}" + ("::integer" if c.type == "smallint" else "")
            for c in self.columns
            if _KIND_OF[c.type] == kind
        ]


Scope = tuple[Relation, ...]


@dataclass(frozen=True)
class Drawn:
    """`flaw`: why the guard must refuse it; `raises`: why whoever may run it gets an error."""

    text: str
    is_ordered: bool
    flaw: Flaw | None = None
    raises: bool = False


class SelectGenerator(Generator):
    def __init__(self, seed: int, tables: Sequence[Source]) -> None:
        super().__init__(seed, tables)
        self._sources = tuple(tables)

    def drawn(self) -> Drawn:
        draw = self._draw
        self._values, self._aliases, self._tables_left = [], 0, _MOST_TABLES
        self._correlated_left = 1
        self._cte: Relation | None = None
        self._wanted = None if draw.random() < _CLEAN else draw.choice(parts.FLAWS)
        self._found: Flaw | None = None
        if self._wanted is None and draw.random() < 0.06:
            return self._finish(*self._raising_query(), raises=True)
        if self._wanted in (parts.LOCK, parts.CRM_LOCK):
            return self._finish(*self._locking_query())
        kinds = self._some_kinds(5)
        head = self._common_table() if self._chance(0.2) else ""
        is_ordered = self._chance(0.75)
        text = head + self._block(kinds, (), 2, is_ordered)
        if not head and self._wanted is parts.RECURSION:
            self._found = self._wanted
            text = draw.choice(self._wanted.texts).format(query=text)
        return self._finish(text, is_ordered)

    def _finish(self, text: str, is_ordered: bool, raises: bool = False) -> Drawn:
        whole = Query(text, tuple(self._values), is_ordered).with_constants()
        return Drawn(whole, is_ordered, self._found, raises)

    def _chance(self, share: float) -> bool:
        return self._draw.random() < share

    def _new_alias(self) -> str:
        self._aliases += 1
        return f"a{self._aliases}"

    # Queries of a kind of their own

    def _raising_query(self) -> tuple[str, bool]:
        """One expression raises: in which order several are tried is nobody's promise."""
        call = self._draw.choice(parts.RAISING)
        place = self._draw.choice(
            ("SELECT {} FROM sales a1", "SELECT 1 FROM sales a1 WHERE {} = 1")
        )
        return place.format(call), False

    def _locking_query(self) -> tuple[str, bool]:
        is_crm = self._wanted is parts.CRM_LOCK
        source = self._draw.choice([s for s in self._sources if s.is_crm == is_crm])
        relation = self._relation_of(source)
        self._found = self._wanted
        where = self._condition_over((relation,), 1)
        lock = self._draw.choice(parts.LOCK.texts)
        return f"SELECT 1 FROM {source.name} {relation.alias} WHERE {where} {lock}", False

    def _common_table(self) -> str:
        """Later items of FROM may name it, none need."""
        kinds = self._some_kinds(3)
        body = self._block(kinds, (), 1, is_total=self._chance(0.4))
        self._cte = Relation("shared", _columns_of(kinds))
        return f"WITH shared AS {self._draw.choice(_MATERIALIZED)}({body}) "

    def _some_kinds(self, most: int) -> tuple[str, ...]:
        return tuple(self._draw.choice(_KINDS) for _ in range(self._draw.randint(1, most)))

    # A block: SELECT … FROM …, or several joined by UNION and its like

    def _block(self, kinds: Sequence[str], outer: Scope, depth: int, is_total: bool) -> str:
        """Its columns are c1, c2 …; with `is_total` it ends with a total order, perhaps LIMIT."""
        if depth > 0 and self._chance(0.15) and self._tables_left >= 2:
            text = self._set_operation(kinds, outer, depth - 1)
            return text + (self._total_order(len(kinds)) if is_total else "")
        shape = self._draw.choice((self._plain, self._plain, self._grouped, self._windowed))
        return shape(kinds, outer, depth, is_total)

    def _set_operation(self, kinds: Sequence[str], outer: Scope, depth: int) -> str:
        word = self._draw.choice(
            ("UNION", "UNION ALL", "UNION", "INTERSECT", "EXCEPT", "EXCEPT ALL")
        )
        left = self._block(kinds, outer, depth, is_total=False)
        right = self._block(kinds, outer, depth, is_total=self._chance(0.3))
        return f"({left}) {word} ({right})"

    def _plain(self, kinds: Sequence[str], outer: Scope, depth: int, is_total: bool) -> str:
        source, scope = self._from(outer, depth)
        first, distinct = "", self._draw.choice(("", "", "", "", "DISTINCT "))
        if is_total and not distinct and self._chance(0.4):
            first = f"({self._value(scope, self._draw.choice(_KINDS), 1)})"
            distinct = f"DISTINCT ON ({first}) " if self._chance(0.3) else ""
        outputs = self._outputs([self._value((*scope, *outer), kind, 2) for kind in kinds])
        text = f"SELECT {distinct}{outputs} FROM {source}{self._where(scope, outer)}"
        return text + (self._total_order(len(kinds), first) if is_total else "")

    def _grouped(self, kinds: Sequence[str], outer: Scope, depth: int, is_total: bool) -> str:
        source, scope = self._from(outer, depth)
        keys = self._group_keys(scope)
        texts = []
        for kind in kinds:
            same = [text for text, of in keys if of == kind]
            if kind == "integer" and keys:
                same.append(f"grouping({keys[0][0]})")
            has_key = bool(same) and self._chance(0.5)
            texts.append(self._draw.choice(same) if has_key else self._aggregate(scope, kind))
        text = f"SELECT {self._outputs(texts)} FROM {source}{self._where(scope, outer)}"
        text += self._group_by([text for text, _ in keys])
        if self._chance(0.2):
            text += f" HAVING {self._aggregate(scope, 'bigint')} {self._draw.choice(('>', '<>'))} 1"
        return text + (self._total_order(len(kinds)) if is_total else "")

    def _windowed(self, kinds: Sequence[str], outer: Scope, depth: int, is_total: bool) -> str:
        source, scope = self._from(outer, depth)
        texts = [self._window(scope, kind) for kind in kinds]
        text = f"SELECT {self._outputs(texts)} FROM {source}{self._where(scope, outer)}"
        return text + (self._total_order(len(kinds)) if is_total else "")

    def _outputs(self, texts: Sequence[str]) -> str:
        return ", ".join(f"{text} AS c{number}" for number, text in enumerate(texts, 1))

    def _direction(self) -> str:
        return self._draw.choice(("", " DESC", " DESC NULLS LAST", " ASC NULLS FIRST"))

    def _total_order(self, count: int, first: str = "") -> str:
        keys = [first, *map(str, range(1, count + 1))] if first else map(str, range(1, count + 1))
        text = f" ORDER BY {', '.join(key + self._direction() for key in keys)}"
        kind = self._draw.random()
        if kind < 0.25:
            text += f" LIMIT {self._draw.choice(_LIMITS)}"
            text += f" OFFSET {self._draw.choice((1, 4))}" if self._chance(0.4) else ""
        elif kind < 0.35:
            text += f" FETCH FIRST {self._draw.choice((2, 5))} ROWS WITH TIES"
        return text

    def _group_keys(self, scope: Scope) -> list[tuple[str, str]]:
        keys = []
        for _ in range(self._draw.randint(0, 3)):
            kind, found = self._draw.choice(_KINDS), self._found
            text = self._value(scope, kind, 1)
            # A constant there is a column's number, or an error. A sub-link in grouping sets
            # PostgreSQL 15 takes for a constant, by which it then doesn't sort.
            if _COLUMN_NAME.search(text) and "SELECT" not in text:
                keys.append((text, kind))
            else:
                self._found = found
        return keys

    def _group_by(self, keys: list[str]) -> str:
        if not keys:
            return self._draw.choice(("", " GROUP BY ()"))
        listed = ", ".join(keys)
        form = self._draw.choice(
            ("{k}", "{k}", "ROLLUP ({k})", "CUBE ({k})", "GROUPING SETS (({k}), ({first}), ())")
        )
        return " GROUP BY " + form.format(k=listed, first=keys[0])

    def _where(self, scope: Scope, outer: Scope) -> str:
        conditions = []
        if self._chance(0.35):
            conditions.append(self._condition_over((*scope, *outer), self._draw.randint(0, 2)))
        if self._chance(0.15):
            conditions.append(self._value((*scope, *outer), "boolean", 2))
        return f" WHERE {' AND '.join(f'({c})' for c in conditions)}" if conditions else ""

    # FROM

    def _from(self, outer: Scope, depth: int) -> tuple[str, Scope]:
        text, relation = self._item(depth)
        scope: Scope = (relation,)
        while self._tables_left > 0 and len(scope) < 3 and self._chance(0.45):
            if self._correlated_left > 0 and self._chance(0.15):
                more, relation = self._lateral((*scope, *outer))
                is_left = self._chance(0.5)
                text += f" LEFT JOIN {more} ON true" if is_left else f" CROSS JOIN {more}"
            else:
                more, relation = self._item(depth)
                text += self._join(scope, relation, more)
            scope = (*scope, relation)
        if self._wanted is parts.STAR and self._found is None:
            text += self._starred()
        return text, scope

    def _item(self, depth: int) -> tuple[str, Relation]:
        if self._cte is not None and self._chance(0.4):
            alias = self._new_alias()
            return f"shared {alias}", replace(self._cte, alias=alias)
        kind = self._draw.random()
        if self._tables_left <= 0 or kind < 0.08:
            return self._listed()
        if depth > 0 and kind < 0.3:
            return self._derived(depth)
        self._tables_left -= 1
        source = self._draw.choice(self._sources)
        relation = self._relation_of(source)
        if self._chance(0.1) and not source.is_crm:
            return self._renamed(source, relation)
        return f"{source.name} {relation.alias}", relation

    def _relation_of(self, source: Source) -> Relation:
        return Relation(self._new_alias(), source.columns, (source.key,), source)

    def _renamed(self, source: Source, relation: Relation) -> tuple[str, Relation]:
        """Its first columns under other names. Not by a list of aliases: that takes every column."""
        first, others = source.columns[:3], source.columns[3:]
        renamed = tuple(replace(column, name=f"the_{column.name}") for column in first)
        items = [f"{old.name} AS {new.name}" for old, new in zip(first, renamed, strict=True)]
        items += [column.name for column in others]
        text = f"(SELECT {', '.join(items)} FROM {source.name}) {relation.alias}"
        key = f"the_{source.key}"
        return text, replace(relation, columns=(*renamed, *others), key=(key,), source=None)

    def _listed(self) -> tuple[str, Relation]:
        alias = self._new_alias()
        columns = (Column("n", "integer", ("1", "2")), Column("t", "text", ("EU", "x")))
        text = f"(VALUES (1, 'EU'), (2, 'plain'), (NULL, NULL)) {alias} (n, t)"
        if self._chance(0.4):
            text, columns = f"generate_series(1, 4) {alias} (n)", columns[:1]
        return text, Relation(alias, columns, ("n",))

    def _derived(self, depth: int) -> tuple[str, Relation]:
        kinds = self._some_kinds(4)
        body = self._block(kinds, (), depth - 1, is_total=self._chance(0.3))
        alias = self._new_alias()
        relation = Relation(alias, _columns_of(kinds))
        if self._chance(0.3):
            word = self._draw.choice(_MATERIALIZED)
            return f"(WITH w AS {word}({body}) SELECT * FROM w) {alias}", relation
        return f"({body}) {alias}", relation

    def _lateral(self, scope: Scope) -> tuple[str, Relation]:
        self._correlated_left -= 1
        kinds = self._some_kinds(2)
        body = self._block(kinds, scope, 0, is_total=self._chance(0.5))
        alias = self._new_alias()
        return f"LATERAL ({body}) {alias}", Relation(alias, _columns_of(kinds))

    def _join(self, scope: Scope, relation: Relation, text: str) -> str:
        word = self._draw.choice(_JOINS)
        if word == "CROSS JOIN":
            return f" CROSS JOIN {text}"
        if all("id" in r.key for r in (*scope, relation)) and len(scope) == 1 and self._chance(0.4):
            return f" {word} {text} USING (id)"
        equal = self._equality(scope, relation)
        if word != "FULL JOIN" and self._chance(0.3):
            equal += f" AND ({self._condition_over((*scope, relation), 1)})"
        return f" {word} {text} ON {equal}"

    def _equality(self, scope: Scope, relation: Relation) -> str:
        """By columns alone, so that a FULL JOIN can be planned."""
        pairs = [
            f"{left} = {right}"
            for kind in ("integer", "bigint", "text", "date")
            for other in scope
            for left in other.typed(kind)
            for right in relation.typed(kind)
        ]
        likely = [pair for pair in pairs if _is_likely(pair)]
        if likely and self._chance(0.6):
            return self._draw.choice(likely)
        return self._draw.choice(pairs) if pairs else "1 = 1"

    def _starred(self) -> str:
        source = self._draw.choice([s for s in self._sources if s.hidden])
        text = self._draw.choice(parts.STAR.texts)
        self._found = parts.STAR
        values = {"alias": self._new_alias(), "table": source.name, "hidden": source.hidden[0].name}
        return f" CROSS JOIN {text.format(**values)}"

    # Values

    def _value(self, scope: Scope, kind: str, depth: int) -> str:
        if self._wanted in parts.VALUE_FLAWS and self._chance(0.12 if self._found else 0.35):
            flawed = self._flawed(scope, kind)
            if flawed:
                return flawed
        if depth == 0 or self._chance(0.3):
            return self._simple(scope, kind)
        if self._chance(0.08) and self._tables_left > 0:
            return self._scalar(scope, kind)
        if kind == "boolean" and self._chance(0.2) and self._tables_left > 0:
            return self._quantified(scope)
        return self._fill(self._draw.choice(CALLS[kind]), scope, depth - 1)

    def _simple(self, scope: Scope, kind: str) -> str:
        names = [name for relation in scope for name in relation.typed(kind)]
        if names and self._chance(0.85):
            return self._draw.choice(names)
        if self._chance(0.05):
            return f"NULL::{TYPES[kind]}"
        return f"'{self._draw.choice(_VALUES[kind])}'::{TYPES[kind]}"

    def _fill(self, template: str, scope: Scope, depth: int) -> str:
        """Replaces each `{kind}` by a value; `{same}` by the one before it."""
        last = ""

        def value(match: re.Match[str]) -> str:
            nonlocal last
            if match[1] != "same":
                last = self._value(scope, match[1], depth)
            return last if re.fullmatch(r"[\w.]+", last) else f"({last})"

        return re.sub(r"\{(\w+)\}", value, template)

    def _aggregate(self, scope: Scope, kind: str) -> str:
        text = self._fill(self._draw.choice(AGGREGATES[kind]), scope, 1)
        # Some templates make more of an aggregate's value; FILTER belongs to the aggregate itself.
        is_bare = text.endswith(")") and not text.startswith(("cardinality(", "array_to_string("))
        if is_bare and self._chance(0.25):
            text += f" FILTER (WHERE {self._condition_over(scope, 1)})"
        return text

    def _window(self, scope: Scope, kind: str) -> str:
        keys = [f"{relation.alias}.{name}" for relation in scope for name in relation.key]
        is_total = all(relation.key for relation in scope) and self._chance(0.6)
        templates = parts.ROW_WINDOWS if is_total else parts.PEER_WINDOWS
        call = self._fill(self._draw.choice(templates[kind]), scope, 1)
        partition = self._value(scope, self._draw.choice(_KINDS), 1) if self._chance(0.5) else ""
        first = self._value(scope, self._draw.choice(("text", "date", "numeric")), 1)
        order = [first, *keys] if is_total else [first]
        frame = self._draw.choice(parts.FRAMES) if is_total and "(" in call else ""
        over = f"PARTITION BY {partition} " if partition else ""
        over += f"ORDER BY {', '.join(text + self._direction() for text in order)}"
        return f"{call} OVER ({over} {frame})"

    def _scalar(self, scope: Scope, kind: str) -> str:
        """An aggregate without GROUP BY has one row."""
        seen = self._seen_by_sublink(scope)
        source, inner = self._from(seen, 0)
        if kind == "text" and self._chance(0.3):
            body = f"SELECT {self._value(inner, kind, 1)} FROM {source}{self._where(inner, seen)}"
            return f"array_to_string(ARRAY({body} ORDER BY 1), '/', '?')"
        return f"(SELECT {self._aggregate(inner, kind)} FROM {source}{self._where(inner, seen)})"

    def _quantified(self, scope: Scope) -> str:
        seen = self._seen_by_sublink(scope)
        form = self._draw.choice(("EXISTS", "NOT EXISTS", "IN", "NOT IN", "ANY", "ALL"))
        source, inner = self._from(seen, 0)
        kind = self._draw.choice(("integer", "text", "date"))
        if "EXISTS" in form:
            return f"{form} (SELECT FROM {source}{self._where(inner, seen)})"
        body = f"(SELECT {self._value(inner, kind, 1)} FROM {source}{self._where(inner, seen)})"
        left = self._value(scope, kind, 1)
        if "IN" not in form:
            return f"({left}) >= {form} {body}"
        if self._chance(0.3):
            body = body.replace("(SELECT ", f"(SELECT {self._value(inner, 'integer', 1)}, ", 1)
            return f"({self._value(scope, 'integer', 1)}, {left}) {form} {body}"
        return f"({left}) {form} {body}"

    def _seen_by_sublink(self, scope: Scope) -> Scope:
        """A remote statement for each row is slow, so few sub-links look outwards."""
        if self._correlated_left <= 0 or self._chance(0.6):
            return ()
        self._correlated_left -= 1
        return scope

    def _condition_over(self, scope: Scope, depth: int) -> str:
        columns = [
            replace(column, name=f"{relation.alias}.{column.name}")
            for relation in scope
            for column in relation.columns
        ]
        hidden = self._hidden_columns(scope)
        text = self._condition(Table("", "", "", (*columns, *hidden)), depth)
        if any(re.search(rf"\b{re.escape(column.name)}\b", text) for column in hidden):
            self._found = parts.HIDDEN_COLUMN
        return text

    # Flaws

    def _hidden_columns(self, scope: Scope) -> list[Column]:
        if self._wanted is not parts.HIDDEN_COLUMN:
            return []
        return [
            replace(column, name=f"{relation.alias}.{column.name}")
            for relation in scope
            if relation.source
            for column in relation.source.hidden
        ]

    def _flawed(self, scope: Scope, kind: str) -> str | None:
        flaw = self._wanted
        assert flaw is not None
        text = self._draw.choice(flaw.texts)
        if "{alias}" in text:
            fitting = [
                relation
                for relation in scope
                if relation.source
                and relation.source.is_crm == (flaw is parts.CRM_ROW)
                and ("{hidden}" not in text or relation.source.hidden)
            ]
            if not fitting:
                return None
            relation = self._draw.choice(fitting)
            text = _bind(text, relation)
        else:
            text = self._fill(text, scope, 0)
        self._found = flaw
        return FROM_TEXT[kind].replace("{}", text)


def _bind(text: str, relation: Relation) -> str:
    source = relation.source
    assert source is not None
    hidden = source.hidden[0].name if source.hidden else ""
    for name, value in (("alias", relation.alias), ("hidden", hidden), ("key", source.key)):
        text = text.replace(f"{{{name}}}", value)
    return text


def _is_likely(equality: str) -> bool:
    """Whether rows can be expected to meet: keys of the same thing."""
    names = {side.split(".")[1] for side in equality.split(" = ")}
    return len(names) == 1 or names in ({"client", "id"}, {"place", "code"})


def _columns_of(kinds: Sequence[str]) -> tuple[Column, ...]:
    return tuple(
        Column(f"c{number}", TYPES[kind], _VALUES[kind]) for number, kind in enumerate(kinds, 1)
    )
