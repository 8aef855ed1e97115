// SPDX-License-Identifier: PostgreSQL
// Batches in, datums out.
#include "extension/fdw/row_stream.hpp"

#include "extension/border/border.hpp"

namespace lakehouse::fdw {
namespace {

// Batches the worker may send before the first is used up: enough to keep both busy, little enough
// to bound memory.
constexpr std::uint32_t kCredit = 4;

void destroy(void* stream) { delete static_cast<RowStream*>(stream); }

Reading reading_of(const Column& column) {
  if (needs_input_function(column)) return Reading::kInput;
  switch (column.local->cell) {
    case wire::CellType::kBool:
      return Reading::kBool;
    case wire::CellType::kInt2:
      return Reading::kInt2;
    case wire::CellType::kInt4:
    case wire::CellType::kDate:
      return Reading::kInt4;
    case wire::CellType::kInt8:
      return Reading::kInt8;
    case wire::CellType::kFloat4:
      return Reading::kFloat4;
    case wire::CellType::kFloat8:
      return Reading::kFloat8;
    case wire::CellType::kTimestamp:
    case wire::CellType::kTimestamptz:
      return column.typmod >= 0 ? Reading::kTimestamp : Reading::kInt8;
    default:
      return Reading::kPointer;
  }
}

ColumnReader make_reader(const Column& column, int attribute, int index) {
  ColumnReader reader{};
  reader.attribute = attribute - 1;
  reader.index = static_cast<std::int16_t>(index);
  reader.reading = reading_of(column);
  reader.is_varlena = wire::width_of(cell_type_of(column)) == 0;
  reader.typmod = column.typmod;
  if (reader.reading == Reading::kInput) {
    border::call([&] {
      Oid function = InvalidOid;
      getTypeInputInfo(column.type, &function, &reader.type_io_parameter);
      fmgr_info(function, &reader.input);
    });
  }
  return reader;
}

}  // namespace

RowStream* RowStream::create(MemoryContext context) {
  auto* callback = border::call([&] {
    return static_cast<MemoryContextCallback*>(
        MemoryContextAllocZero(context, sizeof(MemoryContextCallback)));
  });
  auto* stream = new RowStream();
  callback->func = destroy;
  callback->arg = stream;
  MemoryContextRegisterResetCallback(context, callback);
  return stream;
}

void RowStream::set_columns(const Columns& columns, const List* retrieved) {
  const int count = list_length(retrieved);
  for (int index = 0; index < count; ++index) {
    const int attribute = list_nth_int(retrieved, index);
    const Column& column = columns.at(attribute);
    const wire::CellType cell = cell_type_of(column);
    readers_.push_back(make_reader(column, attribute, index));
    cells_.push_back(cell);
    wire_columns_.push_back({static_cast<std::uint8_t>(cell),
                             static_cast<std::int16_t>(column.decimal.precision),
                             static_cast<std::int16_t>(column.decimal.scale)});
  }
  if (count == 0) {  // the "1" of a select list without columns
    cells_.push_back(wire::CellType::kInt4);
    wire_columns_.push_back({static_cast<std::uint8_t>(wire::CellType::kInt4), 0, 0});
  }
}

void RowStream::open(wire::OpenScan request) {
  request.columns = wire_columns_;
  request.credit = kCredit;
  channel_ = client::Channel::open(client::Patience::kRestart);
  channel_->send(request);
}

bool RowStream::advance() {
  row_ = row_count_ = 0;
  if (channel_ == nullptr) return false;
  if (has_batch_) channel_->send(wire::Credit{1});
  has_batch_ = false;
  for (;;) {
    channel_->receive();
    switch (channel_->type()) {
      case wire::MessageType::kScanStarted:
        started_ = channel_->expect<wire::ScanStarted>();
        break;
      case wire::MessageType::kBatch:
        batch_ = border::unwrap(wire::BatchView::parse(channel_->body(), cells_));
        row_count_ = batch_->row_count();
        has_batch_ = true;
        if (row_count_ > 0) return true;
        channel_->send(wire::Credit{1});
        break;
      default:
        add_up(channel_->expect<wire::ScanEnded>());
        close();
        return false;
    }
  }
}

void RowStream::add_up(const wire::ScanEnded& ended) {
  ended_.rows += ended.rows;
  ended_.bytes_received += ended.bytes_received;
  ended_.chunks += ended.chunks;
  ended_.remote_time_us += ended.remote_time_us;
}

void RowStream::close() noexcept {
  row_ = row_count_ = 0;
  has_batch_ = false;
  channel_.reset();
}

void RowStream::fill(Datum* values, bool* nulls) {
  for (ColumnReader& reader : readers_) {
    const bool is_null = batch_->is_null(static_cast<std::size_t>(reader.index), row_);
    nulls[reader.attribute] = is_null;
    if (!is_null) values[reader.attribute] = read(reader, row_);
  }
  ++row_;
}

Datum RowStream::read(ColumnReader& reader, std::uint32_t row) {
  const auto index = static_cast<std::size_t>(reader.index);
  switch (reader.reading) {
    case Reading::kBool:
      return BoolGetDatum(batch_->value<char>(index, row) != 0);
    case Reading::kInt2:
      return Int16GetDatum(batch_->value<std::int16_t>(index, row));
    case Reading::kInt4:
      return Int32GetDatum(batch_->value<std::int32_t>(index, row));
    case Reading::kInt8:
      return Int64GetDatum(batch_->value<std::int64_t>(index, row));
    case Reading::kFloat4:
      return Float4GetDatum(batch_->value<float>(index, row));
    case Reading::kFloat8:
      return Float8GetDatum(batch_->value<double>(index, row));
    case Reading::kPointer:
      return PointerGetDatum(reader.is_varlena ? batch_->varlena(index, row)
                                               : batch_->fixed(index, row));
    case Reading::kTimestamp: {
      Timestamp timestamp = batch_->value<std::int64_t>(index, row);
      AdjustTimestampForTypmod(&timestamp, reader.typmod);
      return TimestampGetDatum(timestamp);
    }
    case Reading::kInput: {
      const std::string_view utf8 = batch_->payload(index, row);
      char* copy = pnstrdup(utf8.data(), utf8.size());
      char* converted = pg_any_to_server(copy, static_cast<int>(utf8.size()), PG_UTF8);
      return InputFunctionCall(&reader.input, converted, reader.type_io_parameter, reader.typmod);
    }
  }
  pg_unreachable();
}

}  // namespace lakehouse::fdw
