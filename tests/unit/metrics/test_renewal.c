/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept from one snapshot to the next says the same, byte for byte, as what is written from nothing: whatever
 * happened in between, in whatever portions it was written, and for as long as somebody goes on reading it. A seed that
 * fails is printed. */
#include "base/text.h"
#include "base/uuid.h"
#include "fixture.h"

enum {
    LIVES = 24,
    STEPS = 100,
    MANY = 90, /* sendposts, in every eighth life: several pages */
    REQUESTS_MAX = 64,
    READERS = 6,
    BUDGET_MAX = 60000,
};

/* Who reads slowly, and what it must have got in the end. */
typedef struct Reader {
    Exposition *exposition;
    char *expected;
    Buffer got;
} Reader;

/* A request that may be answered, or not. */
typedef struct Asked {
    RequestKind kind;
    char run_id[UUID_SIZE];
    int node, attempt;
    char *reference;
} Asked;

typedef struct Life {
    Fixture fixture;
    MetricsText *kept;
    Standing *standing;
    uint64_t random;
    int names, runs;
    Asked asked[REQUESTS_MAX];
    size_t asked_count;
    Reader readers[READERS];
} Life;

static uint64_t below(Life *life, uint64_t end)
{
    life->random ^= life->random << 13;
    life->random ^= life->random >> 7;
    life->random ^= life->random << 17;
    return life->random % end;
}

/* --- what happens --- */

static void keep_request(Life *life, const Request *request)
{
    bool known = request->kind == REQUEST_RESOLVE || request->kind == REQUEST_CREATE ||
                 request->kind == REQUEST_REPORT || request->kind == REQUEST_CANCEL;
    if (!known || life->asked_count == REQUESTS_MAX) {
        return;
    }
    Asked *asked = &life->asked[life->asked_count++];
    *asked = (Asked){.kind = request->kind,
                     .node = request->node,
                     .attempt = request->attempt,
                     .reference = text_copy(request->reference)};
    memcpy(asked->run_id, request->run_id ? request->run_id : "", request->run_id ? UUID_SIZE : 1);
}

static void step(Life *life, const Happening *happening)
{
    Fixture *fixture = &life->fixture;
    engine_step(fixture->engine, happening, fixture->now, &fixture->actions);
    for (size_t i = 0; i < fixture->actions.request_count; i++) {
        keep_request(life, &fixture->actions.requests[i]);
    }
    actions_clear(&fixture->actions);
    engine_turn_end(fixture->engine);
}

static const char *name_of(Life *life, const char *suffix)
{
    static char names[4][32];
    static size_t next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof names[0], "n%02d%s", (int)below(life, (uint64_t)life->names), suffix);
    return name;
}

static char *some_definition(Life *life)
{
    static const char *const extras[] = {"",
                                         "owner: 'a \"b\" \\c'\n",
                                         "labels: {a: 'x', b: ''}\n",
                                         "enabled: false\n",
                                         "deadline: 2h\nschedule: {cron: '*/20 * * * *'}\n",
                                         "concurrency: queue\n"};
    Buffer text;
    buffer_init(&text, 1 << 16);
    buffer_format(&text, "name: %s\n%stimeout: %dm\n", name_of(life, ""), extras[below(life, 6)],
                  1 + (int)below(life, 500));
    buffer_text(&text, "stages:\n");
    for (uint64_t i = 0, count = 1 + below(life, 4); i < count; i++) {
        buffer_format(&text, "- {name: s%d, run: f/d%d, retries: 1}\n", (int)i, (int)below(life, 4));
    }
    return buffer_take(&text);
}

static void load(Life *life)
{
    auto_free char *text = some_definition(life);
    Findings findings = {0};
    Definition *definition = definition_read(text, strlen(text), NULL, &findings);
    assert_non_null(definition);
    /* Mostly a file has one name for ever; at times another file has it, or both have exchanged them. */
    auto_free char *own = text_format("%s.yaml", definition->name);
    const char *file = below(life, 5) ? own : name_of(life, ".yaml");
    step(life,
         &(Happening){.kind = HAPPENED_LOADED, .file = {.file = file, .revision = "r", .definition = definition}});
    if (below(life, 3)) {
        standing_load(life->standing, definition);
    }
    definition_release(definition);
    findings_release(&findings);
}

static void file(Life *life)
{
    HappeningKind kind = below(life, 2) ? HAPPENED_GONE : HAPPENED_BROKEN;
    step(life, &(Happening){.kind = kind, .file = {.file = name_of(life, ".yaml"), .message = "wrong"}});
}

static void trigger(Life *life)
{
    char id[UUID_SIZE];
    auto_free char *seed = text_format("run %d", life->runs++);
    uuid_from_digest(seed, strlen(seed), id);
    TriggerEvent event = {.sendpost = name_of(life, ""), .run_id = id, .trigger = TRIGGER_API};
    event.start_at = below(life, 4) ? 0 : life->fixture.now.wall_ms + (int64_t)below(life, 1800000);
    step(life, &(Happening){.kind = below(life, 9) ? HAPPENED_TRIGGER : HAPPENED_UNAVAILABLE, .trigger = event});
}

static void operate(Life *life)
{
    static const HappeningKind kinds[] = {HAPPENED_CANCEL, HAPPENED_PAUSE, HAPPENED_RESUME};
    const Sendpost *sendpost = engine_sendpost_find(life->fixture.engine, name_of(life, ""));
    if (sendpost && sendpost->run_count) {
        VerbEvent verb = {.run_id = sendpost->runs[below(life, sendpost->run_count)]->record.id};
        step(life, &(Happening){.kind = kinds[below(life, 3)], .verb = verb});
    }
}

static void pass(Life *life)
{
    int64_t ms = (int64_t)below(life, below(life, 4) ? 5000 : 3600000);
    life->fixture.now.boot_ms += ms;
    life->fixture.now.wall_ms += below(life, 50) ? ms : -3600000;
    step(life, &(Happening){.kind = HAPPENED_TIME});
}

static FlowRun flow_run_of(Life *life, char *id)
{
    PrefectType type = (PrefectType)below(life, PREFECT_TYPES);
    int64_t now = life->fixture.now.wall_ms;
    return (FlowRun){.id = id,
                     .type = type,
                     .state_timestamp = now,
                     .created_at = now,
                     .started_at = now,
                     .ended_at = prefect_type_is_end(type) ? now : 0};
}

static void answer(Life *life)
{
    static const HappeningKind kinds[REQUEST_KINDS] = {[REQUEST_RESOLVE] = HAPPENED_RESOLVED,
                                                       [REQUEST_CREATE] = HAPPENED_CREATED,
                                                       [REQUEST_CANCEL] = HAPPENED_CANCEL_ANSWERED,
                                                       [REQUEST_REPORT] = HAPPENED_REPORTED};
    if (!life->asked_count) {
        return;
    }
    size_t at = below(life, life->asked_count);
    Asked asked = life->asked[at];
    life->asked[at] = life->asked[--life->asked_count];
    auto_free char *flow_run_id = text_format("%s-%d-%d", asked.run_id, asked.node, asked.attempt);
    auto_free char *deployment_id = text_format("id %d", (int)below(life, 6));
    FlowRun flow_run = flow_run_of(life, flow_run_id);
    AnswerEvent event = {
        .run_id = asked.run_id,
        .node = asked.node,
        .attempt = asked.attempt,
        .outcome = below(life, 8) ? OUTCOME_OK : OUTCOME_UNKNOWN,
        .reference = asked.reference,
        .deployment_id = deployment_id,
        .deployment_name = "d",
        .asked_boot_ms = life->fixture.now.boot_ms,
        .flow_runs = &flow_run,
        .flow_run_count = asked.kind == REQUEST_CREATE,
        .type = PREFECT_CANCELLING,
        .report = {.task_name = "deliver", .logs = "[]", .complete = true},
    };
    step(life, &(Happening){.kind = kinds[asked.kind], .answer = event});
    free(asked.reference);
}

static void poll(Life *life)
{
    size_t count = engine_watched_count(life->fixture.engine), at = 0;
    const char *id = NULL;
    for (uint64_t skip = count ? below(life, count) + 1 : 0; skip > 0; skip--) {
        assert_true(engine_watched_each(life->fixture.engine, &at, &id));
    }
    if (id) {
        auto_free char *copy = text_copy(id);
        FlowRun flow_run = flow_run_of(life, copy);
        AnswerEvent event = {.asked_boot_ms = life->fixture.now.boot_ms, .flow_runs = &flow_run, .flow_run_count = 1};
        step(life, &(Happening){.kind = HAPPENED_POLLED, .answer = event});
    }
}

static void check_references(Life *life)
{
    const Sendpost *sendpost = engine_sendpost_find(life->fixture.engine, name_of(life, ""));
    if (sendpost) {
        standing_load(life->standing, sendpost->definition);
        standing_set(life->standing, sendpost->definition, 0, (ReferenceProblem)below(life, REFERENCE_PROBLEMS));
    }
}

static void forget_references(Life *life)
{
    standing_forget(life->standing, name_of(life, ""));
}

static void count(Life *life)
{
    Fixture *fixture = &life->fixture;
    http_statistics_add(&fixture->http, (int)below(life, 3), 200, (double)below(life, 100) / 1000);
    size_t endpoint = below(life, ENDPOINTS);
    fixture->prefect.requests[endpoint] += below(life, 2);
    fixture->prefect.failures[endpoint][below(life, CAUSES)] += below(life, 2);
    fixture->prefect.up = below(life, 2);
    fixture->journal.commits++;
}

static void happen(Life *life)
{
    static void (*const all[])(Life *) = {
        load,   load,   file, trigger, trigger, trigger,          operate,           pass, pass, answer, answer,
        answer, answer, poll, poll,    poll,    check_references, forget_references, count};
    all[below(life, sizeof all / sizeof *all)](life);
}

/* --- what is read --- */

/* Without what the kernel says of the process: it is another thing each time. */
static char *text_of(Snapshot *snapshot, MetricsFormat format)
{
    char *text = exposition_text(exposition_new(snapshot, format), 64 * 1024);
    *strstr(text, "# HELP process_cpu") = '\0';
    return text;
}

static Snapshot *take(Life *life)
{
    Snapshot *snapshot;
    while (!(snapshot = snapshot_take(life->kept, &life->fixture.sources, 1 + below(life, BUDGET_MAX)))) {
        if (!below(life, 4)) {
            happen(life);
        }
    }
    return snapshot;
}

static void reader_read(Life *life, Reader *reader, size_t most)
{
    char piece[5000];
    size_t length, read = 0;
    while (reader->exposition && read < most &&
           (length = exposition_read(reader->exposition, piece, 1 + below(life, sizeof piece)))) {
        buffer_append(&reader->got, piece, length);
        read += length;
    }
}

static void reader_end(Life *life, Reader *reader)
{
    if (reader->exposition) {
        reader_read(life, reader, SIZE_MAX);
        *strstr(reader->got.bytes, "# HELP process_cpu") = '\0';
        assert_string_equal(reader->got.bytes, reader->expected);
        exposition_free(reader->exposition);
        buffer_release(&reader->got);
        free(reader->expected);
    }
    *reader = (Reader){0};
}

static void reader_begin(Life *life, Snapshot *snapshot, MetricsFormat format, const char *expected)
{
    Reader *reader = &life->readers[below(life, READERS)];
    reader_end(life, reader);
    reader->exposition = exposition_new(snapshot, format);
    reader->expected = text_copy(expected);
    buffer_init(&reader->got, 64 << 20);
}

static void check(Life *life, bool stage_state_set, bool histograms)
{
    MetricsText *fresh = metrics_text_new(stage_state_set, histograms);
    Snapshot *snapshot = take(life), *from_nothing = snapshot_take(fresh, &life->fixture.sources, SIZE_MAX);
    for (int format = 0; format < METRICS_FORMATS; format++) {
        auto_free char *text = text_of(snapshot, (MetricsFormat)format);
        auto_free char *expected = text_of(from_nothing, (MetricsFormat)format);
        assert_string_equal(text, expected);
        size_t count;
        auto_free char *joined =
            exposition_joined(exposition_new(snapshot, (MetricsFormat)format), 1 + below(life, 1000), &count);
        assert_true(!count || strncmp(joined, expected, strlen(expected)) == 0);
        reader_begin(life, snapshot, (MetricsFormat)format, text);
    }
    snapshot_release(snapshot);
    snapshot_release(from_nothing);
    metrics_text_free(fresh);
    reader_read(life, &life->readers[below(life, READERS)], life->random % 9000);
}

/* --- lives --- */

static void live_on(uint64_t seed)
{
    bool stage_state_set = seed % 3, histograms = seed % 2, many = seed % 8 == 0;
    Life life = {
        .random = seed * 0x9E3779B97F4A7C15, .standing = standing_new(), .names = many ? MANY : 1 + (int)(seed % 5)};
    fixture_init(&life.fixture);
    life.fixture.http.handlers[1] = "/v1/runs";
    life.fixture.http.handlers[2] = "/v1/status";
    life.fixture.sources.references = life.standing;
    life.kept = metrics_text_new(stage_state_set, histograms);
    for (int i = 0; i < STEPS; i++) {
        for (uint64_t happenings = many ? below(&life, 100) : 1; happenings > 0; happenings--) {
            happen(&life);
        }
        if (!below(&life, 50)) {
            metrics_text_clear(life.kept);
        }
        check(&life, stage_state_set, histograms);
    }
    for (size_t i = 0; i < READERS; i++) {
        reader_end(&life, &life.readers[i]);
    }
    for (size_t i = 0; i < life.asked_count; i++) {
        free(life.asked[i].reference);
    }
    metrics_text_free(life.kept);
    standing_free(life.standing);
    fixture_release(&life.fixture);
}

static void what_is_kept_is_what_is_written_from_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        print_message("seed %d\n", (int)seed);
        live_on(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_what_is_written_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
