// SPDX-License-Identifier: PostgreSQL
// The launcher's frame: read whole, in pieces, cut short, or wrong.
#include "worker/config/settings.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "core/wire/codec.hpp"
#include "worker/io/descriptor.hpp"
#include "worker/temporary_directory.hpp"

namespace lakehouse::worker::config {
namespace {

using namespace std::chrono_literals;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe(ends), 0);
    input_ = io::Descriptor(ends[0]);
    launcher_ = io::Descriptor(ends[1]);
    frame_.database_host = "127.0.0.1";
    frame_.database_port = 5432;
    frame_.database_name = "postgres";
    frame_.database_user = "lakehouse_worker";
    frame_.database_password = "canary";
    frame_.listen = "127.0.0.1:8720";
    frame_.socket_directory = directory_.path() + "/socket";
    frame_.data_directory = directory_.path();
    frame_.allowed_private_hosts = {"127.0.0.1:9000"};
    frame_.delta_directory = directory_.path() + "/delta";
    frame_.delta_retention_minutes = 180;
    frame_.max_publishes = 2;
    frame_.publish_table_timeout_seconds = 1800;
  }
  void write(std::string_view bytes) {
    ASSERT_EQ(::write(launcher_.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }
  Result<Settings> read(std::chrono::milliseconds span = 5s) {
    return read_settings(input_.get(), Context{Deadline::in(span), {}, {}});
  }
  void expect_refused(const std::string& setting) {
    const auto settings = check_settings(frame_);
    ASSERT_FALSE(settings.is_ok());
    EXPECT_EQ(settings.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(settings.error().message.find(setting), std::string::npos)
        << settings.error().message;
    EXPECT_EQ(settings.error().message.find("canary"), std::string::npos);
  }

  test::TemporaryDirectory directory_;
  io::Descriptor input_, launcher_;
  wire::WorkerConfig frame_;
};

TEST_F(SettingsTest, are_read_from_one_frame_and_not_a_byte_more) {
  write(wire::encode(frame_) + "rest");
  const auto settings = read();
  ASSERT_TRUE(settings.is_ok()) << settings.error().message;
  EXPECT_EQ(settings->database.user, "lakehouse_worker");
  EXPECT_EQ(settings->database.password.reveal(), "canary");
  EXPECT_EQ(settings->listen->port, 8720);
  EXPECT_EQ(settings->allowed_private_hosts, std::vector<std::string>{"127.0.0.1:9000"});
  EXPECT_EQ(settings->delta_directory, directory_.path() + "/delta");
  EXPECT_EQ(settings->delta_retention, 3h);
  EXPECT_EQ(settings->max_publishes, 2U);
  EXPECT_EQ(settings->publish_table_timeout, 30min);
  char rest[8] = {};
  EXPECT_EQ(::read(input_.get(), rest, sizeof(rest)), 4);
  EXPECT_STREQ(rest, "rest");
}

TEST_F(SettingsTest, may_arrive_byte_by_byte) {
  const std::string bytes = wire::encode(frame_);
  std::jthread writer([&] {
    for (const char byte : bytes) write({&byte, 1});
  });
  EXPECT_TRUE(read().is_ok());
}

TEST_F(SettingsTest, are_refused_when_the_stream_ends_early) {
  const std::string bytes = wire::encode(frame_);
  write(std::string_view(bytes).substr(0, bytes.size() - 1));
  launcher_.reset();
  const auto settings = read();
  ASSERT_FALSE(settings.is_ok());
  EXPECT_EQ(settings.error().code, ErrorCode::kProtocol);
}

TEST_F(SettingsTest, are_not_waited_for_without_end) {
  const auto settings = read(20ms);
  ASSERT_FALSE(settings.is_ok());
  EXPECT_EQ(settings.error().code, ErrorCode::kTimeout);
}

TEST_F(SettingsTest, are_refused_in_another_frame) {
  write(wire::encode(wire::WorkerStatus{}));
  EXPECT_EQ(read().error().code, ErrorCode::kProtocol);
}

TEST_F(SettingsTest, are_refused_when_the_frame_claims_to_be_huge) {
  write(wire::encode_header(wire::MessageType::kWorkerConfig, 200U << 20U));
  EXPECT_EQ(read().error().code, ErrorCode::kProtocol);
}

TEST_F(SettingsTest, are_refused_when_the_body_is_malformed) {
  write(wire::encode_header(wire::MessageType::kWorkerConfig, 3) + "abc");
  EXPECT_EQ(read().error().code, ErrorCode::kProtocol);
}

TEST_F(SettingsTest, need_no_http_server) {
  frame_.listen = "";
  const auto settings = check_settings(frame_);
  ASSERT_TRUE(settings.is_ok());
  EXPECT_FALSE(settings->listen.has_value());
}

TEST_F(SettingsTest, name_a_bad_listen_address) {
  frame_.listen = "here";
  expect_refused("lakehouse.listen");
}

TEST_F(SettingsTest, derive_the_public_url_from_the_listen_address) {
  EXPECT_EQ(check_settings(frame_)->public_url.origin(), "http://127.0.0.1:8720");
  frame_.public_url = "https://crm.example.com";
  EXPECT_EQ(check_settings(frame_)->public_url.origin(), "https://crm.example.com");
}

TEST_F(SettingsTest, leave_sharing_off_without_a_url) {
  EXPECT_FALSE(check_settings(frame_)->sharing_url);
  frame_.delta_sharing_base_url = "https://crm.example.com/delta-sharing/";
  EXPECT_EQ(check_settings(frame_)->sharing_url->text(), "https://crm.example.com/delta-sharing");
  frame_.delta_sharing_base_url = "crm.example.com";
  expect_refused("lakehouse.delta_sharing_base_url");
}

TEST_F(SettingsTest, name_a_bad_public_url) {
  frame_.public_url = "http://crm.example.com";
  expect_refused("lakehouse.public_url");
}

TEST_F(SettingsTest, take_origins_as_browsers_write_them) {
  frame_.allowed_origins = {"https://Inspector.example.com", "app://desktop"};
  EXPECT_EQ(check_settings(frame_)->allowed_origins,
            (std::vector<std::string>{"https://inspector.example.com", "app://desktop"}));
  for (const char* wrong : {"*", "null", "inspector.example.com", "https://",
                            "https://*.example.com", "https://example.com/", "://example.com"}) {
    frame_.allowed_origins = {wrong};
    expect_refused("allowed_origins");
  }
}

TEST_F(SettingsTest, name_a_bad_proxy) {
  frame_.trusted_proxies = {"10.0.0.0/8", "proxy.example.com"};
  expect_refused("lakehouse.trusted_proxies");
  frame_.trusted_proxies = {"10.0.0.0/8"};
  EXPECT_EQ(check_settings(frame_)->trusted_proxies.size(), 1U);
}

TEST_F(SettingsTest, need_a_database) {
  frame_.database_port = 0;
  expect_refused("database_host");
}

TEST_F(SettingsTest, need_an_absolute_socket_directory) {
  frame_.socket_directory = "socket";
  expect_refused("socket_directory");
}

TEST_F(SettingsTest, need_a_data_directory_that_is_there) {
  frame_.data_directory = directory_.path() + "/missing";
  expect_refused("data_directory");
}

TEST_F(SettingsTest, need_certificate_and_key_together) {
  frame_.tls_certificate_file = "/certificate.pem";
  expect_refused("tls_certificate_file");
}

TEST_F(SettingsTest, name_a_missing_master_key_file) {
  frame_.master_key_file = directory_.path() + "/missing";
  expect_refused("master_key_file");
}

TEST_F(SettingsTest, split_the_master_key_command) {
  frame_.master_key_command = "/bin/get 'the key'";
  const auto settings = check_settings(frame_);
  ASSERT_TRUE(settings.is_ok());
  EXPECT_EQ(settings->master_key.command, (std::vector<std::string>{"/bin/get", "the key"}));
  frame_.master_key_command = "/bin/get 'the key";
  expect_refused("master_key_command");
}

}  // namespace
}  // namespace lakehouse::worker::config
