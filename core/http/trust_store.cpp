// SPDX-License-Identifier: PostgreSQL
// Two PEM files joined in a file that lives in memory.
#include "core/http/trust_store.hpp"

#include <curl/curl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

namespace lakehouse::http {
namespace {

std::string system_file() {
  const curl_version_info_data* const facts = curl_version_info(CURLVERSION_NOW);
  return facts->cainfo != nullptr ? facts->cainfo : X509_get_default_cert_file();
}

Error unusable(const std::string& path, std::string why) {
  return {ErrorCode::kInvalidArgument, "could not use certificate file \"" + path + "\"",
          std::move(why), "Name a readable file with certificates in PEM format."};
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return unusable(path, "It can't be read.");
  return text;
}

bool has_certificate(const std::string& text) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> source(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free_all);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      source ? PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr) : nullptr, &X509_free);
  ERR_clear_error();
  return certificate != nullptr;
}

bool write_all(int file, const std::string& text) {
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t count = write(file, text.data() + written, text.size() - written);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) written += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

Result<TrustStore> TrustStore::create(const std::string& ca_file) {
  if (ca_file.empty()) return TrustStore(system_file(), -1);
  const auto extra = read_file(ca_file);
  if (!extra) return extra.error();
  if (!has_certificate(*extra)) return unusable(ca_file, "It holds no certificate.");
  const auto own = read_file(system_file());  // absent on a minimal system: then there are none
  const int file = memfd_create("certificates", MFD_CLOEXEC);
  TrustStore store("/proc/self/fd/" + std::to_string(file), file);
  if (file < 0 || !write_all(file, (own ? *own : std::string()) + "\n" + *extra)) {
    return Error{ErrorCode::kOutOfMemory, "could not create a memory file",
                 std::string("The system says: ") + std::strerror(errno) + ".", ""};
  }
  return store;
}

TrustStore::~TrustStore() {
  if (file_ >= 0) close(file_);
}

TrustStore::TrustStore(TrustStore&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

TrustStore& TrustStore::operator=(TrustStore other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  return *this;
}

}  // namespace lakehouse::http
