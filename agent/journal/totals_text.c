/* SPDX-License-Identifier: Apache-2.0 */
/* Totals are many small numbers that change together: one row holds them as JSON, by name, so that later versions may
 * add some; those that are 0 are left out. */
#include "base/json_writer.h"
#include "base/memory.h"
#include "journal/store.h"
#include <string.h>

enum { TOTALS_TEXT_MAX = 8192 };

typedef struct NumberField {
    const char *name;
    size_t offset;
    int count; /* 1: a number, else an array of so many */
} NumberField;

#define NUMBER(record, member)                                                                                         \
    {                                                                                                                  \
#member, offsetof(record, member), 1                                                                           \
    }
#define NUMBERS(record, member, name)                                                                                  \
    {                                                                                                                  \
        name, offsetof(record, member), sizeof((record *)0)->member / sizeof(int64_t)                                  \
    }

/* All members are of 64 bits. */
static const NumberField sendpost_fields[] = {
    NUMBER(SendpostTotals, first_seen_at),
    NUMBERS(SendpostTotals, runs, "runs"),
    NUMBERS(SendpostTotals, failures, "failures"),
    NUMBER(SendpostTotals, cancellations),
    NUMBERS(SendpostTotals, ticks, "ticks"),
    NUMBERS(SendpostTotals, refused, "refused"),
    NUMBERS(SendpostTotals, duration.counts, "duration_counts"),
    NUMBERS(SendpostTotals, duration.count, "duration_count"),
    NUMBERS(SendpostTotals, duration.sum_ms, "duration_sum_ms"),
    NUMBERS(SendpostTotals, start_delay.counts, "start_delay_counts"),
    NUMBERS(SendpostTotals, start_delay.count, "start_delay_count"),
    NUMBERS(SendpostTotals, start_delay.sum_ms, "start_delay_sum_ms"),
    NUMBER(SendpostTotals, last_run_start_at),
    NUMBER(SendpostTotals, last_run_end_at),
    NUMBER(SendpostTotals, last_success_at),
    NUMBER(SendpostTotals, last_failure_at),
    NUMBER(SendpostTotals, last_tick_at),
    NUMBER(SendpostTotals, last_run_duration_ms),
    NUMBER(SendpostTotals, unmet_tick_at),
    NUMBER(SendpostTotals, clock_resets),
};

static const NumberField stage_fields[] = {
    NUMBER(StageTotals, ended),           NUMBER(StageTotals, duration_sum_ms), NUMBER(StageTotals, last_duration_ms),
    NUMBER(StageTotals, last_success_at), NUMBER(StageTotals, last_failure_at), NUMBER(StageTotals, failures),
    NUMBER(StageTotals, retries),
};

static const NumberField agent_fields[] = {NUMBER(AgentTotals, flow_runs_created),
                                           NUMBER(AgentTotals, flow_runs_adopted)};

static const NumberField end_fields[] = {NUMBERS(EndTotals, ended, "ended"),
                                         NUMBERS(EndTotals, duration_counts, "duration_counts"),
                                         NUMBER(EndTotals, duration_sum_ms)};

#define FIELDS(list) list, sizeof(list) / sizeof *(list)

static bool all_zero(const int64_t *values, int count)
{
    int i = 0;
    while (i < count && values[i] == 0) {
        i++;
    }
    return i == count;
}

static void write_fields(JsonWriter *writer, const NumberField *fields, size_t count, const void *record)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t *values = (const int64_t *)(const void *)((const char *)record + fields[i].offset);
        if (all_zero(values, fields[i].count)) {
            continue;
        }
        if (fields[i].count == 1) {
            json_write_integer(writer, fields[i].name, *values);
            continue;
        }
        json_begin_array(writer, fields[i].name);
        for (int j = 0; j < fields[i].count; j++) {
            json_write_integer(writer, NULL, values[j]);
        }
        json_end_array(writer);
    }
}

static void read_fields(const Json *json, const NumberField *fields, size_t count, void *record)
{
    for (size_t i = 0; i < count; i++) {
        int64_t *values = (int64_t *)(void *)((char *)record + fields[i].offset);
        const Json *value = json_member(json, fields[i].name);
        json_integer(value, values);
        int j = 0;
        for (const Json *item = json_first(value); item && j < fields[i].count; item = json_next(item)) {
            json_integer(item, &values[j++]);
        }
    }
}

static char *text_of(const NumberField *fields, size_t count, const void *record)
{
    Buffer text;
    buffer_init(&text, TOTALS_TEXT_MAX);
    JsonWriter writer;
    json_writer_init(&writer, &text);
    json_begin_object(&writer, NULL);
    write_fields(&writer, fields, count, record);
    json_end_object(&writer);
    return buffer_take(&text);
}

char *sendpost_totals_text(const Sendpost *sendpost)
{
    Buffer text;
    buffer_init(&text, TOTALS_TEXT_MAX);
    JsonWriter writer;
    json_writer_init(&writer, &text);
    json_begin_object(&writer, NULL);
    write_fields(&writer, FIELDS(sendpost_fields), &sendpost->totals);
    json_write_text(&writer, "last_run", sendpost->last_run ? sendpost->last_run->id : NULL);
    json_write_text(&writer, "last_failed", sendpost->last_failure ? sendpost->last_failure_run : NULL);
    json_begin_array(&writer, "schedules");
    for (size_t i = 0; i < sendpost->mark_count; i++) {
        json_begin_object(&writer, NULL);
        json_write_text(&writer, "digest", sendpost->marks[i].digest);
        json_write_integer(&writer, "since", sendpost->marks[i].since);
        json_end_object(&writer);
    }
    json_end_array(&writer);
    json_end_object(&writer);
    return buffer_take(&text);
}

static void read_id(const Json *json, const char *name, char id[UUID_SIZE])
{
    const char *text = json_member_text(json, name);
    bool fits = text && strlen(text) < UUID_SIZE;
    memcpy(id, fits ? text : "", fits ? strlen(text) + 1 : 1);
}

static void read_marks(const Json *list, SendpostHistory *history)
{
    size_t capacity = 0;
    for (const Json *item = json_first(list); item; item = json_next(item)) {
        ScheduleMark mark = {0};
        const char *digest = json_member_text(item, "digest");
        if (digest && strlen(digest) < sizeof mark.digest && json_integer(json_member(item, "since"), &mark.since)) {
            memcpy(mark.digest, digest, strlen(digest) + 1);
            array_push(history->marks, history->mark_count, capacity) = mark;
        }
    }
}

bool sendpost_totals_parse(const char *text, SendpostHistory *history, char last_run[UUID_SIZE],
                           char last_failed[UUID_SIZE])
{
    auto_json *json = json_parse(text, strlen(text), NULL);
    read_fields(json, FIELDS(sendpost_fields), &history->totals);
    read_marks(json_member(json, "schedules"), history);
    read_id(json, "last_run", last_run);
    read_id(json, "last_failed", last_failed);
    return json != NULL;
}

char *stage_totals_text(const StageTotals *totals)
{
    Buffer text;
    buffer_init(&text, TOTALS_TEXT_MAX);
    JsonWriter writer;
    json_writer_init(&writer, &text);
    json_begin_object(&writer, NULL);
    write_fields(&writer, FIELDS(stage_fields), totals);
    json_write_text(&writer, "last_state", state_names[totals->last_state]);
    json_end_object(&writer);
    return buffer_take(&text);
}

bool stage_totals_parse(const char *text, StageTotals *totals)
{
    auto_json *json = json_parse(text, strlen(text), NULL);
    read_fields(json, FIELDS(stage_fields), totals);
    int state = name_index(state_names, STATES, json_member_text(json, "last_state"));
    totals->last_state = state >= 0 ? (State)state : STATE_NEVER_RUN;
    return json != NULL;
}

char *agent_totals_text(const AgentTotals *totals)
{
    return text_of(FIELDS(agent_fields), totals);
}

bool agent_totals_parse(const char *text, AgentTotals *totals)
{
    auto_json *json = json_parse(text, strlen(text), NULL);
    read_fields(json, FIELDS(agent_fields), totals);
    return json != NULL;
}

char *end_totals_text(const EndTotals *totals)
{
    return text_of(FIELDS(end_fields), totals);
}

bool end_totals_parse(const char *text, EndTotals *totals)
{
    auto_json *json = json_parse(text, strlen(text), NULL);
    read_fields(json, FIELDS(end_fields), totals);
    return json != NULL;
}
