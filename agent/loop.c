/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"
#include "base/log.h"
#include "base/memory.h"
#include "notify.h"
#include "time/clock.h"
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    PROBE_MS = 1000, /* a journal that cannot write is tried this often */
    RETAIN_MS = 3600000,
    RETAIN_AGAIN_MS = 100, /* between two batches of a long clean-up */
    AUDIT_MS = 1000,       /* audit records of what changed nothing wait so long for a commit */
    STOP_MS = 10000,       /* to finish what is in flight */
    WAIT_MAX_MS = 1000,    /* wall clocks may jump: schedules are looked at this often */
    DESCRIPTORS_MAX = 64,
    UNAVAILABLE_MAX = 100000, /* refused triggers that are remembered */
};

static const uint64_t references_token = UINT64_MAX; /* those of the server are slots */

static void step(Loop *loop, const Happening *happening, Now now)
{
    if (loop->writable) {
        engine_step(loop->engine, happening, now, &loop->actions);
        loop->happened = true;
    }
}

/* --- collect --- */

static void log_reachability(const Happening *happening)
{
    if (happening->kind == HAPPENED_REACHABLE) {
        log_line(LOG_INFO, "Prefect answers", NULL);
    } else if (happening->kind == HAPPENED_UNREACHABLE) {
        log_line(LOG_WARN, "Prefect cannot be reached", "cause", happening->answer.message, NULL);
    }
}

static void take_references(Loop *loop, PrefectFetched *fetched, Now now)
{
    Error error = {0};
    Json *reply = memory_steal(&fetched->body);
    if (!reference_watch_answer(loop->references, fetched->status, fetched->too_large, reply, now, &error)) {
        log_line(LOG_WARN, "deployments cannot be checked", "cause", error.text, NULL);
    }
}

static void collect_prefect(Loop *loop, Now now)
{
    prefect_client_run(loop->prefect, now);
    for (Happening happening; prefect_client_take(loop->prefect, &happening);) {
        log_reachability(&happening);
        step(loop, &happening, now);
    }
    for (PrefectFetched fetched; prefect_client_take_fetched(loop->prefect, &fetched);) {
        if (fetched.token == references_token) {
            take_references(loop, &fetched, now);
        } else if (fetched.token == LOOP_INVENTORY_TOKEN) {
            loop_take_inventory(loop, &fetched, now);
        } else {
            server_fetched(loop->server, &fetched);
        }
        prefect_fetched_release(&fetched);
    }
}

/* A trigger that could not be accepted: shown at once, and counted for good when that can be written. */
static void count_unavailable(Loop *loop, const char *sendpost, Now now)
{
    Happening happening = {.kind = HAPPENED_UNAVAILABLE, .trigger = {.sendpost = sendpost}};
    engine_step(loop->engine, &happening, now, &loop->actions);
    if (loop->unavailable.count < UNAVAILABLE_MAX) {
        text_list_add(&loop->unavailable, sendpost);
    }
    actions_clear(&loop->actions);
}

/* The sendpost that a trigger or a retry would start a run of; NULL for the other verbs. */
static const char *sendpost_to_start(const Loop *loop, const Happening *command)
{
    if (command->kind != HAPPENED_RETRY) {
        return command->kind == HAPPENED_TRIGGER ? command->trigger.sendpost : NULL;
    }
    const Run *ended = command->verb.ended;
    const Run *run = ended ? ended : engine_run_find(loop->engine, command->verb.run_id);
    return run ? run->record.sendpost : NULL;
}

static void take_command(Loop *loop, const Happening *command, Now now)
{
    bool trigger = command->kind == HAPPENED_TRIGGER;
    const char *sendpost = sendpost_to_start(loop, command);
    if (loop->writable) {
        if (sendpost) {
            text_list_add(&loop->triggers, sendpost);
        }
        step(loop, command, now);
        return;
    }
    if (sendpost) {
        count_unavailable(loop, sendpost, now);
    }
    server_reply_unavailable(loop->server, trigger ? command->trigger.token : command->verb.token,
                             "the journal cannot be written");
}

static void collect_commands(Loop *loop, Now now)
{
    server_run(loop->server, now);
    for (Happening command; server_take_command(loop->server, &command);) {
        take_command(loop, &command, now);
    }
    for (ServerFetch fetch; server_take_fetch(loop->server, &fetch);) {
        prefect_client_fetch(loop->prefect, fetch.token, fetch.path, fetch.body, now);
    }
    loop_collect_reloads(loop, now);
}

static void collect_signals(Loop *loop, Now now)
{
    for (struct signalfd_siginfo received; read(loop->signals, &received, sizeof received) == sizeof received;) {
        if (received.ssi_signo == SIGHUP) {
            catalogue_request(loop->catalogue);
            loop_look_at_tokens(loop, now, true);
        } else if (!loop->stopping) {
            log_line(LOG_INFO, "stopping", NULL);
            notify_systemd("STOPPING=1");
            loop->stopping = true;
            loop->stop_by = now.boot_ms + STOP_MS;
            server_drain(loop->server);
            prefect_client_drain(loop->prefect);
        }
    }
}

/* --- commit and act --- */

static void log_events(const Changes *changes)
{
    for (size_t i = 0; i < changes->event_count; i++) {
        const EventRecord *event = &changes->events[i];
        LogLevel level = event->type == EVENT_DEFINITION_BROKEN ? LOG_WARN : LOG_INFO;
        log_line(level, event_type_names[event->type], "sendpost", event->sendpost, "run", event->run, "stage",
                 event->stage, "from", event->from, "to", event->to, "reason", event->reason, "detail", event->detail,
                 NULL);
    }
}

static void send_requests(Loop *loop, Now now)
{
    for (size_t i = 0; i < loop->actions.request_count; i++) {
        prefect_client_send(loop->prefect, &loop->actions.requests[i], now);
    }
}

static void send_replies(Loop *loop)
{
    for (size_t i = 0; i < loop->actions.reply_count; i++) {
        server_reply(loop->server, &loop->actions.replies[i]);
    }
}

/* Neither a damaged file nor one whose writes got lost is mended by trying again. */
static bool is_broken(Loop *loop, const Error *error)
{
    if (error->kind == ERROR_DAMAGED || error->kind == ERROR_LOST) {
        loop->broken = true;
        log_line(LOG_ERROR, "the journal cannot be trusted any more; the agent ends, to begin anew from what is there",
                 "cause", error->text, NULL);
    }
    return loop->broken;
}

void loop_commit_failed(Loop *loop, Now now, const Error *error)
{
    if (is_broken(loop, error)) {
        actions_clear(&loop->actions);
        loop->writable = false;
        return;
    }
    log_line(LOG_ERROR, "the journal cannot be written; nothing is started or decided until it can", "cause",
             error->text, NULL);
    loop->writable = false;
    loop->probe_due = now.boot_ms + PROBE_MS;
    for (size_t i = 0; i < loop->actions.reply_count; i++) {
        server_reply_unavailable(loop->server, loop->actions.replies[i].token, "the journal cannot be written");
    }
    actions_clear(&loop->actions);
    Error again = {0};
    if (!loop_rebuild(loop, now, &again)) {
        log_line(LOG_ERROR, "the journal cannot be read either", "cause", again.text, NULL);
        is_broken(loop, &again);
    }
    for (size_t i = 0; i < loop->triggers.count; i++) {
        count_unavailable(loop, loop->triggers.items[i], now);
    }
    text_list_clear(&loop->triggers);
}

void loop_turn(Loop *loop, Now now)
{
    if (!loop->happened) {
        return;
    }
    loop->happened = false;
    Error error = {0};
    const Changes *changes = &loop->actions.changes;
    bool nothing = changes_empty(changes) && !journal_pending(loop->journal);
    if (!nothing && !journal_commit(loop->journal, changes, engine_totals(loop->engine), &error)) {
        loop_commit_failed(loop, now, &error);
        return;
    }
    send_requests(loop, now);
    send_replies(loop);
    log_events(changes);
    server_publish(loop->server, changes->events, changes->event_count);
    actions_clear(&loop->actions);
    engine_turn_end(loop->engine);
    text_list_clear(&loop->triggers);
}

static void poll_flow_runs(Loop *loop, Now now)
{
    bool eager = engine_take_eagerness(loop->engine);
    size_t count = engine_watched_count(loop->engine);
    if (!loop->writable || count == 0) {
        return;
    }
    if (!eager && now.boot_ms < prefect_client_poll_due(loop->prefect)) {
        return;
    }
    auto_free const char **ids = memory_new(count * sizeof *ids);
    size_t filled = 0;
    for (size_t at = 0; filled < count && engine_watched_each(loop->engine, &at, &ids[filled]);) {
        filled++;
    }
    prefect_client_poll(loop->prefect, ids, filled, eager, now);
}

static void check_references(Loop *loop, Now now)
{
    const char *path, *body;
    if (reference_watch_ask(loop->references, now, &path, &body)) {
        prefect_client_fetch(loop->prefect, references_token, path, body, now);
    }
    for (ReferenceChange change; reference_watch_take_change(loop->references, &change);) {
        bool fine = change.problem == REFERENCE_FINE;
        log_line(fine ? LOG_INFO : LOG_WARN, fine ? "a stage's deployment is fine" : "a stage's deployment is not fine",
                 "sendpost", change.sendpost, "stage", change.stage, "problem", reference_problem_names[change.problem],
                 "cause", change.message, NULL);
    }
}

static void recover(Loop *loop, Now now)
{
    if (loop->writable || now.boot_ms < loop->probe_due) {
        return;
    }
    loop->probe_due = now.boot_ms + PROBE_MS;
    Error error = {0};
    if (!journal_probe(loop->journal, &error)) {
        is_broken(loop, &error);
        log_line(LOG_DEBUG, "the journal still cannot be written", "cause", error.text, NULL);
        return;
    }
    loop->writable = true;
    if (!loop_rebuild(loop, now, &error)) {
        loop->writable = false;
        log_line(LOG_ERROR, "the journal cannot be read", "cause", error.text, NULL);
        is_broken(loop, &error);
    }
    if (!loop->writable) { /* or its first commit failed */
        return;
    }
    log_line(LOG_INFO, "the journal can be written again", NULL);
    TextList refused = loop->unavailable;
    loop->unavailable = (TextList){0};
    for (size_t i = 0; i < refused.count; i++) {
        step(loop, &(Happening){.kind = HAPPENED_UNAVAILABLE, .trigger = {.sendpost = refused.items[i]}}, now);
    }
    text_list_clear(&refused);
    loop_turn(loop, now);
}

static void commit_pending(Loop *loop, Now now)
{
    if (loop->writable && journal_pending(loop->journal)) {
        loop->happened = true;
        loop_turn(loop, now);
    }
}

static void maintain(Loop *loop, Now now)
{
    if (loop->writable && now.boot_ms >= loop->retain_due) {
        bool more = false;
        Error error = {0};
        int64_t oldest = now.wall_ms - loop->configuration->journal_retention_ms;
        if (!journal_retain(loop->journal, oldest, now.wall_ms - (int64_t)REQUEST_KEY_HOURS * 3600000, &more, &error)) {
            loop_commit_failed(loop, now, &error);
        }
        loop->retain_due = now.boot_ms + (more ? RETAIN_AGAIN_MS : RETAIN_MS);
    }
    if (now.boot_ms >= loop->audit_due) {
        loop->audit_due = now.boot_ms + AUDIT_MS;
        commit_pending(loop, now);
    }
    int64_t watchdog_ms = notify_watchdog_ms();
    if (watchdog_ms && now.boot_ms >= loop->watchdog_due) {
        loop->watchdog_due = now.boot_ms + watchdog_ms;
        notify_systemd("WATCHDOG=1");
    }
}

/* --- wait --- */

static int64_t earliest(const Loop *loop, Now now)
{
    int64_t times[] = {
        server_deadline(loop->server, now),
        prefect_client_deadline(loop->prefect, now),
        reference_watch_deadline(loop->references),
        loop->inventory && loop->writable ? inventory_deadline(loop->inventory) : TIME_NEVER,
        loop->writable ? engine_deadline(loop->engine, now) : loop->probe_due,
        loop->writable && engine_watched_count(loop->engine) ? prefect_client_poll_due(loop->prefect) : TIME_NEVER,
        loop->writable ? catalogue_deadline(loop->catalogue, now) : TIME_NEVER,
        loop->reload_count && !loop->writable ? now.boot_ms : TIME_NEVER,
        loop->happened ? now.boot_ms : TIME_NEVER,
        loop->writable ? loop->retain_due : TIME_NEVER,
        notify_watchdog_ms() ? loop->watchdog_due : TIME_NEVER,
        loop->stopping ? loop->stop_by : TIME_NEVER,
        loop->backup || loop->leftover >= 0 ? now.boot_ms : TIME_NEVER,
    };
    int64_t first = now.boot_ms + WAIT_MAX_MS;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        first = times[i] < first ? times[i] : first;
    }
    return first;
}

static void wait_for_something(Loop *loop)
{
    Now now = clock_now();
    int descriptors[DESCRIPTORS_MAX];
    size_t count = server_descriptors(loop->server, descriptors, DESCRIPTORS_MAX - 2);
    descriptors[count++] = loop->signals;
    if (loop->writable && catalogue_descriptor(loop->catalogue) >= 0) {
        descriptors[count++] = catalogue_descriptor(loop->catalogue);
    }
    struct curl_waitfd waits[DESCRIPTORS_MAX];
    for (size_t i = 0; i < count; i++) {
        waits[i] = (struct curl_waitfd){.fd = descriptors[i], .events = CURL_WAIT_POLLIN};
    }
    loop->woken_for = earliest(loop, now);
    int64_t wait_ms = loop->woken_for > now.boot_ms ? loop->woken_for - now.boot_ms : 0;
    curl_multi_poll(prefect_client_handle(loop->prefect), waits, (unsigned)count, (int)wait_ms, NULL);
}

static void measure_lag(Loop *loop, Now now)
{
    if (now.boot_ms >= loop->woken_for) {
        loop_statistics_add(&loop->statistics, (double)(now.boot_ms - loop->woken_for) / 1000.0);
    }
}

static bool finished(const Loop *loop, Now now)
{
    bool idle = server_idle(loop->server) && !prefect_client_busy(loop->prefect);
    return loop->broken || (loop->stopping && (idle || now.boot_ms >= loop->stop_by));
}

bool loop_run(Loop *loop)
{
    notify_systemd("READY=1");
    for (Now now = clock_now(); !finished(loop, now); now = clock_now()) {
        measure_lag(loop, now);
        collect_signals(loop, now);
        loop_look_at_tokens(loop, now, false);
        collect_prefect(loop, now);
        loop_collect_definitions(loop, now);
        collect_commands(loop, now);
        if (engine_deadline(loop->engine, now) <= now.boot_ms) {
            step(loop, &(Happening){.kind = HAPPENED_TIME}, now);
        }
        loop_turn(loop, now);
        loop_settle_definitions(loop, now);
        recover(loop, now);
        poll_flow_runs(loop, now);
        check_references(loop, now);
        loop_back_up(loop, now);
        loop_turn_inventory(loop, now);
        maintain(loop, now);
        prefect_client_run(loop->prefect, now); /* what was queued leaves now */
        server_run(loop->server, now);          /* replies too */
        wait_for_something(loop);
    }
    commit_pending(loop, clock_now());
    return !loop->broken;
}
