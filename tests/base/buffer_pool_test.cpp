#include "base/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "base/process_memory.h"
#include "svd/error.h"

namespace svd {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST(BufferPool, GivesAlignedWritableMemory) {
  BufferPool pool;
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{4097}, 3 * kMiB, 17 * kMiB + 5}) {
    const Buffer buffer = pool.allocate(bytes);
    ASSERT_NE(buffer.data(), nullptr);
    EXPECT_GE(buffer.capacity(), bytes);
    EXPECT_FALSE(buffer.empty());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0u);
    std::memset(buffer.data(), 0x5A, bytes);
  }
}

TEST(BufferPool, UsesFreedBlocksAgain) {
  BufferPool pool;
  const std::byte* first = nullptr;
  {
    const Buffer a = pool.allocate(8 * kMiB);
    first = a.data();
  }
  EXPECT_EQ(pool.live_bytes(), 0u);
  EXPECT_EQ(pool.held_bytes(), 8 * kMiB);
  const Buffer close_fit = pool.allocate(7 * kMiB);
  EXPECT_EQ(close_fit.data(), first);
  EXPECT_EQ(pool.peak_bytes(), 8 * kMiB);
}

TEST(BufferPool, DoesNotWasteALargeBlockOnASmallRequest) {
  BufferPool pool;
  { const Buffer a = pool.allocate(8 * kMiB); }
  const Buffer small = pool.allocate(kMiB);
  EXPECT_EQ(small.capacity(), kMiB);
}

// What was in use at the same time before, and a little more, is kept; beyond that free blocks go back to the system.
TEST(BufferPool, HoldsNoMoreThanWasInUseBefore) {
  constexpr size_t kSlack = 32 * kMiB;
  BufferPool pool;
  { const Buffer a = pool.allocate(100 * kMiB); }
  {
    const Buffer b = pool.allocate(50 * kMiB);  // the free block is too large for it
    EXPECT_LE(pool.held_bytes(), 100 * kMiB + kSlack);
    const Buffer c = pool.allocate(20 * kMiB), d = pool.allocate(40 * kMiB);
    EXPECT_LE(pool.held_bytes(), 110 * kMiB + kSlack);
  }
  EXPECT_GE(pool.held_bytes(), 100 * kMiB);  // all of it serves again
  const Buffer e = pool.allocate(50 * kMiB), f = pool.allocate(40 * kMiB);
  EXPECT_LE(pool.held_bytes(), 110 * kMiB + kSlack);
  pool.trim();
  EXPECT_EQ(pool.held_bytes(), pool.live_bytes());
}

TEST(BufferPool, CountsLiveAndPeak) {
  BufferPool pool;
  {
    const Buffer a = pool.allocate(2 * kMiB), b = pool.allocate(4 * kMiB);
    EXPECT_EQ(pool.live_bytes(), 6 * kMiB);
  }
  pool.trim();
  EXPECT_EQ(pool.held_bytes(), 0u);
  EXPECT_EQ(pool.peak_bytes(), 6 * kMiB);
  pool.reset_peak();
  EXPECT_EQ(pool.peak_bytes(), 0u);
}

TEST(BufferPool, PlansWithoutMemory) {
  BufferPool pool(BufferPool::Mode::plan);
  EXPECT_TRUE(pool.plans_only());
  {
    const Buffer a = pool.allocate(size_t{1} << 50), b = pool.allocate(kMiB);  // no machine has this
    EXPECT_EQ(a.data(), nullptr);
    EXPECT_FALSE(a.empty());
  }
  EXPECT_EQ(pool.live_bytes(), 0u);
  EXPECT_EQ(pool.peak_bytes(), (size_t{1} << 50) + kMiB);
}

// What the plan predicts is what the same allocations cost.
TEST(BufferPool, PlanAndRealAgree) {
  BufferPool plan(BufferPool::Mode::plan), real;
  const auto work = [](BufferPool& pool) {
    std::vector<Buffer> live;
    for (int i = 0; i < 200; ++i) {
      live.push_back(pool.allocate(static_cast<size_t>(i * 7919 % 40 + 1) * 100'000));
      if (i % 3 == 2) live.erase(live.begin() + i % 2);
      if (live.size() > 12) live.erase(live.begin(), live.begin() + 5);
    }
  };
  work(plan);
  work(real);
  EXPECT_EQ(plan.peak_bytes(), real.peak_bytes());
  EXPECT_EQ(plan.held_bytes(), real.held_bytes());
}

TEST(BufferPool, SaysWhenMemoryIsOut) {
  BufferPool pool;
  try {
    const Buffer buffer = pool.allocate(size_t{1} << 60);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
  }
  EXPECT_EQ(pool.live_bytes(), 0u);
}

TEST(BufferPool, BuffersMove) {
  BufferPool pool;
  Buffer a = pool.allocate(kMiB);
  const std::byte* data = a.data();
  Buffer b = std::move(a);
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b.data(), data);
  Buffer c = pool.allocate(kMiB);
  c = std::move(b);
  EXPECT_EQ(c.data(), data);
  EXPECT_EQ(pool.live_bytes(), kMiB);
  c = Buffer();
  EXPECT_EQ(pool.live_bytes(), 0u);
}

TEST(BufferPool, ServesThreads) {
  BufferPool pool;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 500; ++i) {
        const Buffer buffer = pool.allocate(static_cast<size_t>(i % 5 + 1) * 4096);
        std::memset(buffer.data(), t, 4096);
        for (int k = 0; k < 4096; k += 512) EXPECT_EQ(buffer.data()[k], static_cast<std::byte>(t));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(pool.live_bytes(), 0u);
}

TEST(Memory, OfThisProcess) {
  const ProcessMemory memory = process_memory();
  EXPECT_GT(memory.anonymous_bytes, 0u);
  EXPECT_GE(memory.resident_bytes, memory.anonymous_bytes);
  EXPECT_GE(memory.peak_resident_bytes, memory.anonymous_bytes);
  EXPECT_GT(available_host_memory(), 0u);
  EXPECT_LT(available_host_memory(), std::numeric_limits<uint64_t>::max());
}

}  // namespace
}  // namespace svd
