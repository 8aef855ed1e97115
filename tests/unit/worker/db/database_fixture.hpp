// SPDX-License-Identifier: PostgreSQL
// A database of its own in a real server, for one test; dropped afterwards.
// The environment variable LAKEHOUSE_TEST_PG holds a libpq connection string of a superuser.
// Without it these tests fail: a run without a database has not tested the worker.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "worker/db/pool.hpp"
#include "worker/eventually.hpp"

namespace lakehouse::worker::test {

using namespace std::chrono_literals;

// Takes LAKEHOUSE_TEST_PG apart; nothing (and a failed test) if it is not there or malformed.
std::optional<db::Target> server_under_test();

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  static Context within(std::chrono::milliseconds span) { return {Deadline::in(span), {}, {}}; }
  db::Connection connect();
  // Runs a statement that must succeed.
  db::Rows run(const char* sql, const std::vector<db::Value>& values = {});
  std::int64_t count(const char* sql, const std::vector<db::Value>& values = {});
  // The tables that the worker uses, as the extension makes them, with one tenant "acme".
  void create_tables();

  db::Target server_;  // the database that the variable names
  db::Target target_;  // the test's own
  std::unique_ptr<db::Pool> pool_;
};

}  // namespace lakehouse::worker::test
