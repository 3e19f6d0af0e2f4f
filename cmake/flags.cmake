# SPDX-License-Identifier: Apache-2.0
add_library(sendpost_flags INTERFACE)
target_include_directories(sendpost_flags INTERFACE ${PROJECT_SOURCE_DIR}/agent)
target_compile_definitions(sendpost_flags INTERFACE _GNU_SOURCE)
target_link_libraries(sendpost_flags INTERFACE m)
target_compile_options(sendpost_flags INTERFACE
  -Wall -Wextra -Werror -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla
  -Wformat=2 -Wundef -Wpointer-arith -Wwrite-strings -fno-common)

if(SENDPOST_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(sendpost_flags INTERFACE ${sanitizers})
  target_link_options(sendpost_flags INTERFACE ${sanitizers})
endif()

if(SENDPOST_FUZZ)
  target_compile_options(sendpost_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(sendpost_flags INTERFACE -fsanitize=address,undefined)
endif()

if(SENDPOST_COVERAGE)
  target_compile_options(sendpost_flags INTERFACE --coverage -O0)
  target_link_options(sendpost_flags INTERFACE --coverage)
endif()

if(SENDPOST_HARDEN)
  target_compile_options(sendpost_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection)
  target_link_options(sendpost_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -pie)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()
