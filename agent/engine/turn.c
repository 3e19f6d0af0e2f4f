/* SPDX-License-Identifier: Apache-2.0 */
/* What a step leaves behind: dirty records, events, requests, replies. */
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"
#include <string.h>

void turn_touch_run(Turn *turn, Run *run)
{
    run->record.dirty = true;
    sendpost_changed(turn->engine, run->sendpost);
    if (!run->dirty) {
        run->dirty = true;
        Changes *changes = &turn->actions->changes;
        array_push(changes->runs, changes->run_count, changes->run_capacity) = run;
    }
}

void turn_touch_sendpost(Turn *turn, Sendpost *sendpost)
{
    sendpost_changed(turn->engine, sendpost);
    if (!sendpost->dirty) {
        sendpost->dirty = true;
        Changes *changes = &turn->actions->changes;
        array_push(changes->sendposts, changes->sendpost_count, changes->sendpost_capacity) = sendpost;
    }
}

static EventRecord *event_add(Turn *turn, EventType type)
{
    Changes *changes = &turn->actions->changes;
    EventRecord event = {.id = ++turn->engine->last_event_id, .type = type, .at = turn->now.wall_ms};
    array_push(changes->events, changes->event_count, changes->event_capacity) = event;
    return &changes->events[changes->event_count - 1];
}

void turn_event(Turn *turn, EventType type, const Run *run, const char *stage, State from, State to, Reason reason)
{
    EventRecord *event = event_add(turn, type);
    event->sendpost = text_copy(run->record.sendpost);
    event->run = text_copy(run->record.id);
    event->stage = text_copy(stage);
    event->from = type == EVENT_RUN_CREATED ? NULL : state_names[from];
    event->to = state_names[to];
    event->reason = reason_names[reason];
}

void turn_file_event(Turn *turn, EventType type, const char *sendpost, const char *detail)
{
    EventRecord *event = event_add(turn, type);
    event->sendpost = text_copy(sendpost);
    event->detail = text_copy(detail);
}

void turn_tick(Turn *turn, Sendpost *sendpost, int64_t at, Verdict verdict, const char *run_id)
{
    sendpost->totals.ticks[verdict]++;
    sendpost->totals.last_tick_at = at;
    account_tick(turn, sendpost, at, verdict);
    TickRecord tick = {.sendpost = sendpost->name, .at = at, .verdict = verdict};
    for (int i = 0; i < VERDICTS; i++) {
        tick.number += sendpost->totals.ticks[i];
    }
    if (run_id) {
        memcpy(tick.run_id, run_id, UUID_SIZE);
    }
    Changes *changes = &turn->actions->changes;
    array_push(changes->ticks, changes->tick_count, changes->tick_capacity) = tick;
    turn_touch_sendpost(turn, sendpost);
}

Request *turn_request(Turn *turn, RequestKind kind, const Run *run, int node)
{
    Actions *actions = turn->actions;
    Request request = {.kind = kind, .node = node};
    if (run) {
        const AttemptRecord *attempt = stage_attempt(&run->stages[node]);
        request.run_id = run->record.id;
        request.attempt = attempt ? attempt->number : 0;
    }
    array_push(actions->requests, actions->request_count, actions->request_capacity) = request;
    turn->engine->eager = true;
    return &actions->requests[actions->request_count - 1];
}

void turn_retry(Turn *turn, const char *run_id, const char *retried_by)
{
    RetryRecord record;
    memcpy(record.run_id, run_id, UUID_SIZE);
    memcpy(record.retried_by, retried_by, UUID_SIZE);
    Changes *changes = &turn->actions->changes;
    array_push(changes->retries, changes->retry_count, changes->retry_capacity) = record;
}

const char *turn_retried_by(const Turn *turn, const RunRecord *record)
{
    const Changes *changes = &turn->actions->changes;
    for (size_t i = 0; i < changes->retry_count; i++) {
        if (text_equal(changes->retries[i].run_id, record->id)) {
            return changes->retries[i].retried_by;
        }
    }
    return record->retried_by[0] ? record->retried_by : NULL;
}

void turn_remember_keys(Turn *turn, const RequestKey *keys, size_t count, const char *run_id)
{
    Changes *changes = &turn->actions->changes;
    for (size_t i = 0; i < count; i++) {
        KeyRecord record = {
            .scope = text_copy(keys[i].scope),
            .key = text_copy(keys[i].key),
            .digest = text_copy(keys[i].digest),
            .at = turn->now.wall_ms,
        };
        memcpy(record.run_id, run_id, UUID_SIZE);
        array_push(changes->keys, changes->key_count, changes->key_capacity) = record;
    }
}

static bool key_is_known(const Changes *changes, const RequestKey *key, char run_id[UUID_SIZE], bool *same)
{
    const char *known_run = key->known_run, *digest = key->known_digest;
    for (size_t i = 0; !*known_run && i < changes->key_count; i++) {
        const KeyRecord *known = &changes->keys[i];
        if (text_equal(known->key, key->key) && text_equal(known->scope, key->scope)) {
            known_run = known->run_id;
            digest = known->digest;
        }
    }
    memcpy(run_id, known_run, UUID_SIZE);
    *same = text_equal(digest, key->digest);
    return run_id[0] != '\0';
}

bool turn_reply_known(Turn *turn, uint64_t token, const RequestKey *keys, size_t count)
{
    char run_id[UUID_SIZE];
    bool same;
    for (size_t i = 0; i < count; i++) {
        if (key_is_known(&turn->actions->changes, &keys[i], run_id, &same)) {
            turn_remember_keys(turn, keys, same ? i : 0, run_id);
            Reply reply = {0};
            memcpy(reply.run_id, run_id, UUID_SIZE);
            turn_reply(turn, token, same ? REPLY_REPEATED : REPLY_KEY_REUSED, &reply);
            return true;
        }
    }
    return false;
}

void turn_reply(Turn *turn, uint64_t token, ReplyKind kind, Reply *said)
{
    said->token = token;
    said->kind = kind;
    Actions *actions = turn->actions;
    array_push(actions->replies, actions->reply_count, actions->reply_capacity) = *said;
}

int64_t back_off_ms(int failures)
{
    int64_t wait = BACK_OFF_MIN_MS;
    for (int i = 1; i < failures && wait < BACK_OFF_MAX_MS; i++) {
        wait *= 2;
    }
    return wait < BACK_OFF_MAX_MS ? wait : BACK_OFF_MAX_MS;
}

int64_t deadline_since(Now now, int64_t anchor, int64_t duration_ms)
{
    int64_t elapsed = now.wall_ms - anchor;
    elapsed = elapsed < 0 ? 0 : elapsed > duration_ms ? duration_ms : elapsed;
    return now.boot_ms + duration_ms - elapsed;
}
