-- SPDX-License-Identifier: PostgreSQL
-- Kinds of records as data: table, title, fields beyond its columns, and what belongs to it. Tools know no table by name;
-- they read these rows and the catalog. The SQL in them is this extension's own: alias t is the record, %1$I its tenant.

CREATE TABLE lakehouse.record_kinds (
    kind text PRIMARY KEY,
    position smallint NOT NULL UNIQUE,
    table_name name NOT NULL UNIQUE,
    label text NOT NULL,
    title text NOT NULL,
    snippet text,
    default_fields text[] NOT NULL,
    default_sort text[] NOT NULL,
    hidden_fields text[] NOT NULL DEFAULT '{}',
    fixed_fields text[] NOT NULL DEFAULT '{}',
    folded_fields text[] NOT NULL DEFAULT '{}',
    long_fields text[] NOT NULL DEFAULT '{}',
    computed jsonb NOT NULL DEFAULT '{}',
    keeps_deleted boolean NOT NULL DEFAULT true,
    is_writable boolean NOT NULL
);
COMMENT ON TABLE lakehouse.record_kinds IS 'Kinds of records that tools read and write';
COMMENT ON COLUMN lakehouse.record_kinds.kind IS 'Name of the kind, in the singular';
COMMENT ON COLUMN lakehouse.record_kinds.position IS 'Place in lists';
COMMENT ON COLUMN lakehouse.record_kinds.table_name IS 'Table in the tenant''s schema';
COMMENT ON COLUMN lakehouse.record_kinds.label IS 'Name for people, in the plural';
COMMENT ON COLUMN lakehouse.record_kinds.title IS 'SQL: what one record is called';
COMMENT ON COLUMN lakehouse.record_kinds.snippet IS 'SQL: text to quote from when a search finds it; NULL: not searched';
COMMENT ON COLUMN lakehouse.record_kinds.default_fields IS 'Fields of a list when none are asked for';
COMMENT ON COLUMN lakehouse.record_kinds.default_sort IS 'Order of a list when none is asked for; - before a name: descending';
COMMENT ON COLUMN lakehouse.record_kinds.hidden_fields IS 'Columns that tools don''t show';
COMMENT ON COLUMN lakehouse.record_kinds.fixed_fields IS 'Columns that tools show and don''t set';
COMMENT ON COLUMN lakehouse.record_kinds.folded_fields IS 'Columns compared without regard to case';
COMMENT ON COLUMN lakehouse.record_kinds.long_fields IS 'Columns that lists shorten';
COMMENT ON COLUMN lakehouse.record_kinds.computed IS
'Fields that are no columns: {"name": SQL of a text, or {"sql", "type", "cast"}}';
COMMENT ON COLUMN lakehouse.record_kinds.keeps_deleted IS 'Deleted ones are marked by deleted_at, and no tool sees them';
COMMENT ON COLUMN lakehouse.record_kinds.is_writable IS 'create_record and update_record take it';
REVOKE ALL ON lakehouse.record_kinds FROM PUBLIC;

INSERT INTO lakehouse.record_kinds
    (position, kind, table_name, label, title, snippet, default_fields, default_sort, fixed_fields, folded_fields, long_fields, is_writable)
VALUES
    (1, 'account', 'accounts', 'Accounts', 't.name', 't.description',
     '{id,name,domain,type,industry,employees,revenue,currency,country,owner_name,updated_at}', '{-updated_at}', '{}', '{domain}', '{description}', true),
    (2, 'contact', 'contacts', 'Contacts', 'concat_ws('' '', t.first_name, t.last_name)', 'concat_ws('', '', t.title, t.email)',
     '{id,first_name,last_name,title,email,phone,account_id,account_name,owner_name,updated_at}', '{-updated_at}', '{}', '{email}', '{}', true),
    (3, 'lead', 'leads', 'Leads', 'concat_ws('' '', t.first_name, t.last_name, ''('' || t.company || '')'')', 't.description',
     '{id,first_name,last_name,company,title,email,status,rating,score,source,owner_name,converted_at,updated_at}', '{-updated_at}',
     '{converted_at,converted_account_id,converted_contact_id,converted_opportunity_id}', '{email}', '{description}', true),
    (4, 'opportunity', 'opportunities', 'Opportunities', 't.name', 'concat_ws('' '', t.next_step, t.description)',
     '{id,name,account_id,account_name,stage,amount,currency,close_date,probability,forecast_category,owner_name,next_step,updated_at}',
     '{-updated_at}', '{probability,forecast_category,is_closed,is_won,closed_at,won_at}', '{}', '{description}', true),
    (5, 'case', 'cases', 'Cases', 't.subject', 't.description',
     '{id,number,subject,status,priority,account_id,account_name,contact_name,owner_name,opened_at,sla_due_at,updated_at}', '{-updated_at}',
     '{number}', '{}', '{description}', true),
    (6, 'activity', 'activities', 'Activities', 't.subject', 't.body',
     '{id,type,subject,body,status,priority,happens_at,due_at,completed_at,related_to_type,related_to_id,contact_name,owner_name,updated_at}',
     '{-updated_at}', '{}', '{}', '{body}', true),
    (7, 'product', 'products', 'Products', 't.name', NULL, '{id,sku,name,family,description,prices,is_active}', '{sku}', '{}', '{}', '{description}', true),
    (8, 'price_book', 'price_books', 'Price books', 't.name', NULL, '{id,name,is_default,is_active}', '{name}', '{}', '{}', '{}', true),
    (9, 'price', 'price_book_entries', 'Prices', 'concat_ws('' '', t.unit_price, t.currency)', NULL,
     '{id,price_book_id,price_book_name,product_id,product_name,currency,unit_price,is_active}', '{-updated_at}', '{}', '{}', '{}', true),
    (10, 'line_item', 'opportunity_line_items', 'Line items of opportunities', 'concat_ws('' x '', trim_scale(t.quantity), t.description)', NULL,
     '{id,opportunity_id,product_id,product_name,description,quantity,unit_price,discount_pct,total}', '{-updated_at}', '{}', '{}', '{}', true),
    (11, 'stage_change', 'opportunity_stage_history', 'Stage changes of opportunities', 'concat_ws('' to '', t.from_stage, t.to_stage)', NULL,
     '{id,opportunity_id,from_stage,to_stage,amount,close_date,changed_at,changed_by_name,actor_kind}', '{-changed_at}', '{}', '{}', '{}', false),
    (12, 'pipeline', 'pipelines', 'Pipelines', 't.name', NULL, '{id,name,sort_order,is_default,is_active}', '{sort_order}', '{}', '{}', '{}', true),
    (13, 'stage', 'pipeline_stages', 'Stages of pipelines', 't.name', NULL,
     '{id,pipeline_id,name,sort_order,default_probability,forecast_category,is_closed,is_won,is_active}', '{pipeline_id,sort_order}', '{}', '{}', '{}', true),
    (14, 'user', 'users', 'Users', 't.full_name', NULL, '{id,full_name,email,title,role,is_active,manager_name}', '{full_name}',
     '{}', '{email}', '{}', false);
UPDATE lakehouse.record_kinds SET hidden_fields = '{search,organization_id,deleted_at}';
UPDATE lakehouse.record_kinds SET hidden_fields = hidden_fields || '{pg_role}' WHERE kind = 'user';
UPDATE lakehouse.record_kinds SET keeps_deleted = false WHERE kind IN ('stage_change', 'pipeline', 'stage', 'user');

-- Names that stand for ids, so that a reader needs no second call.
UPDATE lakehouse.record_kinds k SET computed = c.fields
FROM (SELECT n.kind, jsonb_object_agg(n.field, format('(SELECT %s FROM %%1$I.%s n WHERE n.id = t.%s)', n.title, n.table_name, n.key)) AS fields
      FROM (VALUES
          ('account', 'owner_name', 'n.full_name', 'users', 'owner_id'),
          ('account', 'parent_name', 'n.name', 'accounts', 'parent_id'),
          ('contact', 'owner_name', 'n.full_name', 'users', 'owner_id'),
          ('contact', 'account_name', 'n.name', 'accounts', 'account_id'),
          ('lead', 'owner_name', 'n.full_name', 'users', 'owner_id'),
          ('opportunity', 'owner_name', 'n.full_name', 'users', 'owner_id'),
          ('opportunity', 'account_name', 'n.name', 'accounts', 'account_id'),
          ('opportunity', 'pipeline_name', 'n.name', 'pipelines', 'pipeline_id'),
          ('case', 'owner_name', 'n.full_name', 'users', 'owner_id'),
          ('case', 'account_name', 'n.name', 'accounts', 'account_id'),
          ('case', 'contact_name', 'concat_ws('' '', n.first_name, n.last_name)', 'contacts', 'contact_id'),
          ('activity', 'owner_name', 'n.full_name', 'users', 'owner_id'),
          ('activity', 'contact_name', 'concat_ws('' '', n.first_name, n.last_name)', 'contacts', 'contact_id'),
          ('price', 'product_name', 'n.name', 'products', 'product_id'),
          ('price', 'price_book_name', 'n.name', 'price_books', 'price_book_id'),
          ('line_item', 'product_name', 'n.name', 'products', 'product_id'),
          ('stage_change', 'opportunity_name', 'n.name', 'opportunities', 'opportunity_id'),
          ('stage_change', 'changed_by_name', 'n.full_name', 'users', 'changed_by'),
          ('stage', 'pipeline_name', 'n.name', 'pipelines', 'pipeline_id'),
          ('user', 'manager_name', 'n.full_name', 'users', 'manager_id')) AS n (kind, field, title, table_name, key)
      GROUP BY n.kind) c
WHERE c.kind = k.kind;
UPDATE lakehouse.record_kinds SET computed = jsonb_build_object('prices',
    '(SELECT string_agg(concat_ws('' '', b.name || '':'', e.unit_price, e.currency), ''; '' ORDER BY b.name, e.currency) '
    'FROM %1$I.price_book_entries e JOIN %1$I.price_books b ON b.id = e.price_book_id WHERE e.product_id = t.id '
    'AND e.is_active AND e.deleted_at IS NULL AND b.is_active AND b.deleted_at IS NULL)')
WHERE kind = 'product';
UPDATE lakehouse.record_kinds SET computed = computed || jsonb_build_object('happens_at', jsonb_build_object(
    'sql', 'coalesce(t.starts_at, t.completed_at, t.due_at, t.created_at)', 'type', 'timestamp', 'cast', 'timestamptz'))
WHERE kind = 'activity';

CREATE TABLE lakehouse.record_relations (
    kind text NOT NULL REFERENCES lakehouse.record_kinds,
    name text NOT NULL,
    position smallint NOT NULL,
    related_kind text NOT NULL REFERENCES lakehouse.record_kinds,
    condition text NOT NULL,
    sort text NOT NULL,
    extra_field text,
    extra text,
    PRIMARY KEY (kind, name),
    CHECK ((extra_field IS NULL) = (extra IS NULL))
);
COMMENT ON TABLE lakehouse.record_relations IS 'Lists that belong to a record';
COMMENT ON COLUMN lakehouse.record_relations.kind IS 'Kind of the record';
COMMENT ON COLUMN lakehouse.record_relations.name IS 'Name of the list';
COMMENT ON COLUMN lakehouse.record_relations.position IS 'Order of the lists';
COMMENT ON COLUMN lakehouse.record_relations.related_kind IS 'Kind of what is in the list';
COMMENT ON COLUMN lakehouse.record_relations.condition IS 'SQL: t, of the related kind, belongs to the record whose id is $2';
COMMENT ON COLUMN lakehouse.record_relations.sort IS 'SQL: their order';
COMMENT ON COLUMN lakehouse.record_relations.extra_field IS 'Name of a field that only this list has';
COMMENT ON COLUMN lakehouse.record_relations.extra IS 'SQL of that field';
REVOKE ALL ON lakehouse.record_relations FROM PUBLIC;

INSERT INTO lakehouse.record_relations (kind, position, name, related_kind, condition, sort, extra_field, extra) VALUES
    ('account', 1, 'contacts', 'contact', 't.account_id = $2', 't.last_name, t.first_name, t.id', NULL, NULL),
    ('account', 2, 'open_opportunities', 'opportunity', 't.account_id = $2 AND NOT t.is_closed', 't.close_date, t.id', NULL, NULL),
    ('account', 3, 'open_cases', 'case', 't.account_id = $2 AND t.resolved_at IS NULL', 't.opened_at DESC, t.id', NULL, NULL),
    ('account', 4, 'activities', 'activity',
     't.id = ANY (ARRAY(SELECT a.id FROM %1$I.activities a WHERE a.account_id = $2 UNION ALL '
     'SELECT a.id FROM %1$I.opportunities o JOIN %1$I.activities a ON a.opportunity_id = o.id WHERE o.account_id = $2 UNION ALL '
     'SELECT a.id FROM %1$I.cases c JOIN %1$I.activities a ON a.case_id = c.id WHERE c.account_id = $2 UNION ALL '
     'SELECT a.id FROM %1$I.contacts p JOIN %1$I.activities a ON a.contact_id = p.id WHERE p.account_id = $2))',
     't.updated_at DESC, t.id DESC', NULL, NULL),
    ('account', 5, 'subsidiaries', 'account', 't.parent_id = $2', 't.name, t.id', NULL, NULL),
    ('contact', 1, 'opportunities', 'opportunity',
     't.id IN (SELECT c.opportunity_id FROM %1$I.opportunity_contacts c WHERE c.contact_id = $2 AND c.deleted_at IS NULL)',
     't.updated_at DESC, t.id', 'contact_role',
     '(SELECT c.role FROM %1$I.opportunity_contacts c WHERE c.contact_id = $2 AND c.opportunity_id = t.id)'),
    ('contact', 2, 'cases', 'case', 't.contact_id = $2', 't.opened_at DESC, t.id', NULL, NULL),
    ('contact', 3, 'activities', 'activity', 't.contact_id = $2 OR t.id = ANY (ARRAY(SELECT c.activity_id '
     'FROM %1$I.activity_contacts c WHERE c.contact_id = $2 AND c.deleted_at IS NULL))', 't.updated_at DESC, t.id DESC', NULL, NULL),
    ('lead', 1, 'activities', 'activity', 't.lead_id = $2', 't.updated_at DESC, t.id DESC', NULL, NULL),
    ('lead', 2, 'leads_with_this_email', 'lead',
     't.id <> $2 AND lower(t.email) = (SELECT lower(l.email) FROM %1$I.leads l WHERE l.id = $2)', 't.created_at, t.id', NULL, NULL),
    ('lead', 3, 'contacts_with_this_email', 'contact',
     'lower(t.email) = (SELECT lower(l.email) FROM %1$I.leads l WHERE l.id = $2)', 't.created_at, t.id', NULL, NULL),
    ('opportunity', 1, 'line_items', 'line_item', 't.opportunity_id = $2', 't.sort_order, t.id', NULL, NULL),
    ('opportunity', 2, 'contacts', 'contact',
     't.id IN (SELECT c.contact_id FROM %1$I.opportunity_contacts c WHERE c.opportunity_id = $2 AND c.deleted_at IS NULL)',
     't.last_name, t.first_name, t.id', 'contact_role',
     '(SELECT concat_ws('', '', CASE WHEN c.is_primary THEN ''primary'' END, c.role) FROM %1$I.opportunity_contacts c '
     'WHERE c.opportunity_id = $2 AND c.contact_id = t.id)'),
    ('opportunity', 3, 'stage_history', 'stage_change', 't.opportunity_id = $2', 't.changed_at DESC, t.id', NULL, NULL),
    ('opportunity', 4, 'activities', 'activity', 't.opportunity_id = $2', 't.updated_at DESC, t.id DESC', NULL, NULL),
    ('case', 1, 'activities', 'activity', 't.case_id = $2', 't.updated_at DESC, t.id DESC', NULL, NULL),
    ('product', 1, 'prices', 'price', 't.product_id = $2', 't.currency, t.unit_price, t.id', NULL, NULL),
    ('pipeline', 1, 'stages', 'stage', 't.pipeline_id = $2', 't.sort_order, t.id', NULL, NULL),
    ('price_book', 1, 'prices', 'price', 't.price_book_id = $2', 't.product_id, t.currency, t.id', NULL, NULL);

CREATE TABLE lakehouse.filter_operators (
    op text PRIMARY KEY,
    types text[] NOT NULL,
    takes text NOT NULL CHECK (takes IN ('value', 'list', 'pair', 'flag')),
    condition text NOT NULL
);
COMMENT ON TABLE lakehouse.filter_operators IS 'Operators of the tools'' filters';
COMMENT ON COLUMN lakehouse.filter_operators.op IS 'Name';
COMMENT ON COLUMN lakehouse.filter_operators.types IS 'Types of fields it compares';
COMMENT ON COLUMN lakehouse.filter_operators.takes IS 'What the filter''s value must be: one value, a list, a pair, or true or false';
COMMENT ON COLUMN lakehouse.filter_operators.condition IS 'SQL: %1$s the field, %2$s the value or the list, %3$s the pair''s second';
REVOKE ALL ON lakehouse.filter_operators FROM PUBLIC;

-- ne and not_in hold for a field without a value, too: that is what whoever asks for "not X" means.
INSERT INTO lakehouse.filter_operators (op, types, takes, condition) VALUES
    ('eq', '{text,number,boolean,uuid,date,timestamp}', 'value', '%1$s = %2$s'),
    ('ne', '{text,number,boolean,uuid,date,timestamp}', 'value', '%1$s IS DISTINCT FROM %2$s'),
    ('lt', '{text,number,date,timestamp}', 'value', '%1$s < %2$s'),
    ('le', '{text,number,date,timestamp}', 'value', '%1$s <= %2$s'),
    ('gt', '{text,number,date,timestamp}', 'value', '%1$s > %2$s'),
    ('ge', '{text,number,date,timestamp}', 'value', '%1$s >= %2$s'),
    ('in', '{text,number,uuid,date,timestamp}', 'list', '%1$s IN (%2$s)'),
    ('not_in', '{text,number,uuid,date,timestamp}', 'list', '(%1$s IN (%2$s)) IS NOT TRUE'),
    ('between', '{text,number,date,timestamp}', 'pair', '%1$s BETWEEN %2$s AND %3$s'),
    ('contains', '{text}', 'value', 'strpos(lower(%1$s), lower(%2$s)) > 0'),
    ('starts_with', '{text}', 'value', 'starts_with(lower(%1$s), lower(%2$s))'),
    ('is_null', '{text,number,boolean,uuid,date,timestamp,json}', 'flag', '(%1$s IS NULL) = %2$s');

