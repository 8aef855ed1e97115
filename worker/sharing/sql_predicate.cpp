// SPDX-License-Identifier: PostgreSQL
// A recursive descent over words; whatever it does not know, it gives up on.
#include <algorithm>
#include <array>

#include "worker/sharing/parameters.hpp"
#include "worker/sharing/predicate.hpp"

namespace lakehouse::worker::sharing {
namespace {

using Kind = Predicate::Kind;

constexpr std::size_t kMostBytes = 16U << 10U;
constexpr int kMostDepth = 60;

struct Word {
  enum class Kind : std::uint8_t { kEnd, kName, kQuotedName, kText, kNumber, kSign };
  Kind kind = Kind::kEnd;
  std::string text;
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Words {
 public:
  explicit Words(std::string_view sql) : rest_(sql) { is_sound_ = advance(); }

  bool is_sound() const { return is_sound_; }
  const Word& front() const { return front_; }
  Word take() {
    Word word = std::move(front_);
    is_sound_ = is_sound_ && advance();
    return word;
  }
  bool skip_sign(std::string_view sign) {
    if (front_.kind != Word::Kind::kSign || front_.text != sign) return false;
    take();
    return true;
  }
  bool skip_keyword(std::string_view keyword) {
    if (front_.kind != Word::Kind::kName || !is_same_name(front_.text, keyword)) return false;
    take();
    return true;
  }

 private:
  // False if no word begins here.
  bool advance() {
    front_ = {};
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    if (rest_.empty()) return true;
    const char c = rest_.front();
    if (c == '\'' || c == '`' || c == '"') return take_quoted(c);
    if (is_letter(c)) return take_while([](char d) { return is_letter(d) || is_digit(d); });
    const bool is_signed = (c == '-' || c == '+') && rest_.size() > 1 && is_digit(rest_[1]);
    if (is_digit(c) || is_signed) return take_number(is_signed);
    for (const std::string_view sign :
         {"<=>", "<=", ">=", "<>", "!=", "==", "<", ">", "=", "(", ")", ","}) {
      if (!rest_.starts_with(sign)) continue;
      front_ = {Word::Kind::kSign, std::string(sign)};
      rest_.remove_prefix(sign.size());
      return true;
    }
    return false;
  }

  // A quote within is written twice.
  bool take_quoted(char quote) {
    front_.kind = quote == '\'' ? Word::Kind::kText : Word::Kind::kQuotedName;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\\') return false;  // engines differ in what it means
      if (rest_[i] != quote) {
        front_.text += rest_[i];
      } else if (i + 1 < rest_.size() && rest_[i + 1] == quote) {
        front_.text += rest_[++i];
      } else {
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  template <typename Fits>
  bool take_while(Fits fits) {
    const auto end = std::ranges::find_if_not(rest_, fits);
    front_ = {Word::Kind::kName, std::string(rest_.begin(), end)};
    rest_.remove_prefix(front_.text.size());
    return true;
  }

  bool take_number(bool is_signed) {
    std::size_t end = is_signed ? 1 : 0;
    while (end < rest_.size()) {
      const char c = rest_[end];
      const bool is_exponent_sign =
          (c == '-' || c == '+') && (rest_[end - 1] == 'e' || rest_[end - 1] == 'E');
      if (!is_digit(c) && c != '.' && c != 'e' && c != 'E' && !(end > 0 && is_exponent_sign)) break;
      ++end;
    }
    front_ = {Word::Kind::kNumber, std::string(rest_.substr(0, end))};
    rest_.remove_prefix(end);
    return rest_.empty() || !is_letter(rest_.front());  // 10L, 1.5BD
  }

  std::string_view rest_;
  Word front_;
  bool is_sound_ = true;
};

using Parsed = std::optional<Predicate>;

Predicate negation(Predicate inner) { return {Kind::kNot, {std::move(inner)}, {}, {}}; }

class Parser {
 public:
  explicit Parser(std::string_view sql) : words_(sql) {}

  Parsed parse() {
    Parsed parsed = any_of();
    if (!words_.is_sound() || words_.front().kind != Word::Kind::kEnd) return std::nullopt;
    return parsed;
  }

 private:
  Parsed any_of() { return list(Kind::kOr, "or", &Parser::all_of); }
  Parsed all_of() { return list(Kind::kAnd, "and", &Parser::negated); }

  Parsed list(Kind kind, std::string_view keyword, Parsed (Parser::*item)()) {
    Predicate joined{kind, {}, {}, {}};
    do {
      Parsed next = (this->*item)();
      if (!next) return std::nullopt;
      joined.children.push_back(*std::move(next));
    } while (words_.skip_keyword(keyword));
    return joined.children.size() == 1 ? std::move(joined.children.front()) : std::move(joined);
  }

  Parsed negated() {
    if (++depth_ > kMostDepth) return std::nullopt;
    Parsed parsed;
    if (words_.skip_keyword("not")) {
      parsed = negated();
      if (parsed) parsed = negation(*std::move(parsed));
    } else if (words_.skip_sign("(")) {
      parsed = any_of();
      if (!words_.skip_sign(")")) parsed.reset();
    } else {
      parsed = condition();
    }
    --depth_;
    return parsed;
  }

  Parsed condition() {
    if (const auto literal = take_literal()) {
      const Word sign = words_.take();
      const auto column = take_column();
      return column ? comparison(turned(sign.text), *column, *literal) : std::nullopt;
    }
    const auto column = take_column();
    if (!column) return std::nullopt;
    if (words_.skip_keyword("is")) return null_test(*column);
    const bool is_negated = words_.skip_keyword("not");
    Parsed parsed;
    if (words_.skip_keyword("in")) {
      parsed = one_of(*column);
    } else if (words_.skip_keyword("between")) {
      parsed = between(*column);
    } else if (!is_negated) {
      const Word sign = words_.take();
      const auto literal = take_literal();
      return literal ? comparison(sign.text, *column, *literal) : std::nullopt;
    }
    return parsed && is_negated ? negation(*std::move(parsed)) : parsed;
  }

  Parsed null_test(const std::string& column) {
    const bool is_negated = words_.skip_keyword("not");
    if (!words_.skip_keyword("null")) return std::nullopt;
    Predicate is_null{Kind::kIsNull, {}, column, {}};
    return is_negated ? negation(std::move(is_null)) : std::move(is_null);
  }

  Parsed one_of(const std::string& column) {
    if (!words_.skip_sign("(")) return std::nullopt;
    Predicate any{Kind::kOr, {}, {}, {}};
    do {
      const auto literal = take_literal();
      if (!literal) return std::nullopt;
      any.children.push_back({Kind::kEqual, {}, column, *literal});
    } while (words_.skip_sign(","));
    if (!words_.skip_sign(")")) return std::nullopt;
    return any;
  }

  Parsed between(const std::string& column) {
    const auto least = take_literal();
    if (!least || !words_.skip_keyword("and")) return std::nullopt;
    const auto greatest = take_literal();
    if (!greatest) return std::nullopt;
    return Predicate{
        Kind::kAnd,
        {{Kind::kGreaterOrEqual, {}, column, *least}, {Kind::kLessOrEqual, {}, column, *greatest}},
        {},
        {}};
  }

  static Parsed comparison(std::string_view sign, const std::string& column,
                           const std::string& literal) {
    constexpr std::array<std::pair<std::string_view, Kind>, 6> kSigns{
        {{"=", Kind::kEqual},
         {"==", Kind::kEqual},
         {"<", Kind::kLess},
         {"<=", Kind::kLessOrEqual},
         {">", Kind::kGreater},
         {">=", Kind::kGreaterOrEqual}}};
    if (sign == "<>" || sign == "!=") return negation({Kind::kEqual, {}, column, literal});
    for (const auto& [name, kind] : kSigns) {
      if (name == sign) return Predicate{kind, {}, column, literal};
    }
    return std::nullopt;
  }

  static std::string_view turned(std::string_view sign) {
    if (sign == "<") return ">";
    if (sign == "<=") return ">=";
    if (sign == ">") return "<";
    if (sign == ">=") return "<=";
    return sign;
  }

  // Not of a nested column: there are none.
  std::optional<std::string> take_column() {
    const Word& word = words_.front();
    if (word.kind != Word::Kind::kName && word.kind != Word::Kind::kQuotedName) {
      return std::nullopt;
    }
    return words_.take().text;
  }

  // Text, number, true, false; date '…' and timestamp '…' as their text.
  std::optional<std::string> take_literal() {
    const Word& word = words_.front();
    if (word.kind == Word::Kind::kNumber || word.kind == Word::Kind::kText) {
      return words_.take().text;
    }
    if (words_.skip_keyword("true")) return "true";
    if (words_.skip_keyword("false")) return "false";
    if (words_.skip_keyword("date") || words_.skip_keyword("timestamp")) {
      if (words_.front().kind == Word::Kind::kText) return words_.take().text;
    }
    return std::nullopt;
  }

  Words words_;
  int depth_ = 0;
};

}  // namespace

std::optional<Predicate> parse_sql_predicate(std::string_view sql) {
  if (sql.size() > kMostBytes) return std::nullopt;
  return Parser(sql).parse();
}

}  // namespace lakehouse::worker::sharing
