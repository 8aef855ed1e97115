// SPDX-License-Identifier: PostgreSQL
// A value counts with the bytes it has once it is whole again: neither compressed nor stored
// elsewhere.
#include "extension/guard/meter.hpp"

#include <cstring>

#include "extension/guard/refusal.hpp"

namespace lakehouse::guard {
namespace {

struct MeteredReceiver {
  DestReceiver base;  // first: PostgreSQL knows only this
  DestReceiver* inner;
  Meter* meter;
};

MeteredReceiver* metered(DestReceiver* receiver) {
  return reinterpret_cast<MeteredReceiver*>(receiver);
}

std::int64_t bytes_of(TupleTableSlot* slot) {
  const TupleDesc description = slot->tts_tupleDescriptor;
  std::int64_t bytes = 0;
  for (int i = 0; i < description->natts; ++i) {
    if (slot->tts_isnull[i]) continue;
    const Form_pg_attribute attribute = TupleDescAttr(description, i);
    bytes += attribute->attlen == -1
                 ? static_cast<std::int64_t>(toast_raw_datum_size(slot->tts_values[i]))
             : attribute->attlen == -2
                 ? static_cast<std::int64_t>(std::strlen(DatumGetCString(slot->tts_values[i])))
                 : attribute->attlen;
  }
  return bytes;
}

bool receive(TupleTableSlot* slot, DestReceiver* receiver) {
  MeteredReceiver* self = metered(receiver);
  Meter* meter = self->meter;
  if (meter->max_rows > 0 && meter->rows >= meter->max_rows) {
    meter->is_cut = true;
    return false;
  }
  slot_getallattrs(slot);
  meter->rows += 1;
  meter->bytes += bytes_of(slot);
  if (meter->max_bytes > 0 && meter->bytes > meter->max_bytes) {
    refuse({Code::kPayloadCapExceeded, "result", nullptr,
            psprintf("It is larger than " INT64_FORMAT " bytes.", meter->max_bytes),
            "Select fewer rows or columns, or aggregate."});
  }
  return self->inner->receiveSlot(slot, self->inner);
}

void start_up(DestReceiver* receiver, int operation, TupleDesc description) {
  DestReceiver* inner = metered(receiver)->inner;
  inner->rStartup(inner, operation, description);
}

void shut_down(DestReceiver* receiver) {
  DestReceiver* inner = metered(receiver)->inner;
  inner->rShutdown(inner);
}

// The inner one belongs to whoever made it.
void destroy(DestReceiver* receiver) { pfree(receiver); }

}  // namespace

DestReceiver* make_metered_receiver(DestReceiver* inner, Meter* meter) {
  auto* receiver = static_cast<MeteredReceiver*>(palloc0(sizeof(MeteredReceiver)));
  receiver->base = {receive, start_up, shut_down, destroy, inner->mydest};
  receiver->inner = inner;
  receiver->meter = meter;
  return &receiver->base;
}

}  // namespace lakehouse::guard
