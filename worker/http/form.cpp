// SPDX-License-Identifier: PostgreSQL
// Splits at & and =, decodes both sides.
#include "worker/http/form.hpp"

#include <algorithm>

#include "worker/http/percent.hpp"

namespace lakehouse::worker::http {
namespace {

std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  std::ranges::transform(type, type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return type;
}

std::optional<Form::Field> decode_field(std::string_view field) {
  const std::size_t equals = field.find('=');
  const bool has_value = equals != std::string_view::npos;
  auto name = percent_decode(field.substr(0, equals), Plus::kIsSpace);
  auto value = percent_decode(has_value ? field.substr(equals + 1) : "", Plus::kIsSpace);
  if (!name || !value) return std::nullopt;
  return Form::Field{*std::move(name), *std::move(value)};
}

}  // namespace

std::optional<Form> Form::parse(std::string_view encoded) {
  Form form;
  while (!encoded.empty()) {
    const std::size_t end = encoded.find('&');
    const std::string_view part = encoded.substr(0, end);
    encoded = end == std::string_view::npos ? std::string_view() : encoded.substr(end + 1);
    if (part.empty()) continue;
    auto field = decode_field(part);
    if (!field || form.fields_.size() == kMostFields) return std::nullopt;
    form.fields_.push_back(*std::move(field));
  }
  return form;
}

std::string_view Form::value(std::string_view name) const {
  const auto found = std::ranges::find(fields_, name, &Field::name);
  return found == fields_.end() ? std::string_view() : found->value;
}

bool Form::has(std::string_view name) const {
  return std::ranges::find(fields_, name, &Field::name) != fields_.end();
}

std::string_view Form::repeated() const {
  for (auto field = fields_.begin(); field != fields_.end(); ++field) {
    if (std::find_if(fields_.begin(), field,
                     [&](const Field& earlier) { return earlier.name == field->name; }) != field) {
      return field->name;
    }
  }
  return {};
}

std::string Form::encode() const {
  std::string encoded;
  for (const Field& field : fields_) {
    if (!encoded.empty()) encoded += '&';
    encoded += percent_encode(field.name) + '=' + percent_encode(field.value);
  }
  return encoded;
}

std::optional<Form> read_form(const Request& request) {
  if (media_type(request.header("content-type")) != "application/x-www-form-urlencoded") {
    return std::nullopt;
  }
  return Form::parse(request.body);
}

}  // namespace lakehouse::worker::http
