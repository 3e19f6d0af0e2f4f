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
        .stage_state_set = true,
        .histograms = true,
    };
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

static inline char *fixture_text_as(Fixture *fixture, MetricsFormat format)
{
    Snapshot *snapshot = snapshot_take(&fixture->sources, fixture->now);
    Exposition *exposition = exposition_new(snapshot, format);
    snapshot_release(snapshot);
    return exposition_text(exposition, 64 * 1024);
}

static inline char *fixture_text(Fixture *fixture)
{
    return fixture_text_as(fixture, METRICS_TEXT);
}

#endif
