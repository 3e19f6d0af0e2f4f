/* SPDX-License-Identifier: Apache-2.0 */
/* An engine with sendposts from texts, and sources around it whose numbers a test sets. */
#ifndef SENDPOST_TEST_METRICS_FIXTURE_H
#define SENDPOST_TEST_METRICS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/memory.h"
#include "metrics/exposition.h"
#include <stdio.h>
#include <string.h>

typedef struct Fixture {
    Engine *engine;
    Actions actions;
    PrefectStatistics prefect;
    JournalStatistics journal;
    CatalogueStatistics catalogue;
    HttpStatistics http;
    LoopStatistics loop;
    MetricsSources sources;
    MetricsText *text; /* forgotten before each snapshot: tests write what only the engine writes */
    Now now;
} Fixture;

static inline void fixture_init(Fixture *fixture)
{
    *fixture = (Fixture){
        .now = {.wall_ms = 1700000000000, .boot_ms = 5000},
        .engine = engine_new(&(EngineOptions){.namespace = "ns", .ui_url = "http://prefect"}),
        .journal = {.writable = true, .size_bytes = 4096, .commits = 3},
        .catalogue = {.loaded = 1, .last_reload_successful = true, .applied = "abc", .attempted = "abc"},
        .http = {.handlers = {"/metrics"}},
    };
    fixture->sources = (MetricsSources){
        .engine = fixture->engine,
        .prefect = &fixture->prefect,
        .journal = &fixture->journal,
        .catalogue = &fixture->catalogue,
        .http = &fixture->http,
        .loop = &fixture->loop,
        .namespace = "ns",
        .external_url = "http://agent",
        .prefect_api_url = "http://prefect/api",
        .started_at = 1699999999250,
    };
    fixture->text = metrics_text_new(true, true);
}

static inline void fixture_step(Fixture *fixture, const Happening *happening)
{
    engine_step(fixture->engine, happening, fixture->now, &fixture->actions);
    actions_clear(&fixture->actions);
    engine_turn_end(fixture->engine);
}

/* For writing what only the engine writes. */
static inline Sendpost *fixture_load(Fixture *fixture, const char *file, const char *text)
{
    Findings findings = {0};
    Definition *definition = definition_read(text, strlen(text), NULL, &findings);
    assert_non_null(definition);
    fixture_step(fixture, &(Happening){.kind = HAPPENED_LOADED,
                                       .file = {.file = file, .revision = "abc", .definition = definition}});
    Sendpost *sendpost = (Sendpost *)engine_sendpost_find(fixture->engine, definition->name);
    definition_release(definition);
    findings_release(&findings);
    return sendpost;
}

static inline void fixture_release(Fixture *fixture)
{
    metrics_text_free(fixture->text);
    actions_release(&fixture->actions);
    engine_free(fixture->engine);
}

static inline char *exposition_text(Exposition *exposition, size_t piece)
{
    Buffer text;
    buffer_init(&text, 64 << 20);
    char *out = memory_new(piece);
    for (size_t length; (length = exposition_read(exposition, out, piece));) {
        assert_true(length <= piece);
        buffer_append(&text, out, length);
    }
    free(out);
    exposition_free(exposition);
    return buffer_take(&text);
}

/* In at most `max` pieces; NULL: it cannot be. The caller frees it. */
static inline char *exposition_joined(Exposition *exposition, size_t max, size_t *count)
{
    Buffer text;
    buffer_init(&text, 64 << 20);
    Piece *pieces = memory_new(max * sizeof *pieces);
    *count = exposition_pieces(exposition, pieces, max);
    assert_true(*count <= max);
    for (size_t i = 0; i < *count; i++) {
        assert_true(pieces[i].length > 0);
        buffer_append(&text, pieces[i].text, pieces[i].length);
    }
    free(pieces);
    exposition_free(exposition);
    return buffer_take(&text);
}

static inline Snapshot *fixture_snapshot(Fixture *fixture)
{
    metrics_text_clear(fixture->text);
    Snapshot *snapshot = snapshot_take(fixture->text, &fixture->sources, SIZE_MAX);
    assert_non_null(snapshot);
    return snapshot;
}

static inline char *fixture_text_as(Fixture *fixture, MetricsFormat format)
{
    Snapshot *snapshot = fixture_snapshot(fixture);
    Exposition *exposition = exposition_new(snapshot, format);
    snapshot_release(snapshot);
    return exposition_text(exposition, 64 * 1024);
}

static inline char *fixture_text(Fixture *fixture)
{
    return fixture_text_as(fixture, METRICS_TEXT);
}

static const char daily[] = "name: daily\nowner: 'the \"data\" team'\nlabels: {tier: \"a\\\\b\", empty: ''}\n"
                            "timeout: 1h30m\nfreshness: 2d\ndeadline: 2h\nschedule: {cron: '0 6 * * *'}\n"
                            "stages:\n- {name: extract, observe: etl/extract, within: 1d}\n"
                            "- name: deliver\n  parallel:\n  - {name: email, run: mailing/email, expected: 90s}\n"
                            "  - name: push\n    stages:\n    - {name: send, run: mailing/push}\n";

/* What happened to `daily`, in a state that no test has to bring about step by step. */
static inline void live(Sendpost *sendpost)
{
    SendpostTotals *totals = &sendpost->totals;
    totals->runs[TRIGGER_API] = 3;
    totals->failures[REASON_FAILED] = 1;
    totals->cancellations = 1;
    totals->duration = (DurationHistogram){.counts = {1, 1}, .count = 2, .sum_ms = 12250};
    totals->duration.counts[DURATION_BUCKETS] = 1;
    totals->last_run_start_at = 1699999000000;
    totals->last_failure_at = 1699999999999;
    totals->unmet_tick_at = 1699941600000;
    sendpost->last_failure = memory_new(sizeof(Failure));
    *sendpost->last_failure = (Failure){.stage = text_copy("deliver/email"),
                                        .reason = REASON_FAILED,
                                        .task_name = text_copy("it \"explodes\""),
                                        .logs = text_copy("[]"),
                                        .flow_run_id = text_copy("flow-run")};
    memcpy(sendpost->last_failure_run, "run", 4);
    SendpostStage *stage = &sendpost->stages[2];
    assert_string_equal(stage->path, "deliver/email");
    stage->state = STATE_FAILED;
    text_replace(&stage->deployment->shown_id, "deployment");
    stage->totals =
        (StageTotals){.ended = 4, .duration_sum_ms = 10001, .last_duration_ms = 1, .failures = 2, .retries = 1};
}

/* Whether the text has exactly this line. */
static inline bool has_line(const char *text, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at++) {
        if ((at == text || at[-1] == '\n') && at[length] == '\n') {
            return true;
        }
    }
    return false;
}

static inline void assert_lines(const char *text, const char *const *lines)
{
    for (; *lines; lines++) {
        if (!has_line(text, *lines)) {
            print_error("%s\n", text);
            fail_msg("there is no line %s", *lines);
        }
    }
}

static inline size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text++) {
        count++;
    }
    return count;
}

#endif
