/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "catalogue/catalogue.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGES "stages:\n- {name: a, run: f/a}\n"

static char directory[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/sendpost-catalogue-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

/* Runs a command in the directory. */
static void shell(const char *command)
{
    char line[512];
    snprintf(line, sizeof line, "cd '%s' && %s", directory, command);
    assert_int_equal(system(line), 0);
}

static int tear_down(void **state)
{
    (void)state;
    shell("rm -rf \"$PWD\"");
    return 0;
}

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(unlink(path), 0);
}

/* Scans, and lists the changes: "loaded a.yaml; broken b.yaml; ". */
static char *scan(Catalogue *catalogue)
{
    static const char *const kinds[] = {"loaded", "broken", "gone"};
    Buffer out;
    buffer_init(&out, 4096);
    assert_true(catalogue_scan(catalogue, 1000, NULL));
    for (CatalogueChange change; catalogue_take(catalogue, &change);) {
        buffer_format(&out, "%s %s; ", kinds[change.kind], change.file);
    }
    return buffer_take(&out);
}

static void expect_scan(Catalogue *catalogue, const char *expected)
{
    char *found = scan(catalogue);
    assert_string_equal(found, expected);
    free(found);
}

static void changes_are_seen_once(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    write_file("a.yaml", "name: a\n" STAGES);
    write_file(".hidden.yaml", "nonsense");
    write_file("notes.txt", "nonsense");
    expect_scan(catalogue, "loaded a.yaml; ");
    expect_scan(catalogue, "");
    write_file("b.yml", "name: b\n" STAGES);
    write_file("a.yaml", "name: a\nowner: x\n" STAGES);
    expect_scan(catalogue, "loaded a.yaml; loaded b.yml; ");
    remove_file("a.yaml");
    expect_scan(catalogue, "gone a.yaml; ");
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 1);
    catalogue_free(catalogue);
}

static void broken_file_keeps_its_last_good_definition(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    write_file("a.yaml", "name: a\n" STAGES);
    expect_scan(catalogue, "loaded a.yaml; ");
    write_file("a.yaml", "name: a\nstagess: []\n");
    expect_scan(catalogue, "broken a.yaml; ");
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 1);
    assert_int_equal(catalogue_statistics(catalogue)->broken, 1);
    assert_false(catalogue_statistics(catalogue)->last_reload_successful);
    catalogue_replay(catalogue);
    CatalogueChange change;
    assert_true(catalogue_take(catalogue, &change));
    assert_int_equal(change.kind, CATALOGUE_LOADED);
    assert_true(catalogue_take(catalogue, &change));
    assert_int_equal(change.kind, CATALOGUE_BROKEN);
    assert_int_equal(change.line, 1);
    catalogue_free(catalogue);
}

static void what_was_good_is_remembered(void **state)
{
    (void)state;
    static const char good[] = "name: a\n" STAGES;
    Catalogue *catalogue = catalogue_new(directory);
    catalogue_remember(catalogue, "a.yaml", good, strlen(good));
    catalogue_remember(catalogue, "b.yaml", "name: b\n" STAGES, strlen("name: b\n" STAGES));
    write_file("a.yaml", "[");
    expect_scan(catalogue, "gone b.yaml; loaded a.yaml; broken a.yaml; ");
    catalogue_free(catalogue);
}

static void names_are_unique(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    write_file("a.yaml", "name: same\n" STAGES);
    expect_scan(catalogue, "loaded a.yaml; ");
    write_file("b.yaml", "name: same\n" STAGES);
    expect_scan(catalogue, "broken b.yaml; ");
    remove_file("a.yaml");
    expect_scan(catalogue, "gone a.yaml; loaded b.yaml; ");
    catalogue_free(catalogue);
    catalogue = catalogue_new(directory);
    write_file("c.yaml", "name: same\n" STAGES);
    expect_scan(catalogue, "broken b.yaml; broken c.yaml; ");
    catalogue_free(catalogue);
}

static void a_name_may_change(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    write_file("a.yaml", "name: old\n" STAGES);
    expect_scan(catalogue, "loaded a.yaml; ");
    write_file("a.yaml", "name: new\n" STAGES);
    expect_scan(catalogue, "gone a.yaml; loaded a.yaml; ");
    catalogue_free(catalogue);
}

static void directory_that_vanishes_keeps_everything(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    write_file("a.yaml", "name: a\n" STAGES);
    expect_scan(catalogue, "loaded a.yaml; ");
    char away[80];
    snprintf(away, sizeof away, "%s-away", directory);
    assert_int_equal(rename(directory, away), 0);
    Error error = {0};
    assert_false(catalogue_scan(catalogue, 2000, &error));
    assert_non_null(catalogue_statistics(catalogue)->error);
    assert_int_equal(rename(away, directory), 0);
    expect_scan(catalogue, "");
    assert_null(catalogue_statistics(catalogue)->error);
    catalogue_free(catalogue);
}

static void links_are_followed(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    shell("mkdir ..1");
    write_file("..1/a.yaml", "name: a\n" STAGES);
    shell("ln -s ..1 ..data");
    shell("ln -s ..data/a.yaml a.yaml");
    expect_scan(catalogue, "loaded a.yaml; ");
    shell("mkdir ..2");
    write_file("..2/a.yaml", "name: a\nowner: x\n" STAGES);
    shell("ln -s ..2 ..new && mv -T ..new ..data");
    expect_scan(catalogue, "loaded a.yaml; ");
    shell("ln -s . loop");
    Error error = {0};
    catalogue_scan(catalogue, 1, &error); /* bounded, whatever it says */
    catalogue_free(catalogue);
}

static void revision_is_the_commit(void **state)
{
    (void)state;
    write_file("a.yaml", "name: a\n" STAGES);
    Catalogue *catalogue = catalogue_new(directory);
    expect_scan(catalogue, "loaded a.yaml; ");
    assert_int_equal(strlen(catalogue_statistics(catalogue)->applied), 64);
    catalogue_free(catalogue);
    shell("git init -q . && git add . && git -c user.name=x -c user.email=x@example.org commit -qm x");
    char *loose = catalogue_git_commit(directory);
    assert_int_equal(strlen(loose), 40);
    shell("git pack-refs --all");
    char *packed = catalogue_git_commit(directory);
    assert_string_equal(packed, loose);
    shell("git worktree add -q --detach linked");
    char linked[80];
    snprintf(linked, sizeof linked, "%s/linked", directory);
    char *detached = catalogue_git_commit(linked);
    assert_string_equal(detached, loose);
    free(loose);
    free(packed);
    free(detached);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_are_seen_once),       TEST(broken_file_keeps_its_last_good_definition),
        TEST(what_was_good_is_remembered), TEST(names_are_unique),
        TEST(a_name_may_change),           TEST(directory_that_vanishes_keeps_everything),
        TEST(links_are_followed),          TEST(revision_is_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
