// Threads beside the main one. Signals are for that: these are started with all of them blocked.
#pragma once

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

namespace prong::cli {

template <typename Body>
std::thread start_without_signals(Body body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace prong::cli
