# SPDX-License-Identifier: Apache-2.0
find_package(PkgConfig REQUIRED)

# sendpost_module(NAME USES other... PACKAGES pkg... LIBRARIES name...): the static library of agent/NAME. LIBRARIES are those that
# pkg-config does not know.
function(sendpost_module name)
  cmake_parse_arguments(ARG "" "" "USES;PACKAGES;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/agent/${name}/*.c)
  if(NOT sources)
    add_library(sendpost_${name} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(sendpost_${name} STATIC ${sources})
    set(scope PUBLIC)
  endif()
  target_link_libraries(sendpost_${name} ${scope} sendpost_flags)
  foreach(used ${ARG_USES})
    target_link_libraries(sendpost_${name} ${scope} sendpost_${used})
  endforeach()
  foreach(package ${ARG_PACKAGES})
    string(MAKE_C_IDENTIFIER ${package} variable)
    if(NOT TARGET PkgConfig::${variable})
      pkg_check_modules(${variable} REQUIRED IMPORTED_TARGET GLOBAL ${package})
    endif()
    target_link_libraries(sendpost_${name} ${scope} PkgConfig::${variable})
  endforeach()
  foreach(library ${ARG_LIBRARIES})
    find_library(${library}_LIBRARY ${library} REQUIRED)
    target_link_libraries(sendpost_${name} ${scope} ${${library}_LIBRARY})
  endforeach()
endfunction()

# sendpost_assets(NAME DIRECTORY...): the files DIRECTORY/*/* become part of the module NAME, compressed, as the table that
# agent/api/assets.h declares; but not the checksums of those that are not ours.
function(sendpost_assets name)
  set(files)
  foreach(directory ${ARGN})
    file(GLOB found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${directory}/*/*)
    list(APPEND files ${found})
  endforeach()
  list(FILTER files EXCLUDE REGEX "/SHA256SUMS$")
  set(table ${PROJECT_BINARY_DIR}/assets.c)
  add_executable(embed ${PROJECT_SOURCE_DIR}/cmake/embed.c)
  target_link_libraries(embed PRIVATE sendpost_base PkgConfig::zlib)
  add_custom_command(OUTPUT ${table} COMMAND embed ${table} ${files} DEPENDS embed ${files} VERBATIM)
  target_sources(sendpost_${name} PRIVATE ${table})
endfunction()

# Version and commit are compiled into one file, so that a commit rebuilds only that.
function(sendpost_version_definitions)
  execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/agent/base/version.c PROPERTIES
    COMPILE_DEFINITIONS "SENDPOST_VERSION=\"${PROJECT_VERSION}\";SENDPOST_COMMIT=\"${commit}\"")
endfunction()

# The binary: main.c, the loop, and one file per command. The commands are a library, so that tests can link what they are
# made of; the table of them stands in main.c.
function(sendpost_program)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/agent/*.c)
  file(GLOB commands CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/agent/commands/*.c)
  add_library(sendpost_commands STATIC ${commands})
  target_link_libraries(sendpost_commands PUBLIC sendpost_references sendpost_catalogue sendpost_configuration sendpost_prefect sendpost_journal sendpost_api)
  add_executable(sendpost ${sources})
  target_link_libraries(sendpost PRIVATE sendpost_commands)
endfunction()
