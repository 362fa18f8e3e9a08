#include "ipc/block_store.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "ipc/blocks.h"
#include "os/clock.h"
#include "prong/payload.h"
#include "prong/shared_memory.h"
#include "support/crash.h"

namespace prong::ipc {
namespace {

constexpr std::size_t kSize = 1'000'000;

Payload gather(char letter, std::size_t size = kSize) {
  const std::string text(size, letter);
  const ByteSpan parts[] = {as_bytes(text)};
  return Payload::gather(parts);
}

Payload of_memory(ByteSpan memory) {
  const Payload known = Payload::known_copy(memory);
  return known.empty() ? Payload::copy_of_memory(memory) : known;
}

/// Which segment it is.
ino_t identity(const Payload& payload) {
  struct stat status {};
  EXPECT_EQ(::fstat(payload.segment_fd(), &status), 0);
  return status.st_ino;
}

class BlockStoreTest : public testing::Test {
 protected:
  BlockStoreTest() { customer_.keep_until(os::monotonic_now() + 1'000'000'000'000); }

  BlockStore::Customer customer_{[] {}};
  BlockStore& store_ = BlockStore::of_this_process();
};

TEST_F(BlockStoreTest, ABlockIsUsedAgainWhenNobodyHasIt) {
  Payload first = gather('a');
  Payload copy = first;
  const ino_t segment = identity(first);
  first = {};
  Payload second = gather('b');
  EXPECT_NE(identity(second), segment);
  EXPECT_EQ(copy.text(), std::string(kSize, 'a'));
  copy = {};
  const Payload third = gather('c');
  EXPECT_EQ(identity(third), segment);
  EXPECT_EQ(third.text(), std::string(kSize, 'c'));
  EXPECT_EQ(second.text(), std::string(kSize, 'b'));
}

TEST_F(BlockStoreTest, TheNextOneMayBeOfAnotherSize) {
  Payload first = gather('a');
  const ino_t segment = identity(first);
  first = {};
  first = gather('b', kSize + 1000);  // within the same eighth
  EXPECT_EQ(identity(first), segment);
  EXPECT_EQ(first.text(), std::string(kSize + 1000, 'b'));
  first = {};
  first = gather('c', kSize * 2 / 3);
  EXPECT_EQ(identity(first), segment);
  EXPECT_EQ(first.text(), std::string(kSize * 2 / 3, 'c'));
  first = {};
  EXPECT_NE(identity(gather('d', kSize / 3)), segment) << "most of it would be wasted";
  EXPECT_NE(identity(gather('e', kSize * 2)), segment);
}

TEST_F(BlockStoreTest, WhatAReaderWroteIsNotInTheNextOne) {
  Payload payload = gather('a');
  const ino_t segment = identity(payload);
  for (const std::size_t at : {std::size_t{0}, kSize / 2, kSize - 1})
    const_cast<std::byte&>(payload.bytes()[at]) = std::byte{'w'};
  payload = {};
  payload = gather('b');
  EXPECT_EQ(identity(payload), segment);
  EXPECT_EQ(payload.text(), std::string(kSize, 'b'));
}

TEST_F(BlockStoreTest, MappingsAreKeptWithTheBlock) {
  constexpr std::size_t kLarge = 16 * 1024 * 1024;
  const std::string text(kLarge, 't');
  const ByteSpan parts[] = {as_bytes(text)};
  for (int i = 0; i < 3; ++i) static_cast<void>(Payload::gather(parts).text().find('x'));
  rusage before{};
  rusage after{};
  ::getrusage(RUSAGE_THREAD, &before);
  static_cast<void>(Payload::gather(parts).text().find('x'));
  ::getrusage(RUSAGE_THREAD, &after);
  EXPECT_LT(after.ru_minflt - before.ru_minflt, 64) << "for 4096 pages, twice";
}

TEST_F(BlockStoreTest, AForkedChildUnmapsOnlyWhatIsItsOwn) {
  gather('a');
  std::optional<Payload> payload = gather('b');  // written through a mapping
  EXPECT_EQ(payload->text(), std::string(kSize, 'b'));
  test::Child child([&] {
    std::string own(kSize, 'o');
    payload.reset();
    std::string later(kSize, 'l');
    if (own != std::string(kSize, 'o') || later != std::string(kSize, 'l')) ::_exit(1);
  });
  child.wait();
  EXPECT_TRUE(child.ended_well());
}

/// Of blocks, in this process.
int count_mappings() {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("prong-block") == std::string::npos ? 0 : 1;
  return count;
}

/// One that was written and read before; nobody has looked at it this time.
Payload gather_used(char letter) {
  for (const char before : {'x', 'y'}) EXPECT_EQ(gather(before).text(), std::string(kSize, before));
  return gather(letter);
}

// A pool that forks its workers from the program would keep their memory until it ends.
TEST_F(BlockStoreTest, AForkedChildHasOnlyMappingsThatSomebodyLooksAt) {
  const Payload payload = gather_used('a');
  const auto mappings_of_a_child = [] {
    const test::Shared<int> count;
    test::Child child([&] { *count = count_mappings(); });
    child.wait();
    EXPECT_TRUE(child.ended_well());
    return *count;
  };
  EXPECT_GE(count_mappings(), 2);
  EXPECT_EQ(mappings_of_a_child(), 0);
  EXPECT_EQ(payload.text(), std::string(kSize, 'a'));
  EXPECT_EQ(mappings_of_a_child(), 1);
}

TEST_F(BlockStoreTest, AForkedChildMayLookAtWhatNobodyHasLookedAt) {
  const Payload payload = gather_used('a');
  test::Child child([&] {
    if (payload.text() != std::string(kSize, 'a')) ::_exit(1);
  });
  child.wait();
  EXPECT_TRUE(child.ended_well());
}

/// Runs `body` in a child with a pool of its own, in which one block is kept that was written and read.
template <typename Body>
void with_a_used_block(std::size_t size, const Body& body) {
  test::Child child([&] {
    BlockStore::Customer customer([] {});
    customer.keep_until(os::monotonic_now() + 1'000'000'000'000);
    for (const char letter : {'x', 'y'}) static_cast<void>(gather(letter, size).text().find('z'));
    body();
  });
  child.wait();
  EXPECT_TRUE(child.ended_well());
}

// It copies every page of a private mapping, which then hides what the block holds next.
TEST(BlockStoreOfALockedProgramTest, ShowsWhatWasWrittenLast) {
  with_a_used_block(kSize, [] {
    if (::mlockall(MCL_CURRENT) != 0) return;  // not permitted
    if (gather('a').text() != std::string(kSize, 'a')) ::_exit(1);
  });
}

void allow_to_map(std::size_t more) {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlimit limit{pages * 4096 + more, RLIM_INFINITY};
  ::setrlimit(RLIMIT_AS, &limit);
}

constexpr std::size_t kMuch = 64 * 1024 * 1024;

TEST(BlockStoreOfALimitedProgramTest, ABlockThatCannotBeMappedIsWritten) {
  const std::string text(kMuch, 'a');
  with_a_used_block(kMuch, [&] {
    const ByteSpan parts[] = {as_bytes(text)};
    const Payload first = Payload::gather(parts);  // has the block
    gather('b', kMuch);                            // leaves another one
    allow_to_map(kMuch / 2);
    const Payload second = Payload::gather(parts);
    std::string end(3, ' ');
    if (::pread(second.segment_fd(), end.data(), 3, kMuch - 3) != 3 || end != "aaa") ::_exit(1);
  });
}

TEST(BlockStoreOfALimitedProgramTest, KeptBlocksMakeWayForOneThatIsRead) {
  const std::string text(kMuch, 'a');
  with_a_used_block(kMuch, [&] {
    const ByteSpan parts[] = {ByteSpan(as_bytes(text)).first(kMuch / 4)};  // has a block of its own
    const Payload payload = Payload::gather(parts);
    allow_to_map(kMuch / 8);
    if (payload.text() != std::string_view(text).substr(0, kMuch / 4)) ::_exit(1);
  });
}

TEST_F(BlockStoreTest, UnusedBlocksGoBackToTheSystem) {
  gather('a');
  EXPECT_TRUE(store_.keeps_any());
  store_.release_idle(os::monotonic_now());
  EXPECT_TRUE(store_.keeps_any());
  store_.release_idle(os::monotonic_now() + BlockStore::kKeepNs);
  EXPECT_FALSE(store_.keeps_any());
}

TEST_F(BlockStoreTest, APoolThatWillNotLookKeepsNothing) {
  customer_.keep_until(0);
  gather('a');
  EXPECT_FALSE(store_.keeps_any());
  {
    BlockStore::Customer another([] {});
    another.keep_until(os::monotonic_now() + 1'000'000'000'000);
    gather('a');
    EXPECT_TRUE(store_.keeps_any());
  }
  EXPECT_FALSE(store_.keeps_any());
}

TEST_F(BlockStoreTest, TheEndOfAPoolLeavesNothing) {
  gather('a');
  EXPECT_TRUE(store_.keeps_any());
  {
    const BlockStore::Customer another([] {});
  }
  EXPECT_FALSE(store_.keeps_any());
  gather('a');
  EXPECT_FALSE(store_.keeps_any()) << "until this one says again that it will look";
}

TEST(BlockStoreWithoutPoolTest, NothingIsKept) {
  std::optional<BlockStore::Customer> pool;
  pool.emplace([] {});
  pool->keep_until(os::monotonic_now() + 1'000'000'000'000);
  Payload payload = gather('a');
  gather('b');
  EXPECT_TRUE(BlockStore::of_this_process().keeps_any());
  pool.reset();
  EXPECT_FALSE(BlockStore::of_this_process().keeps_any());
  EXPECT_EQ(payload.text(), std::string(kSize, 'a'));
  payload = {};
  EXPECT_FALSE(BlockStore::of_this_process().keeps_any());
}

TEST_F(BlockStoreTest, MemoryThatDidNotChangeIsCopiedOnce) {
  std::string memory(kSize, 'a');
  Payload first = of_memory(as_bytes(memory));
  const ino_t segment = identity(first);
  EXPECT_EQ(first.text(), memory);
  EXPECT_EQ(identity(of_memory(as_bytes(memory))), segment);
  first = {};
  EXPECT_EQ(identity(of_memory(as_bytes(memory))), segment) << "although nobody has had it meanwhile";
  const std::string elsewhere = memory;
  const Payload other = of_memory(as_bytes(elsewhere));
  first = of_memory(as_bytes(memory));
  EXPECT_NE(identity(first), identity(other));
}

TEST_F(BlockStoreTest, MemoryThatChangedIsCopiedAgain) {
  std::string memory(kSize, 'a');
  std::optional<Payload> first = of_memory(as_bytes(memory));
  memory.back() = 'b';
  const Payload second = of_memory(as_bytes(memory));
  EXPECT_EQ(first->text(), std::string(kSize, 'a'));
  EXPECT_EQ(second.text(), memory);
  first.reset();
  EXPECT_EQ(identity(of_memory(as_bytes(memory))), identity(second)) << "the copy of now, not of before";
}

TEST_F(BlockStoreTest, MemoryThatChangedWhileNobodyHadItsCopyIsCopiedAgain) {
  std::string memory(kSize, 'a');
  const ino_t segment = identity(of_memory(as_bytes(memory)));
  memory[0] = 'b';
  const Payload second = of_memory(as_bytes(memory));
  EXPECT_EQ(second.text(), memory);
  EXPECT_EQ(identity(second), segment);
}

TEST_F(BlockStoreTest, WhatMayBeAskedForAgainIsTakenLast) {
  const std::string memory(kSize, 'a');
  const ino_t copy = identity(of_memory(as_bytes(memory)));
  ino_t blank = 0;
  {
    const Payload held = of_memory(as_bytes(memory));
    blank = identity(gather('b'));
  }
  {
    const Payload first = gather('c');
    EXPECT_EQ(identity(first), blank);
    const Payload second = gather('d');
    EXPECT_EQ(identity(second), copy) << "there is no other";
  }
  EXPECT_EQ(of_memory(as_bytes(memory)).text(), memory);
}

TEST_F(BlockStoreTest, AWaitMayBeAsLongAsANumberCanBe) {
  store_.set_limit({.bytes = 2 * kSize, .wait = std::chrono::nanoseconds::max()});
  std::optional<SharedMemoryRoom> first(2 * kSize);
  std::atomic<bool> ended = false;
  std::thread other([&] {
    EXPECT_NO_THROW(SharedMemoryRoom(2 * kSize));
    ended = true;
  });
  while (!store_.somebody_waits() && !ended) std::this_thread::yield();
  first.reset();
  other.join();
  store_.set_limit({});
}

TEST_F(BlockStoreTest, ARetiredBlockIsNotKept) {
  Payload payload = gather('a');
  payload.retire();
  EXPECT_EQ(payload.text(), std::string(kSize, 'a'));
  payload = {};
  EXPECT_FALSE(store_.keeps_any());
}

// The child maps it only after the parent has let go of it and could have used it again.
TEST_F(BlockStoreTest, WhatAForkedChildHasIsNotUsedAgain) {
  std::optional<Payload> payload = gather('a');
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  test::Child child([&] {
    char go = 0;
    if (::read(ends[0], &go, 1) != 1) ::_exit(1);
    if (payload->text() != std::string(kSize, 'a')) ::_exit(2);
  });
  payload.reset();
  EXPECT_FALSE(store_.keeps_any());
  const Payload next = gather('b');
  EXPECT_EQ(::write(ends[1], "g", 1), 1);
  child.wait();
  EXPECT_TRUE(child.ended_well());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(BlockStoreTest, AForkedChildDoesNotTakeItsParentsBlocks) {
  const ino_t kept = [] { return identity(gather('a')); }();
  EXPECT_TRUE(store_.keeps_any());
  test::Child child([&] {
    if (store_.keeps_any()) ::_exit(1);
    if (identity(gather('b')) == kept) ::_exit(2);
  });
  child.wait();
  EXPECT_TRUE(child.ended_well());
  EXPECT_EQ(identity(gather('c')), kept);
}

}  // namespace
}  // namespace prong::ipc
