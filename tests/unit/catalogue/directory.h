/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of its own for each test, and a catalogue that is run until it has nothing to do. */
#ifndef SENDPOST_TESTS_CATALOGUE_DIRECTORY_H
#define SENDPOST_TESTS_CATALOGUE_DIRECTORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalogue/catalogue.h"
#include "time/clock.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGES         "stages:\n- {name: a, run: f/a}\n"
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static char directory[64];

static inline int set_up(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/sendpost-catalogue-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

/* Runs a command in the directory. */
static inline void shell(const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "cd '%s' && %s", directory, command);
    assert_int_equal(system(line), 0);
}

static inline int tear_down(void **state)
{
    (void)state;
    shell("chmod -R u+rwx . && rm -rf \"$PWD\" \"$PWD\"-*");
    return 0;
}

static inline void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A good definition. */
static inline void define(const char *file, const char *name)
{
    char text[256];
    snprintf(text, sizeof text, "name: %s\n" STAGES, name);
    write_file(file, text);
}

static inline void add_changes(Catalogue *catalogue, Buffer *out)
{
    static const char *const kinds[] = {"loaded", "broken", "gone"};
    for (CatalogueChange change; catalogue_take(catalogue, &change);) {
        buffer_format(out, "%s %s", kinds[change.kind], change.file);
        if (change.kind == CATALOGUE_LOADED) {
            buffer_format(out, " as %s", change.definition->name);
        }
        buffer_text(out, "; ");
    }
}

/* Runs until a scan is done, and lists its changes: "loaded a.yaml as a; broken b.yaml; ". */
static inline void expect_run(Catalogue *catalogue, const char *expected)
{
    auto_buffer found;
    buffer_init(&found, 4096);
    buffer_text(&found, "");
    CatalogueOutcome outcome;
    int64_t give_up = clock_now().boot_ms + 20000;
    do {
        catalogue_run(catalogue, clock_now());
        add_changes(catalogue, &found);
        assert_true(clock_now().boot_ms < give_up);
    } while (!catalogue_settle(catalogue, 1000, &outcome));
    assert_string_equal(found.bytes, expected);
}

static inline void expect_scan(Catalogue *catalogue, const char *expected)
{
    catalogue_request(catalogue);
    expect_run(catalogue, expected);
}

/* Its first scan. */
static inline Catalogue *catalogue_of(const char *path, const char *expected)
{
    Catalogue *catalogue = catalogue_new(path);
    catalogue_start(catalogue);
    expect_run(catalogue, expected);
    return catalogue;
}

#endif
