// The fault points of a channel, one for each state transition. A point that is not in the table does not compile; a
// point in the table without a test fails the crash tests. Either process.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "base/fault_point.h"

namespace prong::ipc {

inline constexpr std::array<std::string_view, 31> kChannelFaultPoints{
    // Coordinator
    "channel.push.before_ready",        // the request is written, its slot not yet ready
    "channel.push.after_ready",         // ready, not yet noted in private memory
    "channel.revoke.before_revoked",    // about to take a request back
    "channel.revoke.after_revoked",     // taken back, not yet noted
    "channel.pop.before_taken",         // the result is copied, its room not yet given back
    "channel.pop.after_taken",          // given back, a waiting worker not yet woken
    "channel.wake.before_futex",        // the mark of the sleeper is cleared, it still sleeps
    "channel.wake_space.before_futex",  // the mark of the waiter for room is cleared, it still sleeps
    "channel.arm.after_armed",          // about to sleep
    // Worker
    "channel.take.before_started",       // its start time is written, the request still ready
    "channel.take.after_started",        // started, nothing read yet
    "channel.take.before_passed",        // revoked seen, its slot not yet free
    "channel.take.after_passed",         // revoked request passed over, its slot free
    "channel.take.before_marked",        // nothing to take, not yet marked as sleeping
    "channel.take.before_sleep",         // marked as sleeping, awake
    "channel.take.after_sleep",          // woken, nothing looked at yet
    "channel.write.before_skip",         // the skip record to the start of the ring is not yet written
    "channel.write.after_skip",          // written, the record behind it not
    "channel.publish.before_published",  // the record is written, not yet visible
    "channel.publish.after_published",   // visible, the slot not yet free
    "channel.publish.after_free",        // free, the coordinator not yet told
    "channel.notice.after_published",    // a record that does not end its request is visible
    "channel.ring.before_doorbell",      // armed is cleared, the doorbell not rung
    "channel.ring.after_doorbell",       // rung
    "channel.space.before_marked",       // no room, not yet marked as waiting for it
    "channel.space.before_sleep",        // marked as waiting for room, doorbell rung, awake
    // Worker, in a batch: batch_crash_test.cc
    "channel.items.before_claimed",  // the start of the next item is written, the item not claimed
    "channel.items.after_claimed",   // claimed, not begun
    "channel.items.before_done",     // the result is in the area, not counted
    "channel.items.after_done",      // counted
    "channel.items.before_emptied",  // what the area holds is in the ring, too
};

consteval std::string_view channel_fault_point(std::string_view name) {
  if (std::find(kChannelFaultPoints.begin(), kChannelFaultPoints.end(), name) == kChannelFaultPoints.end()) {
    throw "not in kChannelFaultPoints";
  }
  return name;
}

}  // namespace prong::ipc

#define PRONG_CHANNEL_FAULT_POINT(name) PRONG_FAULT_POINT(::prong::ipc::channel_fault_point("channel." name))
