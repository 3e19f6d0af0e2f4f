/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/status names each thing that is wrong, and what mends it. */
#include "fixture.h"

#include <sys/statvfs.h>

#define FILE_TEXT "name: daily\nstages:\n- {name: a, run: f/a}\n"

static unsigned long blocks_left = 1UL << 20; /* of a kilobyte each */

int statvfs(const char *path, struct statvfs *space)
{
    assert_non_null(path);
    *space = (struct statvfs){.f_bavail = blocks_left, .f_frsize = 1024};
    return 0;
}

static int start(void **state)
{
    World *world = world_new();
    world->journal.statistics.backed_up_at = world->now.wall_ms - 1000;
    blocks_left = 1UL << 20;
    *state = world;
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    return 0;
}

/* That the only problem is this one. */
static void assert_problem(World *world, const char *code, const char *severity, const char *subject,
                           const char *message)
{
    auto_free char *answer = ask(world, "GET /v1/status", NULL);
    auto_json *status = json_of(answer, 200);
    const Json *problems = json_member(status, "problems"), *problem = json_first(problems);
    assert_int_equal(json_count(problems), 1);
    assert_int_equal(json_count(problem), 5);
    assert_string_equal(json_member_text(problem, "code"), code);
    assert_string_equal(json_member_text(problem, "severity"), severity);
    assert_string_equal(json_member_text(problem, "subject"), subject);
    assert_string_equal(json_member_text(problem, "message"), message);
    assert_true(strlen(json_member_text(problem, "remedy")) > 10);
}

static void nothing_is_wrong(void **state)
{
    World *world = *state;
    auto_free char *answer = ask(world, "GET /v1/status", NULL);
    auto_json *status = json_of(answer, 200);
    assert_int_equal(json_count(json_member(status, "problems")), 0);
}

static void prefect_is_away_for_some_reason(void **state)
{
    World *world = *state;
    static const struct {
        FailureCause cause;
        const char *code;
    } cases[CAUSES - 1] = {
        {CAUSE_CONNECT, "prefect_unreachable"},    {CAUSE_TIMEOUT, "prefect_unreachable"},
        {CAUSE_TLS, "prefect_certificate"},        {CAUSE_REDIRECT, "prefect_wrong_url"},
        {CAUSE_AUTH, "prefect_unauthorised"},      {CAUSE_STATUS_4XX, "prefect_wrong_url"},
        {CAUSE_STATUS_5XX, "prefect_unreachable"}, {CAUSE_BODY, "prefect_wrong_url"},
    };
    world->prefect.up = false;
    world->prefect.last_error = "so it is";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world->prefect.last_cause = cases[i].cause;
        assert_problem(world, cases[i].code, "error", "http://prefect.example/api", "so it is");
    }
}

static void prefect_is_not_as_it_should_be(void **state)
{
    World *world = *state;
    static const char *const versions[] = {"2.19.8", "4.0.0", "1.4", "nonsense"}, *const good[] = {"2.20.25",
                                                                                                   "3.0.0rc1", "3.8.8"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        auto_free char *message = text_format("Prefect %s is not supported", versions[i]);
        world->prefect.version = versions[i];
        assert_problem(world, "prefect_version", "warning", "http://prefect.example/api", message);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        world->prefect.version = good[i];
        nothing_is_wrong(state);
    }
    world->prefect.version = NULL;
    nothing_is_wrong(state);
    world->prefect.circuit = CIRCUIT_OPEN;
    world->prefect.queued = 3;
    assert_problem(world, "prefect_circuit_open", "warning", "http://prefect.example/api",
                   "the circuit is open after several failures in a row: 3 requests are held back");
    world->prefect.queued = 1;
    assert_problem(world, "prefect_circuit_open", "warning", "http://prefect.example/api",
                   "the circuit is open after several failures in a row: 1 request is held back");
}

static void clocks_differ(void **state)
{
    World *world = *state;
    world->prefect.clock_skew_ms = 90500;
    assert_problem(world, "clock_skew", "warning", "http://prefect.example/api",
                   "Prefect's clock is 1m30s ahead of this machine's");
    world->prefect.clock_skew_ms = -6000;
    assert_problem(world, "clock_skew", "warning", "http://prefect.example/api",
                   "Prefect's clock is 6s behind this machine's");
    world->prefect.clock_skew_ms = 5000;
    nothing_is_wrong(state);
}

static void definitions_are_not_in_order(void **state)
{
    World *world = *state;
    CatalogueStatistics *catalogue = &world->catalogue.statistics;
    catalogue->error = "no such directory";
    assert_problem(world, "definitions_unreadable", "error", "/etc/sendposts", "no such directory");
    catalogue->error = NULL;
    catalogue->attempted = "r2";
    assert_problem(world, "revision_stale", "warning", "r2", "not all of it is in force, which is still r1");
    catalogue->attempted = "r1";
    catalogue->notices[NOTICE_WATCHING] = "too many directories";
    assert_problem(world, "definitions_notice", "info", "/etc/sendposts", "too many directories");
    catalogue->notices[NOTICE_WATCHING] = NULL;
    world_load(world, "daily.yaml", FILE_TEXT);
    world_step(world,
               &(Happening){
                   .kind = HAPPENED_BROKEN,
                   .file = {.file = "daily.yaml", .revision = "r2", .message = "unknown key", .line = 3, .column = 1}});
    assert_problem(world, "definition_broken", "error", "daily.yaml:3:1", "unknown key");
}

static void deployments_are_not_in_order(void **state)
{
    World *world = *state;
    static const struct {
        ReferenceProblem problem;
        const char *code, *severity, *message;
    } cases[] = {
        {REFERENCE_MISSING, "reference_broken", "error", "Prefect has no deployment f/a"},
        {REFERENCE_PARAMETERS, "reference_broken", "error", "its parameters do not fit the schema of f/a"},
        {REFERENCE_PAUSED, "reference_idle", "warning", "paused in Prefect is f/a"},
        {REFERENCE_NO_WORKER, "reference_idle", "warning", "no worker is online for f/a"},
    };
    world_load(world, "daily.yaml", FILE_TEXT);
    Definition *definition = engine_sendpost_find(world->engine, "daily")->definition;
    standing_load(world->references, definition);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        standing_set(world->references, definition, 0, cases[i].problem);
        assert_problem(world, cases[i].code, cases[i].severity, "daily: stage a", cases[i].message);
    }
}

/* One of many that are the same: the first hundred, and how many more there are. */
static void many_are_counted(void **state)
{
    World *world = *state;
    enum { BROKEN = 103, SHOWN = 100 };
    for (int i = 0; i < BROKEN; i++) {
        auto_free char *name = text_format("file-%03d.yaml", i);
        world_step(world, &(Happening){
                              .kind = HAPPENED_BROKEN,
                              .file = {.file = name, .revision = "r1", .message = "so it is", .line = 1, .column = 1}});
    }
    auto_free char *answer = ask(world, "GET /v1/status", NULL);
    auto_json *status = json_of(answer, 200);
    const Json *problems = json_member(status, "problems"), *last = NULL;
    assert_int_equal(json_count(problems), SHOWN + 1);
    for (const Json *item = json_first(problems); item; item = json_next(item)) {
        assert_string_equal(json_member_text(item, "code"), "definition_broken");
        last = item;
    }
    assert_string_equal(json_member_text(last, "subject"), "and 3 more");
}

static void a_stage_waits_for_somebody(void **state)
{
    World *world = *state;
    world_load(world, "daily.yaml", "name: daily\nstages:\n- {name: a, run: f/a, blocked: true}\n");
    auto_free char *answer = ask(world, "POST /v1/sendposts/daily/run", "{}");
    auto_json *run = json_of(answer, 202);
    auto_free char *message = text_format("waits for somebody, in run %s", json_member_text(run, "id"));
    assert_problem(world, "stage_waits", "info", "daily: stage a", message);
}

static void the_journal_is_in_danger(void **state)
{
    World *world = *state;
    JournalStatistics *journal = &world->journal.statistics;
    journal->writable = false;
    assert_problem(world, "journal_not_writable", "error", "/var/journal.db",
                   "cannot be written: nothing is started or decided until it can");
    journal->writable = true;
    journal->runs_held = 2;
    memcpy(journal->run_held, "01920000-0000-7000-8000-00000000000a", UUID_SIZE);
    assert_problem(world, "run_held", "error", "01920000-0000-7000-8000-00000000000a",
                   "it is held, as the definition that it started with can no longer be read: such runs there are 2");
    journal->runs_held = 0;
    journal->quarantined_at = 1000;
    assert_problem(world, "journal_quarantined", "warning", "/var/journal.db",
                   "it was damaged and moved aside at 1970-01-01T00:00:01.000Z as /var/journal.db.damaged-1000");
    journal->quarantined_at = 0;
    blocks_left = 200 * 1024;
    assert_problem(world, "disk_nearly_full", "warning", "/var/journal.db", "only 209 MB are left on its disk");
    blocks_left = 1UL << 20;
    journal->backed_up_at = world->now.wall_ms - 8LL * 86400000;
    assert_problem(world, "backup_old", "warning", "/var/journal.db", "its last backup is 8 days old");
    journal->backed_up_at = 0;
    assert_problem(world, "backup_none", "info", "/var/journal.db", "there is no backup of it");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_wrong), TEST(prefect_is_away_for_some_reason), TEST(prefect_is_not_as_it_should_be),
        TEST(clocks_differ),    TEST(definitions_are_not_in_order),    TEST(deployments_are_not_in_order),
        TEST(many_are_counted), TEST(a_stage_waits_for_somebody),      TEST(the_journal_is_in_danger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
