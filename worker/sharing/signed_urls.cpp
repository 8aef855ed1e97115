// SPDX-License-Identifier: PostgreSQL
// The path is signed as it is; how it is escaped on the way does not matter.
#include "worker/sharing/signed_urls.hpp"

#include <limits>

#include "core/delta/action.hpp"
#include "worker/sharing/parameters.hpp"
#include "worker/sharing/seal.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr std::string_view kPurpose = "delta_sharing_urls";

class Writer final : public UrlWriter {
 public:
  Writer(Seal seal, const std::string& base, const SharedTable& table, const Recipient& recipient,
         std::int64_t expires_at)
      : seal_(std::move(seal)),
        table_id_(table.id),
        share_id_(table.share_id),
        token_(std::to_string(recipient.token_id)),
        expiry_(std::to_string(expires_at)),
        begin_(base + "/files/" + table.id + "/"),
        end_("?s=" + share_id_ + "&t=" + token_ + "&e=" + expiry_ +
             "&k=" + std::to_string(seal_.key_id()) + "&sp=r&sig=") {}

  std::string url_of(std::string_view path) const override {
    const std::string tag = seal_.tag_of({table_id_, path, share_id_, token_, expiry_});
    if (tag.empty()) return {};
    std::string url;
    url.reserve(begin_.size() + path.size() + end_.size() + tag.size());
    return url.append(begin_).append(delta::encoded_path(path)).append(end_).append(tag);
  }

 private:
  const Seal seal_;
  const std::string table_id_, share_id_, token_, expiry_;
  const std::string begin_, end_;
};

}  // namespace

Result<std::unique_ptr<UrlWriter>> SignedUrls::writer(const SharedTable& table,
                                                      const Recipient& recipient,
                                                      std::chrono::sys_seconds expires_at,
                                                      const Context&) {
  auto seal = Seal::current(vault_, kPurpose);
  if (!seal) return seal.error();
  return std::unique_ptr<UrlWriter>(std::make_unique<Writer>(
      *std::move(seal), base_.text(), table, recipient, expires_at.time_since_epoch().count()));
}

Result<std::string> SignedUrls::credentials(const SharedTable&, const Context&) {
  return Error{ErrorCode::kInternal, "a directory has no credentials", "", ""};
}

std::optional<SignedUrls::Claim> SignedUrls::verify(const http::Request& request,
                                                    std::int64_t now) const {
  if (request.parameters.size() != 2) return std::nullopt;
  auto read = Parameters::read(request);
  if (refusal_of(read) != nullptr) return std::nullopt;
  const auto& parameters = std::get<Parameters>(read);
  const auto share = parameters.text("s"), token = parameters.text("t"),
             expiry = parameters.text("e"), key = parameters.text("k"),
             tag = parameters.text("sig");
  if (!share || !token || !expiry || !key || !tag) return std::nullopt;
  const auto token_id = parse_count(*token), expires_at = parse_count(*expiry),
             key_id = parse_count(*key);
  if (!token_id || !expires_at || !key_id) return std::nullopt;
  if (*key_id > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  const auto seal = Seal::of_key(vault_, kPurpose, static_cast<std::uint32_t>(*key_id));
  const std::string& table_id = request.parameters[0];
  const std::string& path = request.parameters[1];
  if (!seal || !seal->fits({table_id, path, *share, *token, *expiry}, *tag)) return std::nullopt;
  return Claim{table_id, path, std::string(*share), *token_id, *expires_at < now};
}

}  // namespace lakehouse::worker::sharing
