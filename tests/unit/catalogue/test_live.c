/* SPDX-License-Identifier: Apache-2.0 */
/* When changes are noticed and taken. The clock is simulated, the file system is real. */
#include "base/limits.h"
#include "directory.h"

/* Runs at this boot time until nothing is left to do at it; whether a scan was done, and what it found. */
static bool run_at(Catalogue *catalogue, int64_t boot_ms, Buffer *found)
{
    CatalogueOutcome outcome;
    bool settled = false;
    Now now = {.wall_ms = 1, .boot_ms = boot_ms};
    for (int i = 0; i < 10000; i++) {
        catalogue_run(catalogue, now);
        add_changes(catalogue, found);
        settled = catalogue_settle(catalogue, 1, &outcome) || settled;
        if (catalogue_deadline(catalogue, now) > boot_ms) {
            return settled;
        }
    }
    fail_msg("it never rests");
    return false;
}

static void expect_at(Catalogue *catalogue, int64_t boot_ms, bool scans, const char *expected)
{
    auto_buffer found;
    buffer_init(&found, 4096);
    buffer_text(&found, "");
    assert_int_equal(run_at(catalogue, boot_ms, &found), scans);
    assert_string_equal(found.bytes, expected);
}

/* A catalogue whose first scan was at boot time 1000. */
static Catalogue *live(const char *path, const char *expected)
{
    Catalogue *catalogue = catalogue_new(path);
    expect_at(catalogue, 1000, true, expected);
    return catalogue;
}

static void changes_are_taken_when_quiet(void **state)
{
    (void)state;
    define("a.yaml", "a");
    Catalogue *catalogue = live(directory, "loaded a.yaml as a; ");
    define("b.yaml", "b");
    expect_at(catalogue, 2000, false, "");
    define("c.yaml", "c");
    expect_at(catalogue, 2150, false, "");
    expect_at(catalogue, 2300, false, "");
    assert_int_equal(catalogue_deadline(catalogue, (Now){.boot_ms = 2300}), 2350);
    expect_at(catalogue, 2350, true, "loaded b.yaml as b; loaded c.yaml as c; ");
    assert_int_equal(catalogue_deadline(catalogue, (Now){.boot_ms = 2350}), 11000);
    catalogue_free(catalogue);
}

static void a_directory_that_is_never_quiet_is_taken(void **state)
{
    (void)state;
    Catalogue *catalogue = live(directory, "");
    define("a.yaml", "a");
    for (int64_t at = 2000; at < 4000; at += 100) {
        write_file("b.yaml", at % 200 ? "[" : "]");
        expect_at(catalogue, at, false, "");
    }
    write_file("b.yaml", "[");
    expect_at(catalogue, 4000, true, "loaded a.yaml as a; broken b.yaml; ");
    catalogue_free(catalogue);
}

/* Scans, and takes all changes after each slice: how many there were, of that kind alone. */
static size_t scan_in_slices(Catalogue *catalogue, int64_t boot_ms, CatalogueChangeKind kind)
{
    enum { SLICE_MAX = 500 };
    size_t all = 0, slice;
    CatalogueOutcome outcome;
    catalogue_request(catalogue);
    do {
        slice = 0;
        catalogue_run(catalogue, (Now){.wall_ms = 1, .boot_ms = boot_ms});
        for (CatalogueChange change; catalogue_take(catalogue, &change); slice++) {
            assert_int_equal(change.kind, kind);
        }
        assert_true(slice <= SLICE_MAX);
        all += slice;
    } while (!catalogue_settle(catalogue, 1, &outcome));
    assert_int_equal(outcome.changes, all);
    return all;
}

static void many_files_are_told_in_slices(void **state)
{
    enum { MANY = 1200 };
    (void)state;
    Catalogue *catalogue = live(directory, "");
    for (int i = 0; i < MANY; i++) {
        char file[32], name[32];
        snprintf(file, sizeof file, "f%d.yaml", i);
        snprintf(name, sizeof name, "s%d", i);
        define(file, name);
    }
    assert_int_equal(scan_in_slices(catalogue, 2000, CATALOGUE_LOADED), MANY);
    assert_int_equal(scan_in_slices(catalogue, 3000, CATALOGUE_LOADED), 0);
    shell("rm f*.yaml");
    assert_int_equal(scan_in_slices(catalogue, 4000, CATALOGUE_GONE), MANY);
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 0);
    catalogue_free(catalogue);
}

static void comparing_needs_no_notice(void **state)
{
    (void)state;
    Catalogue *catalogue = live(directory, "");
    expect_at(catalogue, 10999, false, "");
    expect_at(catalogue, 11000, true, "");
    assert_int_equal(catalogue_deadline(catalogue, (Now){.boot_ms = 11000}), 21000);
    catalogue_free(catalogue);
}

static void a_request_does_not_wait(void **state)
{
    (void)state;
    Catalogue *catalogue = live(directory, "");
    define("a.yaml", "a");
    expect_at(catalogue, 2000, false, "");
    uint64_t number = catalogue_request(catalogue);
    assert_int_equal(number, catalogue_request(catalogue));
    expect_at(catalogue, 2001, true, "loaded a.yaml as a; ");
    catalogue_free(catalogue);
}

/* Every file that a request came before is read by the scan that answers it. */
static void a_request_during_a_scan_is_for_the_next(void **state)
{
    (void)state;
    Catalogue *catalogue = live(directory, "");
    uint64_t first = catalogue_request(catalogue);
    catalogue_run(catalogue, (Now){.boot_ms = 2000});
    uint64_t second = catalogue_request(catalogue);
    assert_int_equal(second, first + 1);
    CatalogueOutcome outcome;
    for (uint64_t number = first; number <= second; number++) {
        while (!catalogue_settle(catalogue, 1, &outcome)) {
            catalogue_run(catalogue, (Now){.boot_ms = 2001});
        }
        assert_int_equal(outcome.number, number);
    }
    catalogue_free(catalogue);
}

static void a_change_during_a_scan_is_not_taken_by_halves(void **state)
{
    (void)state;
    define("a.yaml", "a");
    define("b.yaml", "b");
    Catalogue *catalogue = live(directory, "loaded a.yaml as a; loaded b.yaml as b; ");
    catalogue_request(catalogue);
    catalogue_run(catalogue, (Now){.boot_ms = 2000});
    catalogue_run(catalogue, (Now){.boot_ms = 2000}); /* on its way */
    define("a.yaml", "new-a");
    define("b.yaml", "new-b");
    expect_at(catalogue, 2001, true, "gone a.yaml; loaded a.yaml as new-a; gone b.yaml; loaded b.yaml as new-b; ");
    catalogue_free(catalogue);
}

static void git_is_waited_for(void **state)
{
    (void)state;
    shell("git init -q .");
    define("a.yaml", "a");
    Catalogue *catalogue = live(directory, "loaded a.yaml as a; ");
    shell("touch .git/index.lock");
    define("b.yaml", "b");
    expect_at(catalogue, 2000, false, "");
    expect_at(catalogue, 2200, false, "");
    catalogue_request(catalogue); /* not even then */
    expect_at(catalogue, 3000, false, "");
    shell("rm .git/index.lock");
    expect_at(catalogue, 3100, true, "loaded b.yaml as b; ");
    catalogue_free(catalogue);
}

static void a_lock_that_stays_is_not_waited_for(void **state)
{
    (void)state;
    shell("git init -q . && touch .git/index.lock");
    define("a.yaml", "a");
    Catalogue *catalogue = catalogue_new(directory);
    expect_at(catalogue, 1000, false, "");
    for (int64_t at = 2000; at < 11000; at += 1000) {
        expect_at(catalogue, at, false, "");
    }
    expect_at(catalogue, 11000, true, "loaded a.yaml as a; ");
    assert_non_null(catalogue_statistics(catalogue)->notices[NOTICE_LOCK]);
    shell("rm .git/index.lock");
    catalogue_request(catalogue);
    expect_at(catalogue, 12000, true, "");
    assert_null(catalogue_statistics(catalogue)->notices[NOTICE_LOCK]);
    catalogue_free(catalogue);
}

static void start_does_not_wait_for_git(void **state)
{
    (void)state;
    shell("git init -q . && touch .git/index.lock");
    define("a.yaml", "half-of-a-change");
    Catalogue *catalogue = catalogue_new(directory);
    catalogue_remember(catalogue, "a.yaml", "r1", "name: a\n" STAGES, strlen("name: a\n" STAGES));
    catalogue_start(catalogue);
    auto_buffer found;
    buffer_init(&found, 4096);
    add_changes(catalogue, &found);
    assert_string_equal(found.bytes, "loaded a.yaml as a; ");
    shell("rm .git/index.lock");
    expect_run(catalogue, "gone a.yaml; loaded a.yaml as half-of-a-change; ");
    catalogue_free(catalogue);
}

/* Noticed by inotify, wherever the link stands: at 2000 something has happened, so it is taken at 2200. */
static void expect_noticed(Catalogue *catalogue, int64_t at, const char *expected)
{
    expect_at(catalogue, at, false, "");
    expect_at(catalogue, at + 200, true, expected);
}

static void exchanged_links_are_noticed(void **state)
{
    (void)state;
    shell("mkdir -p git/.worktrees/1/sendposts git/.worktrees/2/sendposts git/root maps/..1 maps/..2 shared && "
          "ln -s ../.worktrees/1 git/root/current && ln -s ..1 maps/..data && ln -s ..data/m.yaml maps/m.yaml && "
          "ln -s ../../../../shared/s.yaml git/.worktrees/1/sendposts/s.yaml && "
          "ln -s ../../../../maps git/.worktrees/1/sendposts/maps");
    define("git/.worktrees/1/sendposts/a.yaml", "a");
    define("git/.worktrees/2/sendposts/b.yaml", "b");
    define("maps/..1/m.yaml", "m-one");
    define("maps/..2/m.yaml", "m-two");
    define("shared/s.yaml", "s");
    char root[128];
    snprintf(root, sizeof root, "%s/git/root/current/sendposts", directory);
    Catalogue *catalogue = live(root, "loaded a.yaml as a; loaded maps/m.yaml as m-one; loaded s.yaml as s; ");
    shell("ln -s ..2 maps/..new && mv -T maps/..new maps/..data");
    expect_noticed(catalogue, 2000, "gone maps/m.yaml; loaded maps/m.yaml as m-two; ");
    define("shared/s.yaml", "s-two");
    expect_noticed(catalogue, 3000, "gone s.yaml; loaded s.yaml as s-two; ");
    shell("ln -s ../.worktrees/2 git/root/new && mv -T git/root/new git/root/current");
    expect_noticed(catalogue, 4000, "loaded b.yaml as b; gone a.yaml; gone maps/m.yaml; gone s.yaml; ");
    catalogue_free(catalogue);
}

/* inotify says nothing about what is written under another name, or on another machine. */
static void comparing_finds_what_nobody_told(void **state)
{
    (void)state;
    shell("mkdir d");
    define("d/a.yaml", "a");
    define("d/b.yaml", "b");
    shell("ln d/a.yaml elsewhere");
    char root[128];
    snprintf(root, sizeof root, "%s/d", directory);
    Catalogue *catalogue = live(root, "loaded a.yaml as a; loaded b.yaml as b; ");
    define("elsewhere", "x");
    define("d/b.yaml", "other");
    expect_noticed(catalogue, 2000, "gone b.yaml; loaded b.yaml as other; ");
    expect_at(catalogue, 11000, true, "gone a.yaml; loaded a.yaml as x; ");
    catalogue_free(catalogue);
}

static void an_exchanged_link_to_a_directory_is_noticed(void **state)
{
    (void)state;
    shell("mkdir .one .two && ln -s .one d");
    define(".one/a.yaml", "one");
    define(".two/a.yaml", "two");
    Catalogue *catalogue = live(directory, "loaded d/a.yaml as one; ");
    shell("ln -s .two .new && mv -T .new d");
    expect_noticed(catalogue, 2000, "gone d/a.yaml; loaded d/a.yaml as two; ");
    catalogue_free(catalogue);
}

static void a_directory_that_returns_is_noticed(void **state)
{
    (void)state;
    shell("mkdir -p d/sub");
    define("d/sub/a.yaml", "a");
    char root[128];
    snprintf(root, sizeof root, "%s/d", directory);
    Catalogue *catalogue = live(root, "loaded sub/a.yaml as a; ");
    shell("mv d away");
    expect_noticed(catalogue, 2000, "");
    assert_non_null(catalogue_statistics(catalogue)->error);
    shell("mkdir d && cp -r away/sub d");
    expect_noticed(catalogue, 3000, "");
    assert_null(catalogue_statistics(catalogue)->error);
    define("d/sub/b.yaml", "b");
    expect_noticed(catalogue, 4000, "loaded sub/b.yaml as b; ");
    catalogue_free(catalogue);
}

/* What others do beside the directory wakes nobody. */
static void neighbours_are_not_noticed(void **state)
{
    (void)state;
    shell("mkdir d");
    char root[128];
    snprintf(root, sizeof root, "%s/d", directory);
    Catalogue *catalogue = live(root, "");
    shell("touch journal && echo x >>journal && mkdir e && touch e/a.yaml");
    expect_at(catalogue, 2000, false, "");
    assert_int_equal(catalogue_deadline(catalogue, (Now){.boot_ms = 2000}), 11000);
    catalogue_free(catalogue);
}

static void too_many_directories_are_compared(void **state)
{
    (void)state;
    char many[80];
    snprintf(many, sizeof many, "mkdir $(seq 1 %d)", WATCHES_MAX);
    shell(many);
    Catalogue *catalogue = live(directory, "");
    assert_non_null(catalogue_statistics(catalogue)->notices[NOTICE_WATCHING]);
    snprintf(many, sizeof many, "rmdir $(seq 1 100)");
    shell(many);
    catalogue_request(catalogue);
    expect_at(catalogue, 2000, true, "");
    assert_null(catalogue_statistics(catalogue)->notices[NOTICE_WATCHING]);
    catalogue_free(catalogue);
}

static void overflow_is_a_notice(void **state)
{
    (void)state;
    Catalogue *catalogue = live(directory, "");
    shell("for i in $(seq 1 9000); do :>x$i; done; rm x*");
    define("a.yaml", "a");
    for (int64_t at = 2000; at < 2020; at++) { /* the queue is read in parts */
        expect_at(catalogue, at, false, "");
    }
    expect_at(catalogue, 2300, true, "loaded a.yaml as a; ");
    catalogue_free(catalogue);
}

static void zones_get_new_data(void **state)
{
    (void)state;
    shell("mkdir zones sendposts && cp /usr/share/zoneinfo/Europe/Berlin zones/Here");
    write_file("sendposts/a.yaml", "name: a\ntimezone: Here\nschedule: {cron: '0 7 * * *'}\n" STAGES);
    char zones[128], root[128];
    snprintf(zones, sizeof zones, "%s/zones", directory);
    snprintf(root, sizeof root, "%s/sendposts", directory);
    setenv("TZDIR", zones, 1);
    Catalogue *catalogue = catalogue_new(root);
    catalogue_start(catalogue);
    CatalogueChange change;
    assert_true(catalogue_take(catalogue, &change));
    const Zone *zone = change.definition->schedules[0].zone;
    assert_int_equal(zone_offset(zone, 1800000000), 3600);
    expect_run(catalogue, "");
    shell("cp /usr/share/zoneinfo/Asia/Tokyo zones/.new && mv zones/.new zones/Here");
    expect_scan(catalogue, "");
    assert_int_equal(zone_offset(zone, 1800000000), 9 * 3600);
    assert_int_equal(catalogue_statistics(catalogue)->zones_renewed, 1);
    shell("echo nonsense >zones/Here");
    expect_scan(catalogue, "");
    assert_int_equal(zone_offset(zone, 1800000000), 9 * 3600);
    catalogue_free(catalogue);
    unsetenv("TZDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_are_taken_when_quiet),
        TEST(a_directory_that_is_never_quiet_is_taken),
        TEST(many_files_are_told_in_slices),
        TEST(comparing_needs_no_notice),
        TEST(a_request_does_not_wait),
        TEST(a_request_during_a_scan_is_for_the_next),
        TEST(a_change_during_a_scan_is_not_taken_by_halves),
        TEST(git_is_waited_for),
        TEST(a_lock_that_stays_is_not_waited_for),
        TEST(start_does_not_wait_for_git),
        TEST(exchanged_links_are_noticed),
        TEST(comparing_finds_what_nobody_told),
        TEST(an_exchanged_link_to_a_directory_is_noticed),
        TEST(a_directory_that_returns_is_noticed),
        TEST(neighbours_are_not_noticed),
        TEST(too_many_directories_are_compared),
        TEST(overflow_is_a_notice),
        TEST(zones_get_new_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
