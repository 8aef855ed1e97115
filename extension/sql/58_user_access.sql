-- SPDX-License-Identifier: PostgreSQL
-- What members of lakehouse_user reach of this schema besides functions that run with their own rights: the tables that
-- describe tools and records, which hold nothing of any tenant.

GRANT USAGE ON SCHEMA lakehouse TO lakehouse_user;
GRANT SELECT ON lakehouse.tools, lakehouse.resources, lakehouse.prompts, lakehouse.record_kinds, lakehouse.record_relations,
    lakehouse.filter_operators TO lakehouse_user, lakehouse_worker;
