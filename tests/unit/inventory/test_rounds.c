/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked when, and what an answer, or none, changes. Each path has one reply at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "inventory/inventory.h"
#include <stdio.h>
#include <string.h>

#define D1 "d0000000-0000-4000-8000-000000000001"
#define D2 "d0000000-0000-4000-8000-000000000002"
#define F1 "f0000000-0000-4000-8000-000000000001"
#define R1 "a0000000-0000-4000-8000-000000000001"

typedef struct Reply {
    const char *path, *part; /* of the body; NULL: any */
    int status;              /* 0: 200 */
    const char *text;        /* of a refusal: why */
} Reply;

typedef struct Prefect {
    Inventory *inventory;
    const Reply *replies; /* the first that fits; else an empty list, or 0 */
    int64_t now_ms;
    char asked[4096]; /* paths of the round */
    int questions;
    char error[ERROR_TEXT_SIZE]; /* the last one */
} Prefect;

static const Reply none[] = {{0}};
static const char *const all[] = {"*"};

static void set_up(Prefect *prefect, const char *const *globs, size_t count)
{
    *prefect = (Prefect){
        .inventory = inventory_new(&(InventoryOptions){15000, globs, count}), .replies = none, .now_ms = 1700000000000};
}

static const Reply *reply_to(const Prefect *prefect, const InventoryQuestion *question)
{
    const Reply *reply = prefect->replies;
    while (reply->path &&
           (strcmp(reply->path, question->path) != 0 || (reply->part && !strstr(question->body, reply->part)))) {
        reply++;
    }
    return reply;
}

static bool give_items(Prefect *prefect, const char *text)
{
    auto_json *list = json_parse(text, strlen(text), NULL);
    assert_non_null(list);
    for (const Json *item = json_first(list); item; item = json_next(item)) {
        if (!inventory_item(prefect->inventory, item)) {
            return false;
        }
    }
    return true;
}

static void answer(Prefect *prefect, const InventoryQuestion *question)
{
    const Reply *reply = reply_to(prefect, question);
    const char *text = reply->text ? reply->text : question->lists ? "[]" : "0";
    InventoryAnswer given = {.status = reply->status ? reply->status : 200};
    given.status = reply->status < 0 ? 0 : given.status;
    auto_json *number = NULL;
    if (given.status == 200) {
        given.whole = !question->lists || give_items(prefect, text);
        number = question->lists ? NULL : json_parse(text, strlen(text), NULL);
    } else {
        given.message = reply->text;
    }
    given.number = number;
    Error error = {0};
    if (!inventory_answer(prefect->inventory, &given, (Now){prefect->now_ms, prefect->now_ms}, &error)) {
        snprintf(prefect->error, sizeof prefect->error, "%s", error.text);
    }
    if (inventory_change(prefect->inventory)) {
        inventory_committed(prefect->inventory);
    }
}

/* All questions of a round; then the interval passes. */
static void round_of(Prefect *prefect, const Reply *replies)
{
    InventoryQuestion question;
    prefect->replies = replies;
    prefect->asked[0] = prefect->error[0] = '\0';
    prefect->questions = 0;
    while (inventory_ask(prefect->inventory, (Now){prefect->now_ms, prefect->now_ms}, &question)) {
        assert_true(++prefect->questions < 100);
        size_t length = strlen(prefect->asked);
        snprintf(prefect->asked + length, sizeof prefect->asked - length, "%s ", question.path);
        answer(prefect, &question);
    }
    assert_int_equal(inventory_deadline(prefect->inventory), prefect->now_ms + 15000);
    prefect->now_ms += 15000;
}

static bool asked(const Prefect *prefect, const char *path)
{
    return strstr(prefect->asked, path) != NULL;
}

#define FLOWS                                                                                                          \
    {                                                                                                                  \
        "/flows/filter", NULL, 0, "[{\"id\":\"" F1 "\",\"name\":\"etl\"}]"                                             \
    }
#define DEPLOYMENT(id, name, more) "{\"id\":\"" id "\",\"name\":\"" name "\",\"flow_id\":\"" F1 "\"" more "}"
#define DEPLOYMENTS(text)                                                                                              \
    {                                                                                                                  \
        "/deployments/filter", NULL, 0, text                                                                           \
    }

static void what_is_quiet_costs_six_questions(void **state)
{
    (void)state;
    Prefect prefect;
    set_up(&prefect, all, 1);
    round_of(&prefect, none);
    assert_true(asked(&prefect, "/deployments/filter") && asked(&prefect, "/work_pools/filter"));
    int64_t began = prefect.now_ms;
    int questions = 0;
    for (int i = 0; i < 20; i++) { /* 5 minutes */
        round_of(&prefect, none);
        questions += prefect.questions;
    }
    assert_int_equal(prefect.now_ms - began, 300000);
    assert_int_equal(questions, 20 * 6 + 5 * 2 + 2); /* pools and queues each minute, deployments once */
    inventory_free(prefect.inventory);
}

static const Reply two_deployments[] = {
    {"/deployments/count", "paused", 0, "1"},
    {"/deployments/count", NULL, 0, "2"},
    FLOWS,
    DEPLOYMENTS("[" DEPLOYMENT(
        D1, "a", ",\"paused\":true,\"work_pool_name\":\"p\",\"status\":\"READY\"") "," DEPLOYMENT(D2, "b", "") "]"),
    {0}};

static void deployments_are_read_again_when_their_number_changes(void **state)
{
    (void)state;
    Prefect prefect;
    set_up(&prefect, all, 1);
    round_of(&prefect, two_deployments);
    const ListedDeployment *deployment = stock_deployment(inventory_view(prefect.inventory).stock, D1);
    assert_string_equal(deployment->name, "etl/a");
    assert_true(deployment->paused && deployment->served);
    for (int i = 0; i < 4; i++) {
        round_of(&prefect, two_deployments);
        assert_false(asked(&prefect, "/deployments/filter"));
    }
    static const Reply one[] = {{"/deployments/count", "paused", 0, "0"},
                                {"/deployments/count", NULL, 0, "2"},
                                FLOWS,
                                DEPLOYMENTS("[" DEPLOYMENT(D1, "a", "") "," DEPLOYMENT(D2, "b", "") "]"),
                                {0}};
    round_of(&prefect, one);
    assert_false(stock_deployment(inventory_view(prefect.inventory).stock, D1)->paused);
    round_of(&prefect, one);
    assert_false(asked(&prefect, "/deployments/filter"));
    inventory_free(prefect.inventory);
}

/* Made anew while the list was read: two of one name would spoil every scrape. */
static void one_of_each_name(void **state)
{
    (void)state;
    Prefect prefect;
    static const Reply twice[] = {
        FLOWS,
        DEPLOYMENTS("[" DEPLOYMENT(D1, "a", "") "," DEPLOYMENT(D2, "a", "") "," DEPLOYMENT(D1, "a", "") "]"),
        {"/work_pools/filter", NULL, 0,
         "[{\"id\":\"1\",\"name\":\"p\",\"type\":\"process\"},{\"id\":\"2\",\"name\":\"p\",\"type\":\"process\"}]"},
        {"/work_queues/filter", NULL, 0,
         "[{\"id\":\"1\",\"name\":\"q\",\"work_pool_name\":\"p\"},{\"id\":\"2\",\"name\":\"q\",\"work_pool_name\":"
         "\"p\"},"
         "{\"id\":\"3\",\"name\":\"q\",\"work_pool_name\":\"other\"}]"},
        {"/work_pools/p/workers/filter", NULL, 0, "[{\"id\":\"1\",\"name\":\"w\"},{\"id\":\"2\",\"name\":\"w\"}]"},
        {0}};
    set_up(&prefect, all, 1);
    round_of(&prefect, twice);
    const StockItems *shown = inventory_view(prefect.inventory).stock->shown;
    assert_int_equal(shown[STOCK_DEPLOYMENTS].count, 1);
    assert_int_equal(shown[STOCK_POOLS].count, 1);
    assert_int_equal(shown[STOCK_QUEUES].count, 2);
    assert_int_equal(shown[STOCK_WORKERS].count, 1);
    inventory_free(prefect.inventory);
}

/* A flow run of a deployment that nobody has listed. */
static void a_stranger_makes_deployments_be_read(void **state)
{
    (void)state;
    Prefect prefect;
    static const Reply stranger[] = {{"/flow_runs/filter", "RUNNING", 0,
                                      "[{\"id\":\"" R1 "\",\"deployment_id\":\"" D1 "\",\"state_type\":\"RUNNING\","
                                      "\"start_time\":\"2026-01-01T00:00:00Z\"}]"},
                                     FLOWS,
                                     {0}};
    set_up(&prefect, all, 1);
    round_of(&prefect, stranger);
    for (int i = 0; i < 3; i++) {
        round_of(&prefect, stranger);
        assert_false(asked(&prefect, "/flows/filter")); /* not more than once a minute */
    }
    round_of(&prefect, stranger);
    assert_true(asked(&prefect, "/flows/filter"));
    Tally running = tallies_find(inventory_view(prefect.inventory).stock->runs.running_of_deployment, D1);
    assert_int_equal(running.count, 1);
    assert_int_equal(running.oldest_at, 1767225600000);
    inventory_free(prefect.inventory);
}

static void only_what_was_chosen_is_shown(void **state)
{
    (void)state;
    Prefect prefect;
    static const char *const globs[] = {"etl/*", "mail-?/main"};
    set_up(&prefect, globs, 2);
    assert_true(inventory_wants(prefect.inventory, "etl/extract"));
    assert_true(inventory_wants(prefect.inventory, "mail-1/main"));
    assert_false(inventory_wants(prefect.inventory, "mail-10/main"));
    assert_false(inventory_wants(prefect.inventory, ""));
    inventory_free(prefect.inventory);
}

/* --- why flow runs are late --- */

typedef struct LateCase {
    const char *pool, *queue; /* further members */
    const char *active;       /* flow runs */
    LateCause cause;
    const char *type; /* of the pool; NULL: process */
} LateCase;

static LateCause cause_of(const LateCase *given)
{
    Prefect prefect;
    auto_free char *pools = text_format("[{\"id\":\"p1\",\"name\":\"p\",\"type\":\"%s\"%s}]",
                                        given->type ? given->type : "process", given->pool);
    auto_free char *queues = text_format("[{\"id\":\"q1\",\"name\":\"q\",\"work_pool_name\":\"p\"%s}]", given->queue);
    const Reply replies[] = {{"/flow_runs/count", "Late", 0, "1"},
                             {"/flow_runs/filter", "Late", 0,
                              "[{\"id\":\"" R1
                              "\",\"work_queue_id\":\"q1\",\"expected_start_time\":\"2026-01-01T00:00:00Z\"}]"},
                             {"/flow_runs/filter", "RUNNING", 0, given->active},
                             {"/work_pools/filter", NULL, 0, pools},
                             {"/work_queues/filter", NULL, 0, queues},
                             {0}};
    set_up(&prefect, all, 1);
    round_of(&prefect, replies);
    const Stock *stock = inventory_view(prefect.inventory).stock;
    assert_int_equal(tallies_find(stock->runs.late_of_queue, "q1").count, 1);
    assert_int_equal(inventory_view(prefect.inventory).late, 1);
    LateCause cause = stock_late_cause(stock, stock->shown[STOCK_QUEUES].items[0]);
    static const Reply nothing_late[] = {{0}};
    round_of(&prefect, nothing_late);
    stock = inventory_view(prefect.inventory).stock;
    assert_int_equal(tallies_find(stock->runs.late_of_queue, "q1").count, 0);
    inventory_free(prefect.inventory);
    return cause;
}

#define ONE_ACTIVE "[{\"id\":\"r\",\"work_queue_id\":\"q1\",\"work_pool_name\":\"p\",\"state_type\":\"PENDING\"}]"

static void causes_of_lateness(void **state)
{
    (void)state;
    static const LateCase cases[] = {
        {",\"status\":\"NOT_READY\"", "", "[]", LATE_NO_WORKER, NULL},
        {",\"status\":\"READY\"", "", "[]", LATE_OTHER, NULL},
        {",\"status\":\"PAUSED\"", "", "[]", LATE_PAUSED, NULL},
        {",\"is_paused\":true,\"status\":\"NOT_READY\"", "", "[]", LATE_PAUSED, NULL},
        {",\"status\":\"NOT_READY\"", ",\"is_paused\":true", "[]", LATE_PAUSED, NULL},
        {",\"status\":\"READY\"", ",\"concurrency_limit\":1", ONE_ACTIVE, LATE_SLOTS_FULL, NULL},
        {",\"status\":\"READY\"", ",\"concurrency_limit\":2", ONE_ACTIVE, LATE_OTHER, NULL},
        {",\"status\":\"READY\",\"concurrency_limit\":1", "", ONE_ACTIVE, LATE_SLOTS_FULL, NULL},
        {",\"status\":\"READY\",\"concurrency_limit\":0", "", "[]", LATE_SLOTS_FULL, NULL},
        {"", "", "[]", LATE_OTHER, "prefect-agent"},
        {",\"status\":\"NOT_READY\"", "", "[]", LATE_OTHER, "ecs:push"},
        {",\"status\":\"NOT_READY\"", "", "[]", LATE_OTHER, "prefect:managed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(cause_of(&cases[i]), cases[i].cause);
    }
}

/* Of deployments that are served without a pool. */
static void late_in_no_queue(void **state)
{
    (void)state;
    Prefect prefect;
    static const Reply served[] = {{"/flow_runs/count", "Late", 0, "1"},
                                   {"/flow_runs/filter", "Late", 0,
                                    "[{\"id\":\"" R1 "\",\"deployment_id\":\"" D1
                                    "\",\"work_queue_id\":null,\"expected_start_time\":null}]"},
                                   FLOWS,
                                   DEPLOYMENTS("[" DEPLOYMENT(D1, "a", ",\"status\":\"NOT_READY\"") "]"),
                                   {0}};
    set_up(&prefect, all, 1);
    round_of(&prefect, served);
    assert_int_equal(stock_late_cause(inventory_view(prefect.inventory).stock, NULL), LATE_OTHER); /* not listed yet */
    for (int i = 0; i < 5; i++) {
        round_of(&prefect, served);
    }
    assert_int_equal(stock_late_cause(inventory_view(prefect.inventory).stock, NULL), LATE_NO_WORKER);
    inventory_free(prefect.inventory);
}

/* --- workers --- */

static void workers_pool_by_pool(void **state)
{
    (void)state;
    Prefect prefect;
    static const Reply replies[] = {
        {"/work_pools/filter", NULL, 0,
         "[{\"id\":\"1\",\"name\":\"a b\",\"type\":\"process\",\"status\":\"READY\"},"
         "{\"id\":\"2\",\"name\":\"c\",\"type\":\"process\",\"status\":\"READY\"}]"},
        {"/work_pools/a%20b/workers/filter", NULL, 0,
         "[{\"id\":\"w\",\"name\":\"w1\",\"status\":\"ONLINE\",\"last_heartbeat_time\":\"2026-01-01T00:00:00Z\"}]"},
        {"/work_pools/c/workers/filter", NULL, 0, "[{\"id\":\"x\",\"name\":\"w2\",\"status\":\"OFFLINE\"}]"},
        {0}};
    set_up(&prefect, all, 1);
    round_of(&prefect, replies);
    round_of(&prefect, replies);
    const StockItems *workers = &inventory_view(prefect.inventory).stock->shown[STOCK_WORKERS];
    assert_int_equal(workers->count, 2);
    static const Reply one_pool[] = {
        {"/work_pools/filter", NULL, 0, "[{\"id\":\"2\",\"name\":\"c\",\"type\":\"process\",\"status\":\"READY\"}]"},
        {"/work_pools/c/workers/filter", NULL, 0, "[{\"id\":\"x\",\"name\":\"w2\",\"status\":\"ONLINE\"}]"},
        {0}};
    for (int i = 0; i < 5; i++) {
        round_of(&prefect, one_pool);
    }
    workers = &inventory_view(prefect.inventory).stock->shown[STOCK_WORKERS];
    assert_int_equal(workers->count, 1);
    const Worker *worker = workers->items[0];
    assert_string_equal(worker->name, "w2");
    assert_true(worker->online);
    inventory_free(prefect.inventory);
}

/* --- what is no answer --- */

static void a_refusal_is_told_once_and_the_rest_goes_on(void **state)
{
    (void)state;
    Prefect prefect;
    static const Reply refused[] = {{"/work_pools/filter", NULL, 403, "no"}, {0}};
    set_up(&prefect, all, 1);
    round_of(&prefect, refused);
    assert_string_equal(prefect.error, "Prefect answered 403: no");
    assert_true(asked(&prefect, "/work_queues/filter"));
    for (int i = 0; i < 4; i++) {
        round_of(&prefect, refused);
        assert_string_equal(prefect.error, "");
        assert_int_equal(asked(&prefect, "/work_pools/filter"), i == 3);
    }
    assert_int_equal(inventory_view(prefect.inventory).round_at, 0);
    for (int i = 0; i < 4; i++) {
        round_of(&prefect, none);
    }
    assert_true(inventory_view(prefect.inventory).stock->whole[STOCK_POOLS]);
    assert_true(inventory_view(prefect.inventory).round_at > 0);
    inventory_free(prefect.inventory);
}

static void items_that_make_no_sense_spoil_their_list(void **state)
{
    (void)state;
    static const struct {
        const char *path, *part, *text;
    } cases[] = {
        {"/flow_runs/filter", "END_TIME_DESC", "[{\"id\":\"" R1 "\",\"state_type\":\"RUNNING\"}]"},
        {"/flow_runs/filter", "END_TIME_DESC", "[{\"id\":\"x\",\"state_type\":\"FAILED\"}]"},
        {"/flow_runs/filter", "END_TIME_DESC", "[{\"id\":\"" R1 "\",\"state_type\":\"FAILED\",\"end_time\":\"x\"}]"},
        {"/flow_runs/filter", "RUNNING", "[{\"state_type\":\"RUNNING\"}]"},
        {"/flow_runs/filter", "RUNNING", "[{\"id\":\"x\",\"start_time\":\"x\"}]"},
        {"/flows/filter", NULL, "[{\"id\":\"x\"}]"},
        {"/deployments/filter", NULL, "[{\"id\":\"x\"}]"},
        {"/work_pools/filter", NULL, "[{\"id\":\"x\",\"name\":\"x\"}]"},
        {"/work_queues/filter", NULL, "[{\"id\":\"x\"}]"},
        {"/work_queues/filter", NULL, "[{\"id\":\"x\",\"name\":\"x\",\"last_polled\":1}]"},
        {"/flow_runs/count", NULL, "\"many\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Prefect prefect;
        set_up(&prefect, all, 1);
        const Reply replies[] = {{cases[i].path, cases[i].part, 0, cases[i].text}, {0}};
        round_of(&prefect, replies);
        assert_string_equal(prefect.error, "Prefect answered 200: not what was asked for");
        round_of(&prefect, none);
        inventory_free(prefect.inventory);
    }
}

static void while_prefect_is_away_all_stays(void **state)
{
    (void)state;
    Prefect prefect;
    static const Reply away[] = {{"/flow_runs/filter", "RUNNING", -1, "connection refused"}, {0}};
    set_up(&prefect, all, 1);
    round_of(&prefect, two_deployments);
    int64_t round_at = inventory_view(prefect.inventory).round_at;
    for (int i = 0; i < 30; i++) {
        round_of(&prefect, away);
        assert_int_equal(prefect.questions, 3);
        assert_string_equal(prefect.error, "");
    }
    assert_int_equal(inventory_view(prefect.inventory).round_at, round_at);
    assert_non_null(stock_deployment(inventory_view(prefect.inventory).stock, D1));
    inventory_free(prefect.inventory);
}

/* Missed once, while pages shift, is not gone. */
static void totals_of_deployments_that_are_gone(void **state)
{
    (void)state;
    Prefect prefect;
    EndTotals totals = {.ended = {5, 0, 0, 0}};
    set_up(&prefect, all, 1);
    inventory_restore_totals(prefect.inventory, D1, &totals);
    inventory_restore_totals(prefect.inventory, D2, &totals);
    static const Reply one[] = {FLOWS, DEPLOYMENTS("[" DEPLOYMENT(D1, "a", "") "]"), {0}};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(inventory_totals(prefect.inventory, D2).ended[END_COMPLETED], 5);
        for (int rounds = 0; rounds < 20; rounds++) {
            round_of(&prefect, one);
        }
    }
    round_of(&prefect, one);
    assert_int_equal(inventory_totals(prefect.inventory, D1).ended[END_COMPLETED], 5);
    assert_int_equal(inventory_totals(prefect.inventory, D2).ended[END_COMPLETED], 0);
    inventory_free(prefect.inventory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_quiet_costs_six_questions),
        cmocka_unit_test(deployments_are_read_again_when_their_number_changes),
        cmocka_unit_test(one_of_each_name),
        cmocka_unit_test(a_stranger_makes_deployments_be_read),
        cmocka_unit_test(only_what_was_chosen_is_shown),
        cmocka_unit_test(causes_of_lateness),
        cmocka_unit_test(late_in_no_queue),
        cmocka_unit_test(workers_pool_by_pool),
        cmocka_unit_test(a_refusal_is_told_once_and_the_rest_goes_on),
        cmocka_unit_test(items_that_make_no_sense_spoil_their_list),
        cmocka_unit_test(while_prefect_is_away_all_stays),
        cmocka_unit_test(totals_of_deployments_that_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
