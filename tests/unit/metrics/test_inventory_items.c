/* SPDX-License-Identifier: Apache-2.0 */
/* What a scrape shows of the inventory. */
#include "inventory.h"

static void assert_line(const char *text, const char *line)
{
    auto_free char *whole = text_format("\n%s\n", line);
    if (!strstr(text, whole)) {
        fail_msg("missing: %s", line);
    }
}

static char *text_with(Inventory *inventory)
{
    Fixture fixture;
    fixture_init(&fixture);
    fixture.sources.inventory = inventory;
    fixture.sources.now_wall_ms = 1700000000000;
    char *text = fixture_text(&fixture);
    fixture_release(&fixture);
    return text;
}

static void all_that_is_known(void **state)
{
    (void)state;
    Inventory *inventory = fixture_inventory((Now){1700000000000, 1});
    auto_free char *text = text_with(inventory);
    static const char *const lines[] = {
        "sendpost_prefect_inventory_last_success_timestamp_seconds 1700000000",
        "sendpost_prefect_inventory_cursor_timestamp_seconds 1699999990",
        "sendpost_prefect_inventory_gaps_total 0",
        "sendpost_prefect_deployments 3",
        "sendpost_prefect_deployments_paused 1",
        "sendpost_prefect_flow_runs_late 3",
        "sendpost_prefect_deployment_paused{deployment=\"etl/other\"} 1",
        "sendpost_prefect_work_pool_info{work_pool=\"po\\\"ol\",type=\"process\"} 1",
        "sendpost_prefect_work_pool_ready{work_pool=\"po\\\"ol\"} 1",
        "sendpost_prefect_work_pool_flow_runs_active{work_pool=\"po\\\"ol\"} 1",
        "sendpost_prefect_work_pool_concurrency_limit{work_pool=\"po\\\"ol\"} 5",
        "sendpost_prefect_work_queue_concurrency_limit{work_pool=\"po\\\"ol\",work_queue=\"fast\"} 0",
        "sendpost_prefect_work_queue_concurrency_limit{work_pool=\"\",work_queue=\"\"} +Inf",
        "sendpost_prefect_work_pool_workers_online{work_pool=\"po\\\"ol\"} 1",
        "sendpost_prefect_work_pool_last_heartbeat_timestamp_seconds{work_pool=\"po\\\"ol\"} 1699999990",
        "sendpost_prefect_work_queue_flow_runs_late{work_pool=\"po\\\"ol\",work_queue=\"fast\",cause=\"slots_full\"} 2",
        "sendpost_prefect_work_queue_flow_runs_late{work_pool=\"po\\\"ol\",work_queue=\"fast\",cause=\"no_worker\"} 0",
        "sendpost_prefect_work_queue_flow_runs_late{work_pool=\"\",work_queue=\"\",cause=\"other\"} 1",
        "sendpost_prefect_work_queue_oldest_late_timestamp_seconds{work_pool=\"po\\\"ol\",work_queue=\"fast\"} "
        "1699995600",
        "sendpost_prefect_work_queue_last_polled_timestamp_seconds{work_pool=\"po\\\"ol\",work_queue=\"fast\"} "
        "1699999980",
        "sendpost_prefect_worker_online{work_pool=\"po\\\"ol\",worker=\"w1\"} 1",
        "sendpost_prefect_worker_online{work_pool=\"po\\\"ol\",worker=\"w2\"} 0",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_line(text, lines[i]);
    }
    assert_null(strstr(text, "long gone"));
    assert_null(strstr(text, "etl/main")); /* was not chosen, as it ends with n */
    inventory_free(inventory);
}

static void ends_of_a_deployment(void **state)
{
    (void)state;
    static const char *const globs[] = {"etl/main"};
    Inventory *inventory = inventory_new(&(InventoryOptions){15000, globs, 1});
    EndTotals totals = {.ended = {2, 1}, .duration_counts = {1, 1}, .duration_sum_ms = 9500};
    Now now = {1700000000000, 1};
    InventoryQuestion question;
    inventory_restore_totals(inventory, DEPLOYMENT_ID, &totals);
    while (inventory_ask(inventory, now, &question)) {
        inventory_give(inventory, &question, now);
    }
    auto_free char *text = text_with(inventory);
    static const char *const lines[] = {
        "sendpost_prefect_deployment_info{deployment=\"etl/main\",deployment_id=\"" DEPLOYMENT_ID
        "\",work_pool=\"po\\\"ol\",work_queue=\"fast\"} 1",
        "sendpost_prefect_deployment_flow_runs_ended_total{deployment=\"etl/main\",state=\"completed\"} 2",
        "sendpost_prefect_deployment_flow_runs_ended_total{deployment=\"etl/main\",state=\"crashed\"} 0",
        "sendpost_prefect_deployment_flow_run_duration_seconds_bucket{deployment=\"etl/main\",le=\"15.0\"} 2",
        "sendpost_prefect_deployment_flow_run_duration_seconds_sum{deployment=\"etl/main\"} 9.5",
        "sendpost_prefect_deployment_flow_runs_running{deployment=\"etl/main\"} 1",
        "sendpost_prefect_deployment_oldest_running_start_timestamp_seconds{deployment=\"etl/main\"} 1699992000",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_line(text, lines[i]);
    }
    assert_null(strstr(text, "etl/other"));
    assert_null(strstr(text, "deployment=\"\"")); /* those of no deployment were not chosen either */
    inventory_free(inventory);
}

/* Nothing false before it is known, but that it is not; and no empty families without an inventory. */
static void nothing_before_it_is_known(void **state)
{
    (void)state;
    static const char *const globs[] = {"*"};
    Inventory *inventory = inventory_new(&(InventoryOptions){15000, globs, 1});
    auto_free char *text = text_with(inventory), *without = text_with(NULL);
    assert_line(text, "sendpost_prefect_inventory_last_success_timestamp_seconds 0");
    assert_null(strstr(text, "sendpost_prefect_work"));
    assert_null(strstr(text, "sendpost_prefect_deployment"));
    assert_null(strstr(text, "sendpost_prefect_flow_runs_late"));
    assert_null(strstr(without, "sendpost_prefect_inventory"));
    assert_null(strstr(without, "sendpost_prefect_deployment"));
    inventory_free(inventory);
}

/* The part of the text that tells of the inventory, of what was kept or (NULL) written from nothing. */
static char *part_of(MetricsText *kept, const MetricsSources *sources)
{
    MetricsText *text = kept ? kept : metrics_text_new(true, true);
    Snapshot *snapshot = snapshot_take(text, sources, SIZE_MAX);
    auto_free char *whole = exposition_text(exposition_new(snapshot, METRICS_TEXT), 4096);
    snapshot_release(snapshot);
    if (!kept) {
        metrics_text_free(text);
    }
    const char *begin = strstr(whole, "# HELP sendpost_flow_runs_watched");
    const char *end = strstr(whole, "# HELP sendpost_definitions_loaded");
    assert_true(begin && end && begin < end);
    return text_copy_length(begin, (size_t)(end - begin));
}

static char *assert_kept_is_fresh(Fixture *fixture, Now now)
{
    fixture->sources.now_wall_ms = now.wall_ms;
    auto_free char *fresh = part_of(NULL, &fixture->sources);
    char *kept = part_of(fixture->text, &fixture->sources);
    assert_string_equal(kept, fresh);
    return kept;
}

/* After each answer, while everything comes, goes, and comes again. */
static void what_is_kept_is_what_is_written_from_nothing(void **state)
{
    (void)state;
    enum { ROUND_MS = 360000, ROUNDS = 4 }; /* after which every list is read again */
    Now now = {1700000000000, 1};
    Fixture fixture;
    fixture_init(&fixture);
    Inventory *inventory = fixture_inventory(now);
    fixture.sources.inventory = inventory;
    for (int round = 0; round < ROUNDS; round++) {
        now = (Now){now.wall_ms + ROUND_MS, now.boot_ms + ROUND_MS};
        InventoryQuestion question;
        while (inventory_ask(inventory, now, &question)) {
            const char *text = round % 2 ? inventory_reply(&question) : question.lists ? "[]" : "0";
            inventory_give_text(inventory, &question, text, now);
            free(assert_kept_is_fresh(&fixture, now));
        }
        auto_free char *text = assert_kept_is_fresh(&fixture, now);
        assert_true((strstr(text, "deployment=\"etl/other\"") != NULL) == (round % 2));
    }
    fixture_release(&fixture);
    inventory_free(inventory);
}

/* w2 is, for an hour after it was heard; without an inventory nothing is. */
static void time_alone_takes_workers_away(void **state)
{
    (void)state;
    enum { MINUTE_MS = 60000 };
    Now now = {1700000000000, 1};
    Inventory *inventory = fixture_inventory(now);
    const struct {
        Inventory *inventory;
        int minutes;
        bool worker;
    } steps[] = {
        {NULL, 0, false}, {inventory, 0, true}, {inventory, 0, true}, {inventory, 59, false}, {NULL, 60, false}};
    Fixture fixture;
    fixture_init(&fixture);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        fixture.sources.inventory = steps[i].inventory;
        Now then = {now.wall_ms + steps[i].minutes * MINUTE_MS, now.boot_ms};
        auto_free char *text = assert_kept_is_fresh(&fixture, then);
        assert_true((strstr(text, "worker=\"w2\"") != NULL) == steps[i].worker);
    }
    fixture_release(&fixture);
    inventory_free(inventory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_known),
        cmocka_unit_test(ends_of_a_deployment),
        cmocka_unit_test(nothing_before_it_is_known),
        cmocka_unit_test(what_is_kept_is_what_is_written_from_nothing),
        cmocka_unit_test(time_alone_takes_workers_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
