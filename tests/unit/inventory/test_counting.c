/* SPDX-License-Identifier: Apache-2.0 */
/* Every end counts once: over pages, equal times, late writes, clocks that differ or jump, kills, years away. */
#include "fixture.h"

static void nothing_of_before_counts(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        World *world = world_new();
        world->old = old;
        for (int i = 0; i < 500; i++) {
            world_end(world, i % 3, i % 4, i % 5 ? 1000 : -1);
            world->now_ms += 10;
        }
        Inventory *inventory = world_inventory(world);
        for (int i = 0; i < 3; i++) {
            world_round(world, inventory);
        }
        assert_int_equal(world_counted(world), 0);
        world_end(world, 1, END_FAILED, 2000);
        world_end(world, 1, END_CANCELLED, -1);
        world_round(world, inventory);
        assert_int_equal(world_counted(world), 2);
        assert_int_equal(world->totals[1].ended[END_FAILED], 1);
        assert_int_equal(world->totals[1].ended[END_CANCELLED], 1);
        inventory_free(inventory);
        world_free(world);
    }
}

static void an_empty_prefect_is_begun_with_too(void **state)
{
    (void)state;
    World *world = world_new();
    Inventory *inventory = world_inventory(world);
    world_round(world, inventory);
    world_end(world, 0, END_COMPLETED, 7000);
    world_round(world, inventory);
    assert_int_equal(world->totals[0].ended[END_COMPLETED], 1);
    assert_int_equal(world->totals[0].duration_counts[1], 1); /* 5 to 15 s */
    assert_int_equal(world->totals[0].duration_sum_ms, 7000);
    inventory_free(inventory);
    world_free(world);
}

/* All at one moment, over many pages. */
static void equal_times_over_pages(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        World *world = world_new();
        world->old = old;
        Inventory *inventory = world_inventory(world);
        world_round(world, inventory);
        for (int i = 0; i < 2345; i++) {
            world_end(world, 0, END_COMPLETED, 1000);
        }
        for (int rounds = 0; world_counted(world) == 0; rounds++) {
            assert_true(rounds < 12);
            world_round(world, inventory);
        }
        assert_int_equal(world_counted(world), 2345);
        inventory_free(inventory);
        world_free(world);
    }
}

/* In the middle of a pass, between its page and its commit: it is read again. */
static void a_kill_between_page_and_commit(void **state)
{
    (void)state;
    World *world = world_new();
    Inventory *inventory = world_inventory(world);
    world_round(world, inventory);
    for (int i = 0; i < 450; i++) {
        world_end(world, 2, END_COMPLETED, 1000);
    }
    for (int questions = 1; questions <= 4; questions++) { /* one of them: are there more than a pass may hold? */
        InventoryQuestion question;
        Now now = {world->now_ms, world->now_ms};
        for (int i = 0; i < questions; i++) {
            assert_true(inventory_ask(inventory, now, &question));
            world_answer(world, inventory, &question);
        }
        assert_true((inventory_change(inventory) != NULL) == (questions == 4));
        inventory_free(inventory);
        inventory = world_inventory(world);
        assert_int_equal(world_counted(world), 0);
    }
    world_round(world, inventory);
    assert_int_equal(world_counted(world), 450);
    world_round(world, inventory);
    assert_int_equal(world_counted(world), 450);
    inventory_free(inventory);
    world_free(world);
}

/* The journal refused: the same pass is counted later. */
static void a_commit_that_fails(void **state)
{
    (void)state;
    World *world = world_new();
    Inventory *inventory = world_inventory(world);
    world_round(world, inventory);
    world_end(world, 0, END_FAILED, 1000);
    InventoryQuestion question;
    assert_true(inventory_ask(inventory, (Now){world->now_ms, world->now_ms}, &question));
    world_answer(world, inventory, &question);
    assert_non_null(inventory_change(inventory));
    inventory_dropped(inventory, (Now){world->now_ms, world->now_ms});
    assert_null(inventory_change(inventory));
    assert_int_equal(inventory_totals(inventory, world_deployment(0)).ended[END_FAILED], 0);
    assert_false(inventory_ask(inventory, (Now){world->now_ms, world->now_ms}, &question));
    world->now_ms += 1000;
    world_round(world, inventory);
    assert_int_equal(world_counted(world), 1);
    inventory_free(inventory);
    world_free(world);
}

/* Far behind: oldest first, a bounded number of questions in each round; nothing is lost or counted twice. */
static void a_long_time_away(void **state)
{
    (void)state;
    World *world = world_new();
    Inventory *inventory = world_inventory(world);
    world_round(world, inventory);
    for (int i = 0; i < 12000; i++) {
        world_end(world, i % 3, END_COMPLETED, 1000);
        world->now_ms += i % 1000 < 500 ? 1 : 4000; /* bursts */
    }
    int rounds = 0;
    for (; world_counted(world) < 12000; rounds++) {
        assert_true(rounds < 200);
        size_t asked = world->asked;
        world_round(world, inventory);
        assert_true(world->asked - asked < 40);
        assert_true(world->seen_count < 3000);
    }
    print_message("12,000 flow runs in %d rounds, %zu questions\n", rounds, world->asked);
    for (int i = 0; i < 3; i++) {
        world_round(world, inventory);
    }
    assert_int_equal(world_counted(world), 12000);
    assert_int_equal(world->gaps, 0);
    inventory_free(inventory);
    world_free(world);
}

static void what_prefect_2_cannot_hold_is_a_gap(void **state)
{
    (void)state;
    World *world = world_new();
    world->old = true;
    Inventory *inventory = world_inventory(world);
    world_round(world, inventory);
    for (int i = 0; i < TAIL_RUNS_MAX + 500; i++) {
        world_end(world, 0, END_COMPLETED, 1000);
        world->now_ms += 100;
    }
    for (int i = 0; i < 12; i++) {
        world_round(world, inventory);
    }
    assert_int_equal(world_counted(world), TAIL_RUNS_MAX);
    assert_int_equal(world->gaps, 1);
    assert_int_equal(inventory_view(inventory).gaps, 1);
    inventory_free(inventory);
    world_free(world);
}

/* Prefect's own limit, and answers that are too large. */
static void smaller_pages(void **state)
{
    (void)state;
    World *world = world_new();
    world->limit_max = 30;
    world->reply_items_max = 10;
    Inventory *inventory = world_inventory(world);
    world_round(world, inventory);
    for (int i = 0; i < 345; i++) {
        world_end(world, 0, END_COMPLETED, 1000);
        world->now_ms += 20;
    }
    for (int i = 0; i < 20; i++) {
        world_round(world, inventory);
    }
    assert_int_equal(world_counted(world), 345);
    inventory_free(inventory);
    world_free(world);
}

/* xorshift: the seed is printed with a failure. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void make_ends(World *world, uint64_t *seed)
{
    for (uint64_t count = next_random(seed) % 8; count > 0; count--) {
        bool never = next_random(seed) % 6 == 0;
        WorldRun *run = world_end(world, (int)(next_random(seed) % 3), (int)(next_random(seed) % 4),
                                  never ? -1 : (int64_t)(next_random(seed) % 100000));
        if (next_random(seed) % 4 == 0) {
            run->visible_at += (int64_t)(next_random(seed) % 60000); /* written late */
        }
        if (next_random(seed) % 5 == 0) {
            run->ended_at -= (int64_t)(next_random(seed) % 50000); /* by a server that is behind */
            run->started_at = run->started_at ? run->ended_at - 1000 : 0;
        }
    }
}

static Inventory *live(World *world, Inventory *inventory, uint64_t *seed)
{
    make_ends(world, seed);
    world->now_ms += (int64_t)(next_random(seed) % 3000);
    uint64_t what = next_random(seed) % 10;
    if (what == 0) { /* killed, somewhere in a round */
        for (uint64_t steps = next_random(seed) % 4; steps > 0; steps--) {
            world_step(world, inventory);
        }
        inventory_free(inventory);
        return world_inventory(world);
    }
    if (what == 1 && world->skew_ms >= 0) { /* Prefect's clock jumps, but never behind ours */
        world->skew_ms = (int64_t)(next_random(seed) % 3600000);
    } else if (what < 9) {
        world_round(world, inventory);
    }
    return inventory;
}

static void whatever_happens(void **state)
{
    (void)state;
    for (uint64_t number = 1; number <= 24; number++) {
        uint64_t seed = number * 0x9E3779B97F4A7C15u;
        World *world = world_new();
        world->old = number % 3 == 0;
        world->skew_ms = (int64_t)(next_random(&seed) % 7200000) - 3600000;
        Inventory *inventory = world_inventory(world);
        world_round(world, inventory);
        for (int i = 0; i < 80; i++) {
            inventory = live(world, inventory, &seed);
        }
        for (int i = 0; i < 70; i++) { /* all is written, and looked at */
            world->now_ms += 1000;
            world_round(world, inventory);
        }
        if (world_counted(world) != world->count) {
            fail_msg("seed %" PRIu64 ": %zu flow runs ended, %" PRIu64 " were counted", number, world->count,
                     world_counted(world));
        }
        inventory_free(inventory);
        world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_before_counts),
        cmocka_unit_test(an_empty_prefect_is_begun_with_too),
        cmocka_unit_test(equal_times_over_pages),
        cmocka_unit_test(a_kill_between_page_and_commit),
        cmocka_unit_test(a_commit_that_fails),
        cmocka_unit_test(a_long_time_away),
        cmocka_unit_test(what_prefect_2_cannot_hold_is_a_gap),
        cmocka_unit_test(smaller_pages),
        cmocka_unit_test(whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
