-- SPDX-License-Identifier: PostgreSQL
-- First of the install script's parts; the Makefile joins them in name order.
\echo Use "CREATE EXTENSION lakehouse" to load this file. \quit

COMMENT ON SCHEMA lakehouse IS 'Lakehouse: functions and views for tenants, warehouses and the worker';
