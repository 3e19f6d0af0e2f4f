/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of the running agent, in virtual time, against a Prefect of a few lines. */
#include "fixture.h"

#include "references/watch.h"
#include <stdio.h>

#define DEPLOYMENT "[{\"id\":\"d\",\"name\":\"main\",\"flow_id\":\"f\",\"paused\":%s,\"work_pool_name\":\"p\"}]"
#define FLOWS      "[{\"id\":\"f\",\"name\":\"mailing\"}]"

enum { MINUTE = 60000 };

typedef struct World {
    ReferenceWatch *watch;
    Now now;
    const char *paused, *pool; /* what Prefect says of mailing/main */
    int status;                /* of all answers */
    int requests;
} World;

static void world_init(World *world)
{
    *world = (World){.now = {1700000000000, 1000}, .paused = "false", .pool = "READY", .status = 200};
    world->watch = reference_watch_new(world->now);
}

static void world_release(World *world)
{
    reference_watch_free(world->watch);
}

static void load(World *world, const char *text)
{
    Definition *definition = fixture_read(text);
    reference_watch_loaded(world->watch, definition);
    definition_release(definition);
}

static bool answer(World *world, const char *path)
{
    char *text = text_equal(path, "/flows/filter")         ? text_copy(FLOWS)
                 : text_equal(path, "/deployments/filter") ? text_format(DEPLOYMENT, world->paused)
                                                           : text_format("[{\"id\":\"p\",\"name\":\"p\",\"status\":"
                                                                         "\"%s\"}]",
                                                                         world->pool);
    Error error = {0};
    Json *reply = world->status == 200 ? fixture_json(text) : NULL;
    free(text);
    return reference_watch_answer(world->watch, world->status, false, reply, world->now, &error);
}

/* Asks and answers until nothing more is due now. */
static void turn(World *world)
{
    const char *path, *body;
    while (reference_watch_deadline(world->watch) <= world->now.boot_ms) {
        if (reference_watch_ask(world->watch, world->now, &path, &body)) {
            world->requests++;
            assert_true(reference_watch_deadline(world->watch) == TIME_NEVER);
            assert_false(reference_watch_ask(world->watch, world->now, &path, &body));
            answer(world, path);
        }
    }
}

static void until(World *world, int64_t boot_ms)
{
    for (turn(world); reference_watch_deadline(world->watch) <= boot_ms; turn(world)) {
        world->now.boot_ms = reference_watch_deadline(world->watch);
    }
    world->now.boot_ms = boot_ms;
}

static ReferenceProblem problem_of(const World *world, const char *sendpost, int node)
{
    const SendpostStanding *standing = standing_find(reference_watch_standing(world->watch), sendpost);
    return standing ? standing->problems[node] : REFERENCE_FINE;
}

/* The next change, as "sendpost/stage problem". */
static void changed(World *world, const char *expected)
{
    ReferenceChange change;
    char text[256] = "";
    if (reference_watch_take_change(world->watch, &change)) {
        const char *problem = reference_problem_names[change.problem];
        snprintf(text, sizeof text, "%s/%s %s", change.sendpost, change.stage, problem ? problem : "fine");
        assert_int_equal(change.message != NULL, change.problem != REFERENCE_FINE);
    }
    assert_string_equal(text, expected);
}

static const char daily[] = "name: daily\nstages:\n- {name: a, run: mailing/main}\n- {name: b, run: mailing/other}\n";

static void looks_when_loaded_and_every_five_minutes(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    turn(&world);
    assert_int_equal(world.requests, 0);
    load(&world, daily);
    turn(&world);
    assert_int_equal(world.requests, 3);
    assert_int_equal(problem_of(&world, "daily", 0), REFERENCE_FINE);
    assert_int_equal(problem_of(&world, "daily", 1), REFERENCE_MISSING);
    changed(&world, "daily/b missing");
    changed(&world, "");
    world.paused = "true";
    until(&world, 1000 + MINUTE - 1);
    assert_int_equal(world.requests, 3);
    until(&world, 1000 + MINUTE); /* something was not fine */
    assert_int_equal(world.requests, 6);
    changed(&world, "daily/a paused");
    world.paused = "false";
    world.pool = "NOT_READY";
    until(&world, 1000 + 6 * MINUTE - 1);
    assert_int_equal(world.requests, 6);
    until(&world, 1000 + 6 * MINUTE);
    assert_int_equal(world.requests, 9);
    changed(&world, "daily/a no_worker");
    world.pool = "READY";
    until(&world, 1000 + 11 * MINUTE);
    changed(&world, "daily/a fine");
    changed(&world, "");
    assert_int_equal(problem_of(&world, "daily", 1), REFERENCE_MISSING);
    world_release(&world);
}

static void nothing_changes_while_prefect_is_away(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    load(&world, daily);
    turn(&world);
    changed(&world, "daily/b missing");
    world.status = 0;
    until(&world, 1000 + 30 * MINUTE);
    assert_true(world.requests <= 3 + 29 * 4 + 1); /* one each 15 s */
    assert_int_equal(problem_of(&world, "daily", 1), REFERENCE_MISSING);
    changed(&world, "");
    world.status = 200;
    world.paused = "true";
    until(&world, world.now.boot_ms + 15000);
    changed(&world, "daily/a paused");
    world_release(&world);
}

static void what_is_fine_is_looked_at_every_five_minutes(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    load(&world, "name: daily\nstages:\n- {name: a, run: mailing/main}\n");
    until(&world, 1000 + 5 * MINUTE - 1);
    assert_int_equal(world.requests, 3);
    until(&world, 1000 + 5 * MINUTE);
    assert_int_equal(world.requests, 6);
    changed(&world, "");
    world_release(&world);
}

static void many_are_spread(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    Buffer text;
    buffer_init(&text, 1 << 20);
    buffer_text(&text, "name: many\nstages:\n");
    for (int i = 0; i < 250; i++) {
        buffer_format(&text, "- {name: s%d, run: mailing/d%d}\n", i, i);
    }
    load(&world, text.bytes);
    turn(&world);
    assert_int_equal(world.requests, 2); /* flows and deployments; without any found no pools */
    until(&world, 1000 + MINUTE - 1);
    assert_int_equal(world.requests, 6); /* three batches of at most 100 */
    until(&world, 1000 + MINUTE);
    assert_int_equal(world.requests, 8);
    until(&world, 1000 + MINUTE + 99999);
    assert_int_equal(world.requests, 8);
    until(&world, 1000 + MINUTE + 100000);
    assert_int_equal(world.requests, 10);
    /* Does not wait for the round. */
    load(&world, "name: other\nstages:\n- {name: a, run: mailing/other}\n");
    turn(&world);
    assert_int_equal(world.requests, 12);
    until(&world, 1000 + MINUTE + 199999);
    assert_int_equal(world.requests, 12);
    until(&world, 1000 + MINUTE + 200000); /* the end of the round, and the begin of a second look */
    assert_int_equal(world.requests, 16);
    buffer_release(&text);
    world_release(&world);
}

static void a_deployment_that_many_use_holds_no_turn(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    world.paused = "true";
    Buffer text;
    buffer_init(&text, 1 << 20);
    buffer_text(&text, "name: many\nstages:\n");
    for (int i = 0; i < 900; i++) {
        buffer_format(&text, "- {name: s%d, run: mailing/main}\n", i);
    }
    load(&world, text.bytes);
    const char *path, *body;
    while (reference_watch_ask(world.watch, world.now, &path, &body)) {
        answer(&world, path);
    }
    assert_true(reference_watch_deadline(world.watch) <= world.now.boot_ms); /* it goes on with the next turn */
    size_t judged = 0;
    for (ReferenceChange change; reference_watch_take_change(world.watch, &change);) {
        judged++;
    }
    assert_int_equal(judged, 500);
    turn(&world);
    assert_int_equal(problem_of(&world, "many", 899), REFERENCE_PAUSED);
    buffer_release(&text);
    world_release(&world);
}

static void pools_that_are_hidden_are_asked_for_once(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    load(&world, daily);
    const char *path, *body;
    for (int i = 0; i < 2; i++) {
        assert_true(reference_watch_ask(world.watch, world.now, &path, &body));
        assert_true(answer(&world, path));
    }
    assert_true(reference_watch_ask(world.watch, world.now, &path, &body));
    world.status = 403;
    assert_false(answer(&world, path));
    world.status = 200;
    turn(&world);
    changed(&world, "daily/b missing");
    world.pool = "NOT_READY";
    until(&world, 1000 + MINUTE);
    assert_int_equal(world.requests, 2);
    changed(&world, "");
    world_release(&world);
}

static void what_comes_one_after_another_is_asked_for_together(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    for (int i = 0; i < 50; i++) {
        char *text = text_format("name: s%d\nstages:\n- {name: a, run: mailing/d%d}\n", i, i);
        load(&world, text);
        free(text);
        turn(&world);
        world.now.boot_ms += 10;
    }
    until(&world, 1000 + 10000);
    assert_int_equal(world.requests, 4);
    assert_int_equal(problem_of(&world, "s49", 0), REFERENCE_MISSING);
    world_release(&world);
}

static void what_is_gone_is_not_asked_for(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    load(&world, daily);
    turn(&world);
    reference_watch_gone(world.watch, "daily");
    until(&world, 1000 + 10 * MINUTE);
    assert_int_equal(world.requests, 3);
    assert_null(standing_find(reference_watch_standing(world.watch), "daily"));
    world_release(&world);
}

/* Freed at any moment, with a survey under way and changes that nobody took. */
static void leaves_nothing_behind(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    load(&world, daily);
    turn(&world);
    load(&world, "name: other\nstages:\n- {name: a, run: mailing/main}\n");
    world.now.boot_ms += 1000;
    const char *path, *body;
    assert_true(reference_watch_ask(world.watch, world.now, &path, &body));
    load(&world, "name: third\nstages:\n- {name: a, run: mailing/main}\n");
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_when_loaded_and_every_five_minutes),
        cmocka_unit_test(what_is_fine_is_looked_at_every_five_minutes),
        cmocka_unit_test(nothing_changes_while_prefect_is_away),
        cmocka_unit_test(many_are_spread),
        cmocka_unit_test(a_deployment_that_many_use_holds_no_turn),
        cmocka_unit_test(pools_that_are_hidden_are_asked_for_once),
        cmocka_unit_test(what_comes_one_after_another_is_asked_for_together),
        cmocka_unit_test(what_is_gone_is_not_asked_for),
        cmocka_unit_test(leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
