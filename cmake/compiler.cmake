# prong_compile_settings: language, warnings and sanitizers that every target of the project takes by linking it.
add_library(prong_compile_settings INTERFACE)
target_compile_features(prong_compile_settings INTERFACE cxx_std_20)
target_compile_options(prong_compile_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<BOOL:${PRONG_WERROR}>:-Werror>)

if(PRONG_SANITIZE STREQUAL "address")
  # Without vptr: that check opens a pipe to look at memory, and fails in tests that leave no descriptor free.
  set(sanitizer_flags -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
    -Wno-maybe-uninitialized)  # GCC's manual: "sanitizers tend to increase the rate of false positive warnings" of this one
elseif(PRONG_SANITIZE STREQUAL "thread")
  # GCC warns that TSan does not know std::atomic_thread_fence.
  set(sanitizer_flags -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan -O1 -Wno-maybe-uninitialized)
elseif(PRONG_SANITIZE STREQUAL "fuzzer")
  set(sanitizer_flags -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all
    -Wno-string-conversion -Wno-missing-designated-field-initializers -O1)
elseif(PRONG_SANITIZE)
  message(FATAL_ERROR "PRONG_SANITIZE is '${PRONG_SANITIZE}'; it may be empty, 'address', 'thread' or 'fuzzer'")
endif()
if(PRONG_SANITIZE)
  # Enough for the stacks in reports; what debuggers want besides takes a quarter of the time to compile.
  list(APPEND sanitizer_flags -g1)
endif()
target_compile_options(prong_compile_settings INTERFACE ${sanitizer_flags})
target_link_options(prong_compile_settings INTERFACE ${sanitizer_flags})

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_package(Threads REQUIRED)
find_package(cereal REQUIRED)
