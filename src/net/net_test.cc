// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "net/loop.h"
#include "net/socket.h"
#include "net/worker_pool.h"

namespace gust::net {
namespace {

TEST(Loop, PostedTasksRunInOrderOnItsThread) {
  Loop loop;
  std::vector<int> seen;
  std::thread poster([&] {
    for (int i = 0; i < 100; ++i)
      loop.post([&, i] {
        seen.push_back(i);
        EXPECT_TRUE(loop.in_thread());
      });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  poster.join();
  ASSERT_EQ(seen.size(), 100u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_FALSE(loop.in_thread());
}

TEST(Loop, ACancelledTimerStaysSilentAndAReplacedOneRunsOnce) {
  Loop loop;
  int cancelled = 0, replaced = 0, first = 0;
  Timer a(loop), b(loop), end(loop);
  a.start(1000, [&] { ++cancelled; });
  a.cancel();
  b.start(1000, [&] { ++first; });
  b.start(2000, [&] { ++replaced; });
  end.start(30'000, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(cancelled, 0);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(replaced, 1);
}

TEST(Loop, AWatchTellsReadinessOnceForEachWaitAndNothingAfterItsEnd) {
  Loop loop;
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  Fd in(fds[0]), out(fds[1]);
  int told = 0, late = 0;
  auto watch = std::make_unique<Watch>(loop, in.get());
  watch->when_readable([&] {
    ++told;
    watch->when_readable([&] { ++late; });
    watch.reset();
  });
  ASSERT_EQ(write(out.get(), "x", 1), 1);
  Timer end(loop);
  end.start(20'000, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(late, 0);
  EXPECT_GE(fcntl(in.get(), F_GETFD), 0);  // still open
}

TEST(WorkerPool, RunsEverythingItTookAndRefusesBeyondItsQueue) {
  std::atomic<int> ran = 0;
  std::atomic<bool> go = false;
  int taken = 0;
  {
    WorkerPool pool("test", 2, 4);
    auto wait = [&] {
      while (!go) std::this_thread::yield();
      ++ran;
    };
    for (int i = 0; i < 50; ++i) taken += pool.submit(wait);
    EXPECT_LT(taken, 50);
    EXPECT_GE(taken, 4);
    go = true;
  }
  EXPECT_EQ(ran, taken);
}

TEST(Socket, EndpointsAreParsedAndPrinted) {
  EXPECT_EQ(parse_endpoint(":0")->text(), "127.0.0.1:0");
  EXPECT_EQ(parse_endpoint("[::1]:80")->text(), "[::1]:80");
  EXPECT_EQ(parse_endpoint("localhost:1")->host, "127.0.0.1");
  for (const char* bad : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "name:80", "::1", "1.2.3.4:-1"}) {
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
  }
}

TEST(Socket, PacketsCarryDescriptorsAndAnEmptyOneMeansTheEnd) {
  auto pair = packet_pair();
  ASSERT_TRUE(pair);
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  Fd in(fds[0]), out(fds[1]);
  ASSERT_TRUE(send_packet(pair->first.get(), "hello", {out.get()}));
  auto packet = receive_packet(pair->second.get());
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->bytes, "hello");
  ASSERT_EQ(packet->fds.size(), 1u);
  ASSERT_EQ(write(packet->fds[0].get(), "x", 1), 1);
  char c = 0;
  ASSERT_EQ(read(in.get(), &c, 1), 1);
  ASSERT_TRUE(send_packet(pair->first.get(), std::string(100, 'a')));
  EXPECT_EQ(receive_packet(pair->second.get(), 10).error().code, Errc::TooLarge);
  pair->first.reset();
  EXPECT_TRUE(receive_packet(pair->second.get())->bytes.empty());
}

TEST(Socket, ConnectReachesAListenerAndARefusalIsAnError) {
  auto listener = listen_tcp({"127.0.0.1", 0});
  ASSERT_TRUE(listener);
  auto endpoint = local_endpoint(listener->get());
  ASSERT_TRUE(endpoint);
  EXPECT_TRUE(connect_tcp(*endpoint, 1'000'000));
  EXPECT_TRUE(connect_tcp({"localhost", endpoint->port}, 1'000'000));
  listener->reset();
  EXPECT_FALSE(connect_tcp(*endpoint, 1'000'000));
}

}  // namespace
}  // namespace gust::net
